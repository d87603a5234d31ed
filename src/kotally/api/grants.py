"""POST /grants: credits for a payment."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from kotally.api import fields
from kotally.api.call import Answer, Call, Invalid, Refusal, Reply, Request
from kotally.api.outcomes import key_of, reply_to
from kotally.api.routing import Route
from kotally.payments import grants
from kotally.payments.grants import PAID_AHEAD_MAX, Misreported, Purchase

METADATA_BYTES_MAX = 16_384
_encode = msgspec.json.Encoder().encode


class GrantRequest(Request, frozen=True, kw_only=True, omit_defaults=True):
    """Report a payment for a product; the product decides the credits."""

    either = (fields.CONTACT,)

    location_id: fields.LocationId
    request_id: fields.RequestId
    external_payment_id: fields.PaymentReference
    product_config_id: fields.ProductConfigId
    external_contact_id: fields.ContactKey | None = None
    ghl_contact_id: fields.ContactKey | None = None
    provider: Annotated[
        str,
        Meta(min_length=1, max_length=64, description="Who took the payment."),
    ] = "automation"
    event_type: Annotated[
        str, Meta(min_length=1, max_length=64, description="What happened there.")
    ] = "payment_confirmed"
    amount_cents: fields.Cents | None = None
    currency: fields.Currency | None = None
    paid_at: (
        Annotated[
            fields.Time,
            Meta(
                description=(
                    "When it was paid; now, if left out. A package is good from then on and its "
                    "days count from that date, unless its product starts it by another rule; if "
                    "they would be over already they count from now, as nobody is sold an expired "
                    "pack. A "
                    "membership's first period begins then, and that day is its anchor day. At "
                    f"most {PAID_AHEAD_MAX // timedelta(minutes=1)} minutes after now; what is "
                    "after now starts now."
                )
            ),
        ]
        | None
    ) = None
    period_starts_at: (
        Annotated[
            fields.Time,
            Meta(
                description=(
                    "When the membership period begins that is paid, as the provider has it; one "
                    "that is paid already is not paid twice."
                )
            ),
        ]
        | None
    ) = None
    email: fields.Email | None = None
    name: fields.Name | None = None
    phone: Annotated[
        fields.ShortText | None, Meta(description="A hint; fills the contact when it has none.")
    ] = None
    payment_fingerprint: Annotated[
        fields.ShortText | None,
        Meta(description="The provider's name of the card, by which a person is known again."),
    ] = None
    override_reason: Annotated[
        fields.ShortText | None,
        Meta(description="The staff's reason to sell although the product's limit is reached."),
    ] = None
    external_ref: fields.ExternalRef | None = None
    metadata: fields.Metadata | None = None

    def __post_init__(self) -> None:
        """Ask for a contact, and for metadata of a sensible size."""
        super().__post_init__()
        if self.metadata is not None and len(_encode(self.metadata)) > METADATA_BYTES_MAX:
            raise Invalid("metadata", f"must be at most {METADATA_BYTES_MAX} bytes as JSON")


class Granted(Answer, frozen=True, kw_only=True):
    """Say what was granted, and what the contact has now."""

    location_id: str
    contact_id: fields.RowId
    entitlement_id: fields.OtherRowId
    credits_granted: fields.Credits
    balance_after: fields.Credits
    payment_id: fields.RowId | UnsetType = UNSET
    lot_id: fields.RowId | UnsetType | None = UNSET
    expires_at: fields.Time | UnsetType | None = UNSET
    credits_paid_back: (
        Annotated[int, Meta(description="Of these credits, what settled a debt first.")] | UnsetType
    ) = UNSET
    notice: str | UnsetType = UNSET


class NotGranted(Refusal, frozen=True, kw_only=True):
    """Say why nothing was granted, and by which rule a purchase is limited."""

    location_id: str | UnsetType = UNSET
    contact_id: fields.RowId | UnsetType = UNSET
    entitlement_id: fields.OtherRowId | UnsetType = UNSET
    credits_granted: int | UnsetType = UNSET
    balance_after: int | UnsetType = UNSET
    payment_id: fields.RowId | UnsetType = UNSET
    paid_until: fields.Time | UnsetType = UNSET
    rule: str | UnsetType = UNSET
    bought: int | UnsetType = UNSET
    allowed: int | UnsetType | None = UNSET
    last_bought_at: fields.Time | UnsetType | None = UNSET
    allowed_from: fields.Time | UnsetType | None = UNSET


def purchase_of(request: GrantRequest) -> Purchase:
    """Read a grant request as the purchase it reports."""
    return Purchase(
        location_id=request.location_id,
        external_contact_id=request.external_contact_id or request.ghl_contact_id or "",
        product_config_id=request.product_config_id,
        external_payment_id=request.external_payment_id,
        provider=request.provider,
        event_type=request.event_type,
        amount_cents=request.amount_cents,
        currency=request.currency.upper() if request.currency else None,
        paid_at=request.paid_at,
        period_starts_at=request.period_starts_at,
        email=request.email,
        name=request.name,
        phone=request.phone,
        payment_fingerprint=request.payment_fingerprint,
        override_reason=request.override_reason,
        external_ref=request.external_ref,
        metadata=request.metadata,
    )


@contextmanager
def as_told(request: GrantRequest, path: str = "") -> Generator[None]:
    """Refuse the field of a purchase that cannot be as it was told."""
    try:
        yield
    except Misreported as fault:
        field = fault.field
        if field == "external_contact_id" and not request.external_contact_id:
            field = "ghl_contact_id"
        raise Invalid(path + field, str(fault)) from fault


async def grant(call: Call[GrantRequest]) -> Reply:
    """Grant what a payment bought."""
    request = call.request
    key = key_of(call, "grant", request, request_id=request.request_id)
    engine = call.engine
    with as_told(request):
        outcome = await grants.grant(engine.db, engine.writer, purchase_of(request), key=key)
    return reply_to(outcome, key.body, operation="grant")


_EXAMPLE: dict[str, Any] = {
    "location_id": "loc_1",
    "request_id": "req_1001",
    "external_payment_id": "pay_456",
    "external_contact_id": "ghl_contact_123",
    "product_config_id": "pc_package_1",
    "amount_cents": 9900,
    "currency": "USD",
    "email": "member@example.com",
    "name": "Member Example",
}

ROUTES = (
    Route(
        method="POST",
        path="/grants",
        scope="grant",
        request=GrantRequest,
        handler=grant,
        answer=Granted,
        refusal=NotGranted,
        codes=(
            "grant_applied",
            "CONFIG_NOT_FOUND",
            "DUPLICATE_EVENT",
            "PURCHASE_LIMIT_REACHED",
            "PERIOD_PAID_AHEAD",
            "BILLING_SUSPENDED",
            "REQUEST_IN_PROGRESS",
            "IDEMPOTENCY_CONFLICT",
        ),
        tag="Credits",
        summary="Grant credits for a payment",
        description=(
            "Creates the contact if it does not exist. A package opens a new entitlement; a "
            "membership starts, or has its next period paid if one of that product is running. "
            "The number of credits always comes from the product config."
        ),
        example=_EXAMPLE,
    ),
)

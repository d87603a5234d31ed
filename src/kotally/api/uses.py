"""POST /uses: what a plain deduction cannot say (S1.6, S12.4, S12.5)."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from kotally.api import fields
from kotally.api.call import Answer, Call, Reply
from kotally.api.company import (
    CODES,
    CompanyRefusal,
    CompanyRequest,
    brought_up_to_date,
    may_not_choose,
)
from kotally.api.entitlements import Slice
from kotally.api.outcomes import key_of, reply_to
from kotally.api.refunds import Preview
from kotally.api.routing import Route
from kotally.payments import using
from kotally.payments.using import Use


class UseRequest(CompanyRequest, frozen=True, kw_only=True, omit_defaults=True):
    """Use the contact's credits for somebody else, or from named lots, or shared ones."""

    either = (fields.CONTACT, ("product_config_id", "calendar_id"))

    location_id: fields.LocationId
    request_id: fields.RequestId
    external_contact_id: fields.ContactKey | None = None
    ghl_contact_id: fields.ContactKey | None = None
    product_config_id: fields.ProductConfigId | None = None
    calendar_id: fields.CalendarId | None = None
    amount: fields.Amount = 1
    appointment_time: fields.Time | None = None
    external_ref: fields.ExternalRef | None = None
    hold: Annotated[
        bool, Meta(description="Only reserve the credits; `/holds/{id}/…` settles it.")
    ] = False
    preview: Preview = False


class Used(Answer, frozen=True, kw_only=True):
    """Say whose credits were used for whom, and from where."""

    balance_after: Annotated[int, Meta(description="What the owner has left.")]
    entitlement_id: fields.OtherRowId
    contact_id: Annotated[fields.RowId, Meta(description="The owner of the credits.")]
    hold_id: fields.RowId
    credits: fields.Credits
    slices: list[Slice]
    owner_id: fields.RowId
    beneficiary_id: Annotated[fields.OtherRowId, Meta(description="Who comes.")]
    booked_by: str | None
    is_guest: bool
    status: Annotated[str, Meta(description="`deducted` or `held`.")]


class NotUsed(CompanyRefusal, frozen=True, kw_only=True):
    """Say why not."""

    kind: str | UnsetType = UNSET
    why: str | UnsetType = UNSET
    blocked_until: fields.Time | UnsetType | None = UNSET


async def use(call: Call[UseRequest]) -> Reply:
    """Use credits."""
    request = call.request
    refused = may_not_choose(call)
    if refused is not None:
        return refused
    wanted = Use(
        contact=request.external_contact_id or request.ghl_contact_id or "",
        company=request.company(),
        amount=request.amount,
        product_config_id=request.product_config_id,
        calendar_id=request.calendar_id,
        external_ref=request.external_ref,
        appointment_at=request.appointment_time,
        is_hold=request.hold,
    )
    key = key_of(call, "use", request, request_id=request.request_id)
    await brought_up_to_date(call, wanted.contact)
    outcome = await using.use(
        call.engine.db, request.location_id, wanted, key=key, preview=request.preview
    )
    return reply_to(outcome, key.body)


ROUTES = (
    Route(
        method="POST",
        path="/uses",
        scope="deduct",
        request=UseRequest,
        handler=use,
        answer=Used,
        refusal=NotUsed,
        codes=(
            "used",
            "guest_brought",
            *CODES,
            "NO_ENTITLEMENT",
            "INSUFFICIENT_CREDITS",
            "SERVICE_FAMILY_MISMATCH",
            "CAP_REACHED",
            "BOOKING_BLOCKED",
            "PAST_DUE",
            "DUPLICATE_EVENT",
            "BILLING_SUSPENDED",
            "REQUEST_IN_PROGRESS",
            "IDEMPOTENCY_CONFLICT",
        ),
        tag="Sharing and guests",
        summary="Use credits for somebody else",
        description=(
            "Takes the contact's credits for whom the contact shares them with, or for a guest; "
            "without either, credits that others share pay if the contact's own do not. `lots` "
            "names the lots that pay. Owner, beneficiary and who booked are kept. A restore names "
            "the owner as the contact."
        ),
        example={
            "location_id": "loc_1",
            "request_id": "req_1040",
            "external_contact_id": "ghl_contact_123",
            "beneficiary_contact_id": "ghl_contact_456",
            "booked_by": "ghl_contact_123",
            "calendar_id": "cal_1",
            "external_ref": "appt_790",
        },
    ),
)

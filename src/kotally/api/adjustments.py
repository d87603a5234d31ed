"""POST /adjustments and /approvals: corrections by hand, and who has to agree (S12.1, S12.2)."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct

from kotally.api import fields
from kotally.api.call import Call, Invalid, Reply, Request
from kotally.api.money_answers import Adjusted, NotCorrected
from kotally.api.outcomes import key_of, reply_to
from kotally.api.refunds import Preview
from kotally.api.routing import Route
from kotally.bookings import overdue
from kotally.payments import adjustments
from kotally.payments.adjustments import EXPIRY_DAYS, Reason, Wish
from kotally.payments.choosing import Named

EXPIRY_DAYS_MAX = 3_650
LOTS_MAX = 100

Note = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=fields.TEXT_LENGTH_MAX,
        description="Why, in words for whoever looks later.",
        examples=["The trainer was late."],
    ),
]


class NamedLot(Struct, frozen=True, forbid_unknown_fields=True):
    """Name so much of one lot."""

    lot_id: fields.RowId
    amount: fields.Amount


Lots = Annotated[
    list[NamedLot],
    Meta(max_length=LOTS_MAX, description="From which lots; those spent next if left out."),
]


class AdjustmentRequest(Request, frozen=True, kw_only=True, omit_defaults=True):
    """Give credits with an amount above zero, take them with one below."""

    either = (fields.CONTACT,)

    location_id: fields.LocationId
    request_id: fields.RequestId
    external_contact_id: fields.ContactKey | None = None
    ghl_contact_id: fields.ContactKey | None = None
    amount: Annotated[
        int,
        Meta(
            ge=-fields.AMOUNT_MAX,
            le=fields.AMOUNT_MAX,
            description="Credits to give, or below zero to take; not 0.",
            examples=[2],
        ),
    ]
    reason: Reason
    note: Note
    product_config_id: fields.ProductConfigId | None = None
    expires_in_days: Annotated[
        int, Meta(ge=1, le=EXPIRY_DAYS_MAX, description="How long given credits live.")
    ] = EXPIRY_DAYS
    lots: Lots | None = None
    preview: Preview = False

    def __post_init__(self) -> None:
        """Ask for an amount, and for lots only to take from."""
        super().__post_init__()
        if self.amount == 0:
            raise Invalid("amount", "must not be 0")
        if self.amount > 0 and self.lots:
            raise Invalid("lots", "can only be named to take credits")


class DecisionRequest(Request, frozen=True, kw_only=True, omit_defaults=True):
    """Decide a correction that waits."""

    location_id: fields.LocationId
    request_id: fields.RequestId
    note: Note | None = None
    preview: Preview = False


def named_lots(lots: list[NamedLot] | None) -> list[Named]:
    """Read the lots that a request names."""
    return [Named(each.lot_id, each.amount) for each in lots or []]


async def adjust(call: Call[AdjustmentRequest]) -> Reply:
    """Correct a contact's credits."""
    request = call.request
    key = key_of(call, "adjustment", request, request_id=request.request_id)
    wish = Wish(
        contact=request.external_contact_id or request.ghl_contact_id or "",
        amount=request.amount,
        reason=request.reason,
        note=request.note,
        product_config_id=request.product_config_id,
        expires_in_days=request.expires_in_days,
        lots=named_lots(request.lots),
    )
    await overdue.bring_up_to_date(call.engine.db, request.location_id, wish.contact)
    outcome = await adjustments.adjust(
        call.engine.db,
        request.location_id,
        wish,
        role="client",
        key=key,
        preview=request.preview,
    )
    return reply_to(outcome, key.body)


async def approve(call: Call[DecisionRequest]) -> Reply:
    """Agree to a correction."""
    return await _decide(call, approved=True)


async def reject(call: Call[DecisionRequest]) -> Reply:
    """Refuse a correction."""
    return await _decide(call, approved=False)


async def _decide(call: Call[Any], *, approved: bool) -> Reply:
    request = call.request
    try:
        id_ = UUID(call.path["id"])
    except ValueError as fault:
        raise Invalid("id", "must be the approval_id of an earlier answer, a uuid") from fault
    operation = f"{'approve' if approved else 'reject'} {id_}"
    key = key_of(call, operation, request, request_id=request.request_id)
    await overdue.bring_owner_up_to_date(call.engine.db, request.location_id, id_)
    outcome = await adjustments.decide(
        call.engine.db,
        request.location_id,
        id_,
        approved=approved,
        note=request.note,
        key=key,
        preview=request.preview,
    )
    return reply_to(outcome, key.body)


_REFUSED = ("CONFIG_NOT_FOUND", "INSUFFICIENT_CREDITS", "LOTS_DO_NOT_ADD_UP")
_ONCE = ("REQUEST_IN_PROGRESS", "IDEMPOTENCY_CONFLICT")
_DECIDING = ("APPROVAL_NOT_FOUND", "APPROVAL_LAPSED", "APPROVAL_ALREADY_DECIDED", *_ONCE)
_EXAMPLE = {"location_id": "loc_1", "request_id": "req_1021"}

ROUTES = (
    Route(
        method="POST",
        path="/adjustments",
        scope="adjust",
        request=AdjustmentRequest,
        handler=adjust,
        answer=Adjusted,
        refusal=NotCorrected,
        codes=("adjusted", "approval_requested", "CONTACT_NOT_FOUND", *_REFUSED, *_ONCE),
        tag="Corrections",
        summary="Correct a contact's credits",
        description=(
            "Gives credits that cost nothing and expire, or takes available ones; held credits "
            "are never touched. Above the client's limit another client has to approve it."
        ),
        example=_EXAMPLE
        | {
            "external_contact_id": "ghl_contact_123",
            "amount": 2,
            "reason": "goodwill",
            "note": "The trainer was late.",
        },
    ),
    Route(
        method="POST",
        path="/approvals/{id}/approve",
        scope="adjust",
        request=DecisionRequest,
        handler=approve,
        answer=Adjusted,
        refusal=NotCorrected,
        codes=("adjusted", "APPROVAL_NEEDS_ANOTHER_PERSON", *_REFUSED, *_DECIDING),
        tag="Corrections",
        summary="Agree to a correction",
        description="Carries it out; whoever asked for it cannot agree to it.",
        example=_EXAMPLE,
    ),
    Route(
        method="POST",
        path="/approvals/{id}/reject",
        scope="adjust",
        request=DecisionRequest,
        handler=reject,
        answer=Adjusted,
        refusal=NotCorrected,
        codes=("approval_rejected", *_DECIDING),
        tag="Corrections",
        summary="Refuse a correction",
        description="It has no effect, and cannot be approved any more.",
        example=_EXAMPLE | {"note": "This was corrected before."},
    ),
)

"""POST /transfers: credits given to another contact, and taken back (S12.3)."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from msgspec import Meta

from kotally.api import fields
from kotally.api.adjustments import Lots, Note, named_lots
from kotally.api.call import Call, Invalid, Reply, Request
from kotally.api.money_answers import NotCorrected, Transferred
from kotally.api.outcomes import key_of, reply_to
from kotally.api.refunds import Preview
from kotally.api.routing import Route
from kotally.bookings import overdue
from kotally.payments import transfers, undoing
from kotally.payments.transfers import Gift


class TransferRequest(Request, frozen=True, kw_only=True, omit_defaults=True):
    """Give credits to another contact."""

    location_id: fields.LocationId
    request_id: fields.RequestId
    from_contact_id: fields.ContactKey
    to_contact_id: fields.ContactKey
    amount: fields.Amount
    note: Note
    lots: Lots | None = None
    override: Annotated[
        bool,
        Meta(description="Give even credits that are not to be given away; the note says why."),
    ] = False
    preview: Preview = False


class UndoTransferRequest(Request, frozen=True, kw_only=True, omit_defaults=True):
    """Take a transfer back."""

    location_id: fields.LocationId
    request_id: fields.RequestId
    preview: Preview = False


async def transfer(call: Call[TransferRequest]) -> Reply:
    """Give credits to another contact."""
    request = call.request
    key = key_of(call, "transfer", request, request_id=request.request_id)
    gift = Gift(
        from_contact=request.from_contact_id,
        to_contact=request.to_contact_id,
        amount=request.amount,
        note=request.note,
        lots=named_lots(request.lots),
        override=request.override,
    )
    for reference in (gift.from_contact, gift.to_contact):
        await overdue.bring_up_to_date(call.engine.db, request.location_id, reference)
    outcome = await transfers.transfer(
        call.engine.db, request.location_id, gift, key=key, preview=request.preview
    )
    return reply_to(outcome, key.body)


async def undo(call: Call[UndoTransferRequest]) -> Reply:
    """Take a transfer back."""
    request = call.request
    try:
        id_ = UUID(call.path["id"])
    except ValueError as fault:
        raise Invalid("id", "must be the transfer_id of an earlier answer, a uuid") from fault
    key = key_of(call, f"undo transfer {id_}", request, request_id=request.request_id)
    await overdue.bring_owner_up_to_date(call.engine.db, request.location_id, id_)
    outcome = await undoing.undo(
        call.engine.db, request.location_id, id_, key=key, preview=request.preview
    )
    return reply_to(outcome, key.body)


_ONCE = ("REQUEST_IN_PROGRESS", "IDEMPOTENCY_CONFLICT")
_EXAMPLE = {"location_id": "loc_1", "request_id": "req_1022"}

ROUTES = (
    Route(
        method="POST",
        path="/transfers",
        scope="adjust",
        request=TransferRequest,
        handler=transfer,
        answer=Transferred,
        refusal=NotCorrected,
        codes=(
            "transferred",
            "CONTACT_NOT_FOUND",
            "TRANSFER_TO_SELF",
            "NOT_TRANSFERABLE",
            "INSUFFICIENT_CREDITS",
            "LOTS_DO_NOT_ADD_UP",
            *_ONCE,
        ),
        tag="Corrections",
        summary="Give credits to another contact",
        description=(
            "Moves available credits; they keep their expiry, what they are good for and their "
            "share of the cost."
        ),
        example=_EXAMPLE
        | {
            "from_contact_id": "ghl_contact_123",
            "to_contact_id": "ghl_contact_456",
            "amount": 2,
            "note": "A gift.",
        },
    ),
    Route(
        method="POST",
        path="/transfers/{id}/undo",
        scope="adjust",
        request=UndoTransferRequest,
        handler=undo,
        answer=Transferred,
        refusal=NotCorrected,
        codes=(
            "transfer_undone",
            "TRANSFER_NOT_FOUND",
            "TRANSFER_ALREADY_UNDONE",
            "TRANSFER_TOO_OLD",
            "TRANSFER_TOUCHED",
            *_ONCE,
        ),
        tag="Corrections",
        summary="Take a transfer back",
        description="Within 24 hours, while the credits are untouched.",
        example=_EXAMPLE,
    ),
)

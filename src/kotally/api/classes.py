"""POST /classes/…: the studio cancels, the waiting list moves up; POST /fees/…: fees are closed."""

from __future__ import annotations

from typing import Annotated, Any, Final

from msgspec import Meta

from kotally.api import fields
from kotally.api.booking_answers import (
    ClassCancelled,
    ClassRestored,
    FeeSettled,
    NotBooked,
    Promoted,
)
from kotally.api.booking_requests import PLACES_MAX, BookingRequest
from kotally.api.bookings import ONCE, id_of
from kotally.api.call import Call, Reply
from kotally.api.outcomes import key_of, reply_to
from kotally.api.routing import Route
from kotally.bookings import classes, fees, overdue, waitlist
from kotally.bookings.fees import Settlement
from kotally.ledger.acts import Outcome


class PromoteRequest(BookingRequest, frozen=True, kw_only=True, omit_defaults=True):
    """Give free places to those who wait."""

    places: Annotated[
        int, Meta(ge=1, le=PLACES_MAX, description="How many places are free.", examples=[1])
    ] = 1


class SettleFeeRequest(BookingRequest, frozen=True, kw_only=True, omit_defaults=True):
    """Close a fee."""

    status: Annotated[Settlement, Meta(description="How it was closed.")]
    note: fields.Text | None = None


async def cancel(call: Call[BookingRequest]) -> Reply:
    """Cancel a class."""
    await _brought_up_to_date(call)
    return await _act(call, classes.cancel_class, _class_ref(call), verb="cancel")


async def undo(call: Call[BookingRequest]) -> Reply:
    """Undo the cancellation of a class."""
    await overdue.bring_owner_up_to_date(call.engine.db, call.request.location_id, id_of(call))
    return await _act(call, classes.undo, id_of(call), verb="undo")


async def promote(call: Call[PromoteRequest]) -> Reply:
    """Move the waiting list up."""
    await _brought_up_to_date(call)
    return await _act(
        call, waitlist.promote, _class_ref(call), verb="promote", places=call.request.places
    )


async def settle_fee(call: Call[SettleFeeRequest]) -> Reply:
    """Close a fee."""
    request, fee_id = call.request, id_of(call)
    key = key_of(call, f"fee {fee_id}", request, request_id=request.request_id)
    outcome = await fees.settle(
        call.engine.db,
        request.location_id,
        fee_id,
        settlement=request.status,
        key=key,
        note=request.note,
        preview=request.preview,
    )
    return reply_to(outcome, key.body)


async def _act(call: Call[Any], act: Any, subject: Any, *, verb: str, **wanted: Any) -> Reply:  # noqa: ANN401 - one of the acts above
    request = call.request
    key = key_of(call, f"{verb} {subject}", request, request_id=request.request_id)
    outcome: Outcome = await act(
        call.engine.db,
        request.location_id,
        subject,
        key=key,
        preview=request.preview,
        **wanted,
    )
    return reply_to(outcome, key.body)


async def _brought_up_to_date(call: Call[Any]) -> None:
    db, location_id = call.engine.db, call.request.location_id
    await overdue.bring_class_up_to_date(db, location_id, _class_ref(call))


def _class_ref(call: Call[Any]) -> str:
    return call.path["ref"]


_EXAMPLE: Final = {"location_id": "loc_1", "request_id": "req_1006"}

ROUTES = (
    Route(
        method="POST",
        path="/classes/{ref}/cancel",
        scope="hold",
        request=BookingRequest,
        handler=cancel,
        answer=ClassCancelled,
        refusal=NotBooked,
        codes=("class_cancelled", "CLASS_NOT_FOUND", *ONCE),
        tag="Bookings",
        summary="Cancel a class",
        description=(
            "Returns everything whatever the window, and reverses strikes and fees of its "
            "bookings; the whole can be undone once."
        ),
        example=_EXAMPLE,
    ),
    Route(
        method="POST",
        path="/class-cancellations/{id}/undo",
        scope="hold",
        request=BookingRequest,
        handler=undo,
        answer=ClassRestored,
        refusal=NotBooked,
        codes=("class_restored", "CANCELLATION_NOT_FOUND", "CANCELLATION_ALREADY_UNDONE", *ONCE),
        tag="Bookings",
        summary="Undo the cancellation of a class",
        description="Each booking becomes what it was; what cannot be paid for stands unfunded.",
        example=_EXAMPLE,
    ),
    Route(
        method="POST",
        path="/classes/{ref}/promote",
        scope="hold",
        request=PromoteRequest,
        handler=promote,
        answer=Promoted,
        refusal=NotBooked,
        codes=("promoted", "WAITLIST_EMPTY", *ONCE),
        tag="Bookings",
        summary="Move the waiting list up",
        description=(
            "First come first; eligibility, caps and the hold are decided anew in the same "
            "transaction, and who is passed over is told why."
        ),
        example={**_EXAMPLE, "places": 1},
    ),
    Route(
        method="POST",
        path="/fees/{id}/settle",
        scope="hold",
        request=SettleFeeRequest,
        handler=settle_fee,
        answer=FeeSettled,
        refusal=NotBooked,
        codes=("fee_settled", "FEE_NOT_FOUND", "FEE_ALREADY_SETTLED", *ONCE),
        tag="Bookings",
        summary="Close a fee",
        description="Fees are never charged by us: they are paid, waived or written off.",
        example={**_EXAMPLE, "status": "paid"},
    ),
)

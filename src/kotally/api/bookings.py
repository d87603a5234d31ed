"""POST /bookings and what becomes of them (S2 to S5)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from kotally.api.booking_answers import Booked, Ended, NotBooked
from kotally.api.booking_requests import (
    AttendBookingRequest,
    CancelBookingRequest,
    CorrectBookingRequest,
    NoShowBookingRequest,
    PlaceBookingRequest,
    RescheduleBookingRequest,
)
from kotally.api.call import Call, Invalid, Reply, Request
from kotally.api.company import CODES, brought_up_to_date, may_not_choose
from kotally.api.outcomes import key_of, reply_to
from kotally.api.routing import Route
from kotally.bookings import corrections, overdue, placing, rescheduling, settling
from kotally.bookings.rescheduling import Move
from kotally.bookings.wishes import Wish
from kotally.ledger.acts import Outcome

LENGTH_DEFAULT: Final = timedelta(hours=1)


async def place(call: Call[PlaceBookingRequest]) -> Reply:
    """Book a place."""
    request = call.request
    refused = may_not_choose(call)
    if refused is not None:
        return refused
    wish = Wish(
        external_contact_id=request.external_contact_id or request.ghl_contact_id or "",
        external_ref=request.external_ref,
        starts_at=request.appointment_time,
        ends_at=request.appointment_ends_at or request.appointment_time + LENGTH_DEFAULT,
        class_ref=request.class_ref,
        product_config_id=request.product_config_id,
        calendar_id=request.calendar_id,
        units=request.amount,
        waitlist=request.waitlist,
        allow_unfunded=request.allow_unfunded,
        company=request.company(),
    )
    key = key_of(call, "booking", request, request_id=request.request_id)
    await brought_up_to_date(call, wish.external_contact_id)
    outcome = await placing.place(
        call.engine.db, request.location_id, wish, key=key, preview=request.preview
    )
    return reply_to(outcome, key.body)


async def cancel(call: Call[CancelBookingRequest]) -> Reply:
    """Cancel a booking."""
    return await _act(call, "cancel", settling.cancel, cancelled_at=call.request.cancelled_at)


async def attend(call: Call[AttendBookingRequest]) -> Reply:
    """Report attendance."""
    return await _act(call, "attend", settling.attend, units=call.request.amount)


async def no_show(call: Call[NoShowBookingRequest]) -> Reply:
    """Report an absence."""
    return await _act(call, "no-show", settling.no_show, at_once=call.request.at_once)


async def reschedule(call: Call[RescheduleBookingRequest]) -> Reply:
    """Move a booking."""
    request = call.request
    move = Move(
        starts_at=request.appointment_time,
        ends_at=request.appointment_ends_at or request.appointment_time + LENGTH_DEFAULT,
        class_ref=request.class_ref,
        calendar_id=request.calendar_id,
    )
    return await _act(call, "reschedule", rescheduling.reschedule, move=move)


async def correct(call: Call[CorrectBookingRequest]) -> Reply:
    """Settle a booking anew."""
    request = call.request
    return await _act(call, "correct", corrections.correct, to=request.to, note=request.note)


async def _act(call: Call[Any], verb: str, act: Any, **wanted: Any) -> Reply:  # noqa: ANN401 - one of the acts above
    """Do an act about the booking that the path names."""
    request, booking_id = call.request, id_of(call)
    key = key_of(call, f"{verb} {booking_id}", request, request_id=request.request_id)
    await overdue.bring_booking_up_to_date(call.engine.db, request.location_id, booking_id)
    outcome: Outcome = await act(
        call.engine.db,
        request.location_id,
        booking_id,
        key=key,
        preview=request.preview,
        **wanted,
    )
    return reply_to(outcome, key.body)


def id_of(call: Call[Any]) -> UUID:
    """Read the uuid in the path."""
    try:
        return UUID(call.path["id"])
    except ValueError as fault:
        raise Invalid("id", "must be the id of an earlier answer, a uuid") from fault


ONCE: Final = ("REQUEST_IN_PROGRESS", "IDEMPOTENCY_CONFLICT")
_UNPAID: Final = (
    "NO_ENTITLEMENT",
    "INSUFFICIENT_CREDITS",
    "SERVICE_FAMILY_MISMATCH",
    "CAP_REACHED",
    "TOO_MANY_OPEN_BOOKINGS",
    "BOOKING_BLOCKED",
    "PAST_DUE",
    "BILLING_SUSPENDED",
)
_ENDED: Final = ("BOOKING_NOT_FOUND", "BOOKING_ALREADY_SETTLED", *ONCE)
_EXAMPLE: Final = {"location_id": "loc_1", "request_id": "req_1005"}


def _route(verb: str, request: type[Request], handler: Any, **more: Any) -> Route:  # noqa: ANN401 - the fields of Route
    fields_: dict[str, Any] = {"answer": Ended, "example": _EXAMPLE} | more
    return Route(
        method="POST",
        path=f"/bookings/{{id}}/{verb}",
        scope="hold",
        request=request,
        handler=handler,
        refusal=NotBooked,
        tag="Bookings",
        **fields_,
    )


ROUTES = (
    Route(
        method="POST",
        path="/bookings",
        scope="hold",
        request=PlaceBookingRequest,
        handler=place,
        answer=Booked,
        refusal=NotBooked,
        codes=(
            "booked",
            "booked_provisionally",
            "booked_unfunded",
            "waitlisted",
            "DUPLICATE_EVENT",
            *CODES,
            *_UNPAID,
            *ONCE,
        ),
        tag="Bookings",
        summary="Book a place",
        description=(
            "Decides eligibility, caps and the hold in one transaction. A plan that renews can be "
            "booked into its next period; that moves no credits until the period is granted. If "
            "the contact's own credits do not pay, those do that others share with it: then "
            "`contact_id` is whose credits paid, and `beneficiary_id` is who comes."
        ),
        example={
            "location_id": "loc_1",
            "request_id": "req_1005",
            "external_contact_id": "ghl_contact_123",
            "external_ref": "appt_789",
            "class_ref": "class_55",
            "product_config_id": "pc_package_1",
            "appointment_time": "2026-04-16T09:30:00.000Z",
        },
    ),
    _route(
        "cancel",
        CancelBookingRequest,
        cancel,
        codes=("cancelled", "late_cancelled", *_ENDED),
        summary="Cancel a booking",
        description="Free until `cancel_free_until`; later it costs what the product's tier says.",
    ),
    _route(
        "attend",
        AttendBookingRequest,
        attend,
        codes=("attended", "BOOKING_WAITLISTED", *_UNPAID, *_ENDED),
        summary="Report attendance",
        description="Uses up the credits at once; for fewer units the rest goes back.",
    ),
    _route(
        "no-show",
        NoShowBookingRequest,
        no_show,
        codes=("absence_noted", "no_show", "BOOKING_WAITLISTED", "CLASS_NOT_STARTED", *_ENDED),
        summary="Report an absence",
        description="Posted some hours after the end, so that it can be corrected first.",
    ),
    _route(
        "reschedule",
        RescheduleBookingRequest,
        reschedule,
        answer=Booked,
        codes=(
            "rescheduled",
            "RESCHEDULE_TOO_LATE",
            "BOOKING_WAITLISTED",
            "NOT_SHARED",
            *_UNPAID,
            *_ENDED,
        ),
        summary="Move a booking",
        description=(
            "Planned as if the old hold were released already; if the new time cannot be paid "
            "for, the old booking stands."
        ),
        example={**_EXAMPLE, "appointment_time": "2026-04-17T09:30:00.000Z"},
    ),
    _route(
        "correct",
        CorrectBookingRequest,
        correct,
        codes=(
            "attendance_corrected",
            "BOOKING_NOT_SETTLED",
            "DUPLICATE_EVENT",
            "NO_ENTITLEMENT",
            "INSUFFICIENT_CREDITS",
            "SERVICE_FAMILY_MISMATCH",
            "CAP_REACHED",
            "BOOKING_NOT_FOUND",
            *ONCE,
        ),
        summary="Correct what came of a booking",
        description=(
            "Reverses its credits, fee, strike and block together, then settles it anew. Credits "
            "that had gone back are taken again as far as there are any; `short_by` is the rest."
        ),
        example={**_EXAMPLE, "to": "attended", "note": "She was there."},
    ),
)

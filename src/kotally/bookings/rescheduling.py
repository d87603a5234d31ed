"""Moving a booking to another time (S4.6)."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from kotally.bookings import consequences, lending, records
from kotally.bookings.funding import conclude
from kotally.bookings.placing import fund
from kotally.bookings.records import Booking, answer_of
from kotally.bookings.settling import cost_of_lateness, facts_of, finish, forfeit
from kotally.core.calendar import iso
from kotally.core.ids import new_id
from kotally.db import Database
from kotally.ledger.acts import Key, Outcome
from kotally.ledger.scenes import Declined, Done, Scene, play


class Move(Struct, frozen=True, kw_only=True):
    """Where to; `class_ref` and `calendar_id` None keep what they were."""

    starts_at: datetime
    ends_at: datetime
    class_ref: str | None = None
    calendar_id: str | None = None


async def reschedule(
    db: Database,
    location_id: str,
    booking_id: UUID,
    *,
    move: Move,
    key: Key,
    preview: bool = False,
) -> Outcome:
    """
    Move a booking: the new time is planned as if the old hold were released already.

    If it cannot be funded the move is refused and the old booking stands. Inside the late window
    the product's rule decides: refuse, allow, or count as a late cancellation.
    Codes: `rescheduled`, BOOKING_NOT_FOUND, BOOKING_ALREADY_SETTLED, BOOKING_WAITLISTED,
    RESCHEDULE_TOO_LATE, NOT_SHARED, and the refusals of a booking.
    """

    async def work(scene: Scene) -> Done:
        booking = await records.locked(scene, booking_id)
        if booking.status == "waitlisted":
            raise Declined("BOOKING_WAITLISTED", **answer_of(booking))
        if booking.status not in records.OPEN:
            raise Declined("BOOKING_ALREADY_SETTLED", **answer_of(booking))
        if booking.beneficiary_id is not None and not booking.is_guest:
            # What was made stands, but a new time is asked for anew (S12.4).
            await lending.demand_shared(scene, booking.contact_id, booking.beneficiary_id)
        balance = await scene.balance(booking.contact_id)
        try:
            return await _carried_out(scene, booking, move)
        except Declined as refused:
            # The old booking stands, so nothing of it is back.
            if "balance_after" not in refused.answer:
                raise
            raise Declined(refused.code, **refused.answer | {"balance_after": balance}) from refused

    return await play(db, location_id, "reschedule_booking", key=key, work=work, preview=preview)


async def _carried_out(scene: Scene, booking: Booking, move: Move) -> Done:
    late = scene.now > booking.free_until and booking.status != "provisional"
    rule = booking.rules.reschedule_late
    if late and rule == "refuse":
        raise Declined("RESCHEDULE_TOO_LATE", **answer_of(booking))
    if late and rule == "late_cancel":
        return await _booked_anew(scene, booking, move)
    return await _moved(scene, booking, move, late=late)


async def _moved(scene: Scene, booking: Booking, move: Move, *, late: bool) -> Done:
    await conclude(scene, booking, status="replaced", reason="rescheduled")
    original = booking.original_starts_at
    if late and original is None:
        original = booking.starts_at
    draft = replace(
        _at(booking, move),
        original_starts_at=original,
        hold_id=None,
        status="unfunded",
        absence_reported_at=None,
    )
    # Written before it is funded, so that its old place counts for no cap.
    await records.update(scene, draft)
    after, facts = await fund(scene, draft, allow_unfunded=booking.status == "unfunded")
    await records.update(scene, after)
    await _place(scene, after)
    return await _told(scene, booking, after, facts=facts)


async def _booked_anew(scene: Scene, booking: Booking, move: Move) -> Done:
    """Count the move as a late cancellation, and book the new time beside it."""
    cost = cost_of_lateness(booking, scene.now)
    old, settled = await forfeit(scene, booking, cost, reason="late_cancel", at=scene.now)
    cancelled = await finish(scene, old, "late_cancelled")
    draft = replace(
        _at(booking, move),
        id=new_id(),
        original_starts_at=None,
        hold_id=None,
        status="unfunded",
        created_at=scene.now,
    )
    draft = replace(draft, external_ref=await _free_reference(scene, draft))
    after, facts = await fund(scene, draft)
    await records.insert(scene, after)
    # After the new time has its place: the strike of this move blocks what is booked next (S5.5).
    imposed = await consequences.impose(scene, old, cost, at=scene.now)
    facts["late_cancelled"] = answer_of(cancelled, **facts_of(settled), **imposed)
    return await _told(scene, booking, after, facts=facts)


async def _free_reference(scene: Scene, draft: Booking) -> str:
    """Keep the booking's reference, unless what it forfeited still holds it."""
    taken: bool = await scene.tx.fetchval(
        """
        select exists (
          select from kotally.holds h
           where h.location_id = $1 and h.contact_id = $2 and h.external_ref = $3 and h.is_live)
        """,
        scene.location_id,
        draft.contact_id,
        draft.external_ref,
    )
    return f"{draft.external_ref[:200]}#{draft.id}" if taken else draft.external_ref


async def _told(scene: Scene, before: Booking, after: Booking, *, facts: dict[str, Any]) -> Done:
    await records.tell(
        scene,
        after,
        "booking_rescheduled",
        entitlement_id=after.entitlement_id,
        booking_id=after.id,
        before=iso(before.starts_at),
        after=iso(after.starts_at),
    )
    facts["balance_after"] = await scene.balance(after.contact_id)
    facts["previous_appointment_time"] = before.starts_at
    return Done("rescheduled", answer_of(after, **facts))


def _at(booking: Booking, move: Move) -> Booking:
    return replace(
        booking,
        starts_at=move.starts_at,
        ends_at=move.ends_at,
        class_ref=move.class_ref or booking.class_ref,
        calendar_id=move.calendar_id or booking.calendar_id,
    )


async def _place(scene: Scene, booking: Booking) -> None:
    """Write the class and the calendar it moved to."""
    await scene.tx.execute(
        "update kotally.bookings set class_ref = $3, calendar_id = $4"
        " where location_id = $1 and id = $2",
        scene.location_id,
        booking.id,
        booking.class_ref,
        booking.calendar_id,
    )

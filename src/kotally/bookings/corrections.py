"""Attendance corrected afterwards: credit, fee, strike and block together (S5.7)."""

from __future__ import annotations

from typing import Any, Final, Literal
from uuid import UUID

from msgspec.structs import replace

from kotally.bookings import consequences, records
from kotally.bookings.funding import Settled, conclude
from kotally.bookings.late_funds import with_hold
from kotally.bookings.records import Booking, answer_of
from kotally.bookings.settling import facts_of, finish, penalise
from kotally.bookings.terms import absence_cost, forfeited, late_cost
from kotally.db import Database
from kotally.ledger.acts import Key, Outcome
from kotally.ledger.scenes import Declined, Done, Scene, play

Correction = Literal["attended", "no_show", "late_cancelled", "waived"]
_CORRECTABLE: Final = ("attended", "no_show", "late_cancelled", "cancelled")


async def correct(
    db: Database,
    location_id: str,
    booking_id: UUID,
    *,
    to: Correction,
    key: Key,
    note: str,
    preview: bool = False,
) -> Outcome:
    """
    Settle a booking anew, or waive what it cost: all of its consequences are reversed first.

    What had gone back and was spent since cannot be taken again: `short_by` says how much of it.
    Codes: `attendance_corrected`, BOOKING_NOT_FOUND, BOOKING_NOT_SETTLED, DUPLICATE_EVENT,
    INSUFFICIENT_CREDITS.
    """

    async def work(scene: Scene) -> Done:
        booking = await records.locked(scene, booking_id)
        if booking.status not in _CORRECTABLE:
            raise Declined("BOOKING_NOT_SETTLED", **answer_of(booking))
        await _demand_reference(scene, booking)
        reversed_ = await consequences.reverse(scene, booking)
        after, settled, facts = await _settled_anew(scene, booking, to)
        await records.tell(
            scene,
            booking,
            "attendance_corrected",
            booking_id=booking.id,
            was=booking.status,
            became=after.status,
            note=note,
        )
        answer = answer_of(after, was=booking.status, **facts_of(settled))
        return Done("attendance_corrected", answer | reversed_ | facts)

    return await play(db, location_id, "correct_booking", key=key, work=work, preview=preview)


async def _settled_anew(
    scene: Scene, booking: Booking, to: Correction
) -> tuple[Booking, Settled, dict[str, Any]]:
    if to == "waived":
        settled = await conclude(scene, booking, status="released", reason="waived")
        return await finish(scene, booking, "cancelled"), settled, {}
    if to == "attended":
        booking, settled = await _captured(scene, booking)
        return await finish(scene, booking, "attended"), settled, {}
    cost = (
        absence_cost(booking.rules)
        if to == "no_show"
        else late_cost(
            booking.rules,
            booking.original_starts_at or booking.starts_at,
            booking.settled_at or scene.now,
        )
    )
    booking, settled, facts = await penalise(
        scene, booking, cost, reason="attendance_corrected", at=scene.now
    )
    if booking.hold_id is None and booking.mode == "attendance":
        lost = forfeited(booking.credits, cost.forfeit_percent)
        settled = replace(settled, credits_short=lost)
    return await finish(scene, booking, to), settled, facts


async def _captured(scene: Scene, booking: Booking) -> tuple[Booking, Settled]:
    """Use up what was forfeited; what had gone back is taken again as far as there is."""
    booking = await with_hold(scene, booking)
    settled = await conclude(
        scene,
        booking,
        status="captured",
        reason="attendance_corrected",
        captured=booking.credits,
    )
    if booking.status == "cancelled" and settled.credits_captured < booking.credits:
        short = booking.credits - settled.credits_captured
        raise Declined("INSUFFICIENT_CREDITS", short_by=short, **answer_of(booking))
    return booking, settled


async def _demand_reference(scene: Scene, booking: Booking) -> None:
    """Refuse to bring back a cancelled booking whose reference is taken by a newer one."""
    if booking.status not in records.CANCELLED:
        return
    other = await records.of_reference(scene, booking.contact_id, booking.external_ref)
    if other is not None:
        raise Declined("DUPLICATE_EVENT", **answer_of(other))

"""How a booking ends: cancelled, attended, or not shown up for (S2.2 to S2.4, S4.1, S5)."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from kotally.bookings import consequences, records
from kotally.bookings.funding import Settled, conclude
from kotally.bookings.late_funds import funded_late, taken_late
from kotally.bookings.records import Booking, Status, answer_of
from kotally.bookings.terms import (
    Cost,
    absence_cost,
    absence_posts_at,
    forfeited,
    late_cost,
    share,
)
from kotally.core.calendar import iso
from kotally.db import Database
from kotally.ledger.acts import Key, Outcome
from kotally.ledger.scenes import Declined, Done, Scene, play


async def cancel(
    db: Database,
    location_id: str,
    booking_id: UUID,
    *,
    key: Key,
    cancelled_at: datetime | None = None,
    preview: bool = False,
) -> Outcome:
    """
    Cancel a booking: free until the window, else at the cost of its tier (S4.1, S5.1).

    `cancelled_at` is the provider's time of it, never later than now (S4.2).
    Codes: `cancelled`, `late_cancelled`, BOOKING_NOT_FOUND, BOOKING_ALREADY_SETTLED.
    """

    async def work(scene: Scene) -> Done:
        booking = _demand_open(await records.locked(scene, booking_id))
        at = min(cancelled_at or scene.now, scene.now)
        if booking.status in {"waitlisted", "provisional"} or at <= booking.free_until:
            return await _cancel_free(scene, booking)
        return await cancel_late(scene, booking, at=at)

    return await play(db, location_id, "cancel_booking", key=key, work=work, preview=preview)


async def _cancel_free(scene: Scene, booking: Booking) -> Done:
    settled = await conclude(scene, booking, status="released", reason="cancelled_in_time")
    after = await finish(scene, booking, "cancelled")
    return Done("cancelled", answer_of(after, **facts_of(settled)))


async def cancel_late(scene: Scene, booking: Booking, *, at: datetime) -> Done:
    """Cancel inside the late window: forfeit, fee and strike by the tier (S5.1)."""
    cost = cost_of_lateness(booking, at)
    booking, settled, facts = await penalise(scene, booking, cost, reason="late_cancel", at=at)
    after = await finish(scene, booking, "late_cancelled")
    return Done("late_cancelled", answer_of(after, **facts_of(settled), **facts))


def cost_of_lateness(booking: Booking, at: datetime) -> Cost:
    """Return what cancelling at a time costs, by the start that counts for it (S4.1, S5.1)."""
    return late_cost(booking.rules, booking.original_starts_at or booking.starts_at, at)


async def penalise(
    scene: Scene, booking: Booking, cost: Cost, *, reason: str, at: datetime
) -> tuple[Booking, Settled, dict[str, Any]]:
    """
    Forfeit what a cost says, release the rest, and impose what follows (S5.1 to S5.5).

    The booking that is returned names the hold that was taken for it, without which nothing could
    be given back later.
    """
    booking, settled = await forfeit(scene, booking, cost, reason=reason, at=at)
    return booking, settled, await consequences.impose(scene, booking, cost, at=at)


async def forfeit(
    scene: Scene, booking: Booking, cost: Cost, *, reason: str, at: datetime
) -> tuple[Booking, Settled]:
    """Forfeit what a cost says and release the rest; strike, fee and penalty are left to impose."""
    lost = forfeited(booking.credits, cost.forfeit_percent)
    # What an unlimited plan paid is penalised without credits, and its caps still count it.
    is_penalty = lost > 0 or booking.credits == 0
    if booking.hold_id is None and is_penalty and _is_paid_at_attendance(booking):
        booking = await taken_late(scene, booking, at=at)
    settled = await conclude(
        scene,
        booking,
        status="penalised" if is_penalty else "released",
        reason=reason,
        penalised=lost,
        effective_at=at,
    )
    return booking, settled


def _is_paid_at_attendance(booking: Booking) -> bool:
    """Tell whether nothing was taken yet because its product takes it at the end (S2.6)."""
    is_settled = booking.status not in records.OPEN
    return booking.status == "booked" or (booking.mode == "attendance" and is_settled)


async def attend(
    db: Database,
    location_id: str,
    booking_id: UUID,
    *,
    key: Key,
    units: int | None = None,
    preview: bool = False,
) -> Outcome:
    """
    Note that somebody came: the hold is used up at once (S2.4), in whole or in part (S2.3).

    Codes: `attended`, BOOKING_NOT_FOUND, BOOKING_ALREADY_SETTLED, BOOKING_WAITLISTED and, for what
    is not paid for yet, the refusals of a deduction.
    """

    async def work(scene: Scene) -> Done:
        booking = _demand_open(await records.locked(scene, booking_id))
        return await use_up(scene, booking, units=units)

    return await play(db, location_id, "attend_booking", key=key, work=work, preview=preview)


async def use_up(
    scene: Scene,
    booking: Booking,
    *,
    units: int | None = None,
    at: datetime | None = None,
) -> Done:
    """Use up a booking as attended; at its closing this is as of then."""
    if booking.status == "waitlisted":
        raise Declined("BOOKING_WAITLISTED", **answer_of(booking))
    if booking.hold_id is None:
        booking = await funded_late(scene, booking, at=at)
    used = booking.units if units is None else units
    wanted = share(booking.credits, booking.units, used)
    settled = await conclude(
        scene,
        booking,
        status="captured" if wanted or booking.credits == 0 else "released",
        reason="attended" if used >= booking.units else "partial_attendance",
        captured=wanted,
        effective_at=at,
    )
    short = wanted - booking.credits - settled.credits_taken
    if short > 0:
        raise Declined("INSUFFICIENT_CREDITS", short_by=short, **answer_of(booking))
    after = await finish(scene, booking, "attended", at=at)
    return Done("attended", answer_of(after, **facts_of(settled)))


async def no_show(
    db: Database,
    location_id: str,
    booking_id: UUID,
    *,
    key: Key,
    at_once: bool = False,
    preview: bool = False,
) -> Outcome:
    """
    Note that somebody did not come.

    It is posted some hours after the end, so that staff can correct it first; `at_once` posts it
    now (S5.2). Codes: `absence_noted`, `no_show`, BOOKING_NOT_FOUND, BOOKING_ALREADY_SETTLED,
    BOOKING_WAITLISTED, CLASS_NOT_STARTED.
    """

    async def work(scene: Scene) -> Done:
        booking = _demand_open(await records.locked(scene, booking_id))
        if booking.status == "waitlisted":
            raise Declined("BOOKING_WAITLISTED", **answer_of(booking))
        if scene.now < booking.starts_at:
            raise Declined("CLASS_NOT_STARTED", **answer_of(booking))
        due = absence_posts_at(booking.rules, booking.ends_at)
        if at_once or due <= scene.now:
            return await post_absence(scene, booking, at=scene.now)
        waiting = replace(booking, absence_reported_at=scene.now, closes_at=due)
        await records.update(scene, waiting)
        await records.tell(
            scene, booking, "absence_noted", booking_id=booking.id, posts_at=iso(due)
        )
        facts = {"balance_after": await scene.balance(booking.contact_id)}
        return Done("absence_noted", answer_of(waiting, **facts))

    return await play(db, location_id, "no_show", key=key, work=work, preview=preview)


async def post_absence(scene: Scene, booking: Booking, *, at: datetime) -> Done:
    """Post an absence: forfeit, fee and strike of the no-show's own tier (S5.1, S5.2)."""
    cost = absence_cost(booking.rules)
    booking, settled, facts = await penalise(scene, booking, cost, reason="no_show", at=at)
    after = await finish(scene, booking, "no_show", at=at)
    return Done("no_show", answer_of(after, **facts_of(settled)) | facts)


async def finish(
    scene: Scene,
    booking: Booking,
    status: Status,
    *,
    at: datetime | None = None,
) -> Booking:
    """Write how a booking ended, and tell so on the timeline."""
    after = replace(
        booking,
        status=status,
        closes_at=None,
        absence_reported_at=None,
        settled_at=at or scene.now,
    )
    await records.update(scene, after)
    await records.tell(
        scene,
        booking,
        f"booking_{status}",
        entitlement_id=booking.entitlement_id,
        booking_id=booking.id,
        class_ref=booking.class_ref,
        starts_at=iso(booking.starts_at),
    )
    return after


def facts_of(settled: Settled) -> dict[str, Any]:
    """Return what an answer says of the credits that moved."""
    short = {"short_by": settled.credits_short} if settled.credits_short else {}
    return short | {
        "credits_captured": settled.credits_captured,
        "credits_forfeited": settled.credits_penalised,
        "credits_returned": settled.credits_returned,
        "credits_expired": settled.credits_expired,
        "balance_after": settled.balance_after,
    }


def _demand_open(booking: Booking) -> Booking:
    """Refuse what has ended: a booking ends once (S2.2)."""
    if booking.status not in records.OPEN:
        raise Declined("BOOKING_ALREADY_SETTLED", **answer_of(booking))
    return booking

"""What a booking was before its class was cancelled, and how it becomes that again (S4.7)."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from kotally.bookings import consequences, records
from kotally.bookings.consequences import Standing
from kotally.bookings.funding import Settled, Slice, conclude, place_hold, take_back
from kotally.bookings.placing import fund
from kotally.bookings.records import Booking, Status
from kotally.ledger.scenes import Declined, Scene

_FORFEITED: Final = ("no_show", "late_cancelled")


class Was(Struct, frozen=True, kw_only=True):
    """
    What a booking was: how it stood, what its hold had, what stood against the person.

    `is_live`: its hold had something, or a place that a cap counts.
    """

    booking_id: UUID
    status: Status
    closes_at: datetime | None = None
    absence_reported_at: datetime | None = None
    settled_at: datetime | None = None
    is_live: bool = False
    slices: list[Slice] = []
    standing: Standing = Standing()

    def had(self, bucket: str) -> int:
        """Return the credits that were in a bucket."""
        return sum(each.amount for each in self.slices if each.bucket == bucket)


def was_of(booking: Booking, settled: Settled, standing: Standing) -> Was:
    """Note what a booking was, by what its cancellation gave back and reversed."""
    return Was(
        booking_id=booking.id,
        status=booking.status,
        closes_at=booking.closes_at,
        absence_reported_at=booking.absence_reported_at,
        settled_at=booking.settled_at,
        is_live=settled.was_live,
        slices=settled.slices,
        standing=standing,
    )


async def restore(scene: Scene, booking: Booking, was: Was) -> Booking:
    """Make of a cancelled booking what it was, as far as its credits are still to be had."""
    if was.status not in records.CANCELLED and await records.of_reference(
        scene, booking.contact_id, booking.external_ref
    ):
        return booking
    after = replace(
        booking,
        status=was.status,
        closes_at=was.closes_at,
        absence_reported_at=was.absence_reported_at,
        settled_at=was.settled_at,
    )
    if was.status in {"unfunded", "provisional"}:
        after = await _funded_anew(scene, after)
    elif was.is_live and not await take_back(scene, after, was.slices):
        after = await _settled_anew(scene, after, was)
    await records.update(scene, after)
    await consequences.reinstate(scene, after, was.standing)
    return after


async def _settled_anew(scene: Scene, booking: Booking, was: Was) -> Booking:
    """Pay anew for what something else has taken meanwhile, or what has expired."""
    if was.status in _FORFEITED:
        lost = was.had("penalty")
        await conclude(scene, booking, status="penalised", reason="reversal", penalised=lost)
        return booking
    after = await _funded_anew(scene, booking)
    if was.status != "attended" or after.status != "booked":
        return after
    if after.hold_id is None:
        taken = await place_hold(scene, after, "hold")
        if taken.code != "held":
            return after
        after = replace(after, hold_id=UUID(taken.answer["hold_id"]))
    used = was.had("consumed")
    await conclude(scene, after, status="captured", reason="reversal", captured=used)
    return replace(after, status="attended", closes_at=None, settled_at=was.settled_at)


async def _funded_anew(scene: Scene, booking: Booking) -> Booking:
    draft = replace(booking, status="unfunded", hold_id=None, settled_at=None)
    # Its own row counts as nothing while it is paid for.
    await records.update(scene, draft)
    try:
        after, _ = await fund(scene, draft, allow_unfunded=True)
    except Declined as declined:
        # It keeps its place; what stands against it is staff's to settle.
        after = replace(draft, note=declined.code)
    return after

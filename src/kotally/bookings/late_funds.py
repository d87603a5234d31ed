"""What is paid late: at attendance, or when somebody comes or fails to without funds (S2.6)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from msgspec.structs import replace

from kotally.bookings import records
from kotally.bookings.funding import Funding, place_hold, would_fund
from kotally.bookings.placing import fund
from kotally.bookings.records import Booking, answer_of
from kotally.ledger.scenes import Declined, Scene


async def funded_late(scene: Scene, booking: Booking, *, at: datetime | None) -> Booking:
    """Pay now for somebody who came without funds, or whose product pays at attendance (S2.6)."""
    await _count_as_nothing(scene, booking)
    if booking.status == "booked":
        await _demand_funds_then(scene, booking, at)
        return await with_hold(scene, booking)
    await _demand_funds_then(scene, booking, at)
    funded, _ = await fund(scene, replace(booking, status="unfunded"))
    if funded.hold_id is None and funded.status == "booked":
        return await funded_late(scene, funded, at=at)
    if funded.hold_id is None:
        raise Declined("INSUFFICIENT_CREDITS", **answer_of(booking))
    return funded


async def with_hold(scene: Scene, booking: Booking) -> Booking:
    """Take what a booking costs unless that was done; leaves with the refusals of a deduction."""
    if booking.hold_id is not None:
        return booking
    await _count_as_nothing(scene, booking)
    taken = await place_hold(scene, booking, "hold")
    if taken.code != "held":
        raise Declined(taken.code, **taken.answer)
    return replace(booking, hold_id=UUID(taken.answer["hold_id"]), credits=taken.answer["credits"])


async def _count_as_nothing(scene: Scene, booking: Booking) -> None:
    """Let a booking's own row stand under no cap while it is paid for."""
    if booking.status in records.OPEN:
        await records.update(scene, replace(booking, status="unfunded"))


async def _demand_funds_then(scene: Scene, booking: Booking, at: datetime | None) -> None:
    refused = await _refused_then(scene, booking, at)
    if refused is not None:
        raise Declined(refused.code, **refused.answer)


async def _refused_then(scene: Scene, booking: Booking, at: datetime | None) -> Funding | None:
    """Say why nothing paid at an instant that is over: what can pay only since is late (S6.5)."""
    if at is None or at >= scene.now:
        return None
    found = await would_fund(scene, booking, at=at)
    return None if found.code == "eligible" else found


async def taken_late(scene: Scene, booking: Booking, *, at: datetime) -> Booking:
    """Take what was to be taken at attendance only, as far as there is (S2.6)."""
    await _count_as_nothing(scene, booking)
    if await _refused_then(scene, booking, at):
        return booking
    taken = await place_hold(scene, booking, "hold")
    if taken.code != "held":
        return booking
    return replace(booking, hold_id=UUID(taken.answer["hold_id"]))

"""Bookings that settle by themselves when nobody says what came of them (S2.4, S5.2)."""

from __future__ import annotations

from typing import Final, Literal
from uuid import UUID

from msgspec.structs import replace

from kotally.bookings import records
from kotally.bookings.records import Booking
from kotally.bookings.settling import finish, post_absence, use_up
from kotally.core.ids import new_id
from kotally.db import Database
from kotally.ledger.acts import Key, digest
from kotally.ledger.scenes import Declined, Done, Scene, play
from kotally.ledger.swept import Swept

_CLOSES: Final = "close_bookings"
_ABSENCES: Final = "post_no_shows"


async def close_due(
    db: Database, location_id: str, *, limit: int, contact_id: UUID | None = None
) -> Swept:
    """
    Close bookings whose time for a signal of attendance is over, as their product says.

    Effective when they were due, however late the sweep is. Bookings without funds go to staff,
    who still waits for a place waits no more.
    """
    return await _sweep(db, location_id, _CLOSES, limit=limit, contact_id=contact_id)


async def post_no_shows_due(
    db: Database, location_id: str, *, limit: int, contact_id: UUID | None = None
) -> Swept:
    """Post the absences that were reported and that nobody has corrected (S5.2)."""
    return await _sweep(db, location_id, _ABSENCES, limit=limit, contact_id=contact_id)


async def _sweep(
    db: Database,
    location_id: str,
    name: Literal["close_bookings", "post_no_shows"],
    *,
    limit: int,
    contact_id: UUID | None,
) -> Swept:
    rows = await db.fetch(
        """
        select b.id from kotally.bookings b
         where b.location_id = $1 and b.closes_at <= kotally.location_now($1)
           and (b.absence_reported_at is not null) = $2
           and ($4::uuid is null or b.contact_id = $4 or b.beneficiary_id = $4)
         order by b.closes_at, b.id limit $3
        """,
        location_id,
        name == _ABSENCES,
        limit,
        contact_id,
    )
    events: list[str] = []
    for row in rows:
        events += await _close(db, location_id, row["id"], name=name)
    return Swept(len(events), events)


async def _close(db: Database, location_id: str, booking_id: UUID, *, name: str) -> list[str]:
    """Close one booking, once: the key is its own, and what was settled meanwhile is left."""
    said: list[str] = []

    async def work(scene: Scene) -> Done:
        booking = await records.locked(scene, booking_id)
        if booking.closes_at is None or booking.closes_at > scene.now:
            return Done("nothing_due", {"booking_id": booking_id})
        done = await _closed(scene, booking)
        said.append(
            f"{booking.external_contact_id}: booking {booking.external_ref} of "
            f"{booking.starts_at.astimezone(scene.zone):%d %b %H:%M} is {done.answer['status']}"
        )
        return done

    # Moved bookings come due again, so the key is of this look and the row says what is due.
    correlation_id = new_id()
    hash_, body = digest(name, {"booking_id": booking_id, "look": correlation_id})
    key = Key(f"{name}:{correlation_id}", hash_, body, correlation_id, "sweep", f"sweep:{name}")
    outcome = await play(db, location_id, name, key=key, work=work)
    return said if outcome.done else []  # who is busy is for the next look


async def _closed(scene: Scene, booking: Booking) -> Done:
    at = booking.closes_at
    assert at is not None, "only what is due is closed"
    if booking.status == "waitlisted":
        after = await finish(scene, booking, "cancelled", at=at)
        return Done("closed", records.answer_of(after))
    if booking.absence_reported_at is not None or booking.rules.auto_close_as == "no_show":
        return await post_absence(scene, booking, at=at)
    try:
        return await use_up(scene, booking, at=at)
    except Declined as declined:
        # Somebody has to look at it: nothing pays for a class that was.
        waiting = await _to_staff(scene, booking, why=declined.code)
        return Done("closed", records.answer_of(waiting))


async def _to_staff(scene: Scene, booking: Booking, *, why: str) -> Booking:
    waiting = replace(booking, status="unfunded", closes_at=None, note=why)
    await records.update(scene, waiting)
    await records.tell(scene, booking, "booking_unfunded", booking_id=booking.id, why=why)
    return waiting

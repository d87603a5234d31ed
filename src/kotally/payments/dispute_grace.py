"""Bookings that a dispute left without funds, once their days of grace are over (S10.6)."""

from __future__ import annotations

from uuid import UUID

from kotally.bookings import records
from kotally.bookings.records import Booking
from kotally.bookings.waiting import cancel_with_notice
from kotally.core.calendar import iso
from kotally.core.ids import new_id
from kotally.db import Database
from kotally.ledger.acts import Key, digest
from kotally.ledger.scenes import Done, Scene, play
from kotally.ledger.swept import Swept
from kotally.payments import family as families
from kotally.payments.family import Dispute

_SWEEP = "release_disputed"


class _NothingDue(Exception):
    """Leave the work: the dispute was decided or somebody else was first."""


async def release_due(
    db: Database, location_id: str, *, limit: int, contact_id: UUID | None = None
) -> Swept:
    """
    Cancel, with notice, what stood without funds while its payment is disputed.

    A late pass cancels what a timely one would have; the dispute stays open.
    """
    rows = await db.fetch(
        """
        select d.id, d.payment_id from kotally.disputes d
         where d.location_id = $1 and d.releases_at <= kotally.location_now($1)
           and ($3::uuid is null or d.contact_id = $3)
         order by d.releases_at, d.id limit $2
        """,
        location_id,
        limit,
        contact_id,
    )
    events: list[str] = []
    count = 0
    for row in rows:
        said = await _release(db, location_id, row["payment_id"], dispute_id=row["id"])
        count += said is not None
        events += said or []
    return Swept(count, events)


async def _release(
    db: Database, location_id: str, payment_id: UUID, *, dispute_id: UUID
) -> list[str] | None:
    said: list[str] = []

    async def work(scene: Scene) -> Done:
        family = await families.locked(scene, payment_id)
        dispute = next(each for each in family.disputes if each.id == dispute_id)
        if dispute.releases_at is None or dispute.releases_at > scene.now:
            raise _NothingDue
        bookings = await _waiting(scene, dispute)
        await cancel_with_notice(scene, bookings, reason="dispute_opened", at=dispute.releases_at)
        await scene.tx.execute(
            "update kotally.disputes d set releases_at = null"
            " where d.location_id = $1 and d.id = $2",
            scene.location_id,
            dispute_id,
        )
        said.extend(
            f"{each.external_contact_id}: booking {each.external_ref} is cancelled, its payment "
            "is disputed"
            for each in bookings
        )
        return Done("disputed_released", {"released_at": iso(dispute.releases_at)})

    # Another dispute can bring a time anew, so the key is of this look and the row says the rest.
    correlation_id = new_id()
    hash_, body = digest(_SWEEP, {"dispute_id": dispute_id, "look": correlation_id})
    key = Key(f"{_SWEEP}:{correlation_id}", hash_, body, correlation_id, "sweep", f"sweep:{_SWEEP}")
    try:
        outcome = await play(db, location_id, _SWEEP, key=key, work=work)
    except _NothingDue:
        return None
    return said if outcome.code == "disputed_released" else None


async def _waiting(scene: Scene, dispute: Dispute) -> list[Booking]:
    """Return its bookings that still have no funds, of classes after the days of grace."""
    assert dispute.releases_at is not None, "only what is due is released"
    found = [
        await records.find(scene.tx, scene.location_id, hold.booking_id)
        for hold in dispute.holds
        if hold.booking_id is not None
    ]
    return [
        booking
        for booking in found
        if booking is not None
        and booking.status == "unfunded"
        and booking.starts_at >= dispute.releases_at
    ]

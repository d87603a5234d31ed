"""Give back what a dispute had suspended, and to the bookings what was theirs (S10.6)."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from msgspec.structs import replace

from kotally.bookings import records
from kotally.core.calendar import local_date, local_midnight
from kotally.ledger.plans import Entry
from kotally.ledger.scenes import Scene
from kotally.payments.family import Family, Hold

_encode = msgspec.json.Encoder().encode


async def reinstate(scene: Scene, family: Family, *, since: datetime) -> None:
    """
    Put suspended credits back where they were, and move their expiry by the suspended days.

    These count from `since`, or for an instalment that came later from when it was issued.

    Holds are held again, earliest appointment first, as far as a refund has left enough for all of
    a hold and nothing has taken its place.
    """
    entries: dict[UUID, list[Entry]] = {}
    for lot in family.lots:
        if not lot.suspended:
            continue
        entries.setdefault(lot.contact_id, []).append(
            Entry(lot.id, "suspended", "available", lot.suspended)
        )
        suspended_on = local_date(max(since, lot.issued_at), scene.zone)
        days = (local_date(scene.now, scene.zone) - suspended_on).days
        if days and lot.expires_at is not None:
            on = local_date(lot.expires_at, scene.zone) + timedelta(days=days)
            await scene.change_expiry(lot.id, local_midnight(on, scene.zone), reason="dispute_won")
    await scene.post(
        [
            scene.posting(contact_id, "refund", "dispute_won", entries=each)
            for contact_id, each in entries.items()
        ]
    )
    for hold in sorted(family.suspended_holds, key=lambda each: (each.at, each.id)):
        if await _is_free(scene, hold):
            await _hold_again(scene, hold)


async def _is_free(scene: Scene, hold: Hold) -> bool:
    """Say whether the lots have all of it, and no other funds have taken its place."""
    return await scene.tx.fetchval(
        """
        select (
          select bool_and(coalesce(l.available, 0) >= s.amount)
            from unnest($4::uuid[], $5::bigint[]) s (lot_id, amount)
            left join kotally.lots l on l.location_id = $1 and l.id = s.lot_id)
          and ($6::uuid is null or exists (
            select from kotally.bookings b
             where b.location_id = $1 and b.id = $6 and b.status = 'unfunded'))
          and not exists (
            select from kotally.holds h
             where h.location_id = $1 and h.contact_id = $2 and h.external_ref = $3
               and h.is_live)
        """,
        scene.location_id,
        hold.contact_id,
        hold.external_ref,
        [each.lot_id for each in hold.slices],
        [each.amount for each in hold.slices],
        hold.booking_id,
    )


async def _hold_again(scene: Scene, hold: Hold) -> None:
    posting = scene.posting(hold.contact_id, "hold", "dispute_won", entries=[])
    await scene.tx.execute(
        "select kotally.hold_again($1, $2, $3, $4, $5)",
        scene.location_id,
        hold.id,
        _encode(posting).decode(),
        _encode(hold.slices).decode(),
        scene.now,
    )
    if hold.booking_id is None:
        return
    booking = await records.find(scene.tx, scene.location_id, hold.booking_id)
    assert booking is not None, "bookings are never removed"
    await records.update(scene, replace(booking, status="booked", hold_id=hold.id, note=None))
    await records.tell(
        scene,
        booking,
        "booking_funded",
        entitlement_id=booking.entitlement_id,
        booking_id=booking.id,
        starts_at=booking.starts_at,
        credits=booking.credits,
    )

"""Bookings inside a freeze: listed before, cancelled with full restore on confirm (S8.3)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from kotally.bookings import records
from kotally.bookings.funding import conclude
from kotally.bookings.records import Booking
from kotally.bookings.settling import finish
from kotally.core.calendar import iso
from kotally.ledger.scenes import Scene
from kotally.memberships.freezes_records import Freeze

_encode = msgspec.json.Encoder().encode
_OPEN = ("waitlisted", "provisional", "unfunded", "booked")


class _Hold(Struct, frozen=True, kw_only=True):
    """Credits taken for an appointment by somebody who does not tell us of bookings."""

    id: UUID
    external_ref: str | None
    appointment_at: datetime
    credits: int


async def cancel_inside(
    scene: Scene, freeze: Freeze, *, keep: Collection[UUID]
) -> list[dict[str, Any]]:
    """
    Cancel what the membership pays for while it is frozen, and give everything back.

    What staff keeps, by the id of the booking or of the hold, stays as it is. Returns all of it,
    by time, with what came back.
    """
    found: list[dict[str, Any]] = []
    for booking in await _bookings(scene, freeze):
        kept = booking.id in keep or booking.hold_id in keep
        returned = 0 if kept else await _cancel(scene, booking)
        found.append(
            {
                "booking_id": booking.id,
                "hold_id": booking.hold_id,
                "external_ref": booking.external_ref,
                "appointment_time": iso(booking.starts_at),
                "credits": booking.credits,
                "kept": kept,
                "credits_returned": returned,
            }
        )
    for hold in await _holds(scene, freeze):
        kept = hold.id in keep
        returned = 0 if kept else await _release(scene, freeze, hold)
        found.append(
            {
                "booking_id": None,
                "hold_id": hold.id,
                "external_ref": hold.external_ref,
                "appointment_time": iso(hold.appointment_at),
                "credits": hold.credits,
                "kept": kept,
                "credits_returned": returned,
            }
        )
    return sorted(found, key=lambda each: each["appointment_time"])


async def _bookings(scene: Scene, freeze: Freeze) -> list[Booking]:
    since = max(freeze.starts_at, scene.now)
    found = await records.of_contact(scene.tx, scene.location_id, freeze.contact_id, since=since)
    paid = {
        row["hold_id"]
        for row in await scene.tx.fetch(
            """
            select distinct p.hold_id
              from kotally.entries e
              join kotally.lots l
                on l.location_id = $1 and l.id = e.lot_id and l.entitlement_id = $3
              join kotally.postings p
                on p.location_id = $1 and p.contact_id = $2 and p.seq = e.seq
             where e.location_id = $1 and e.contact_id = $2 and p.hold_id = any ($4)
            """,
            scene.location_id,
            freeze.contact_id,
            freeze.membership_id,
            [booking.hold_id for booking in found if booking.hold_id is not None],
        )
    }
    return [
        booking
        for booking in found
        if booking.starts_at < freeze.resumes_at
        and booking.status in _OPEN
        and (booking.entitlement_id == freeze.membership_id or booking.hold_id in paid)
    ]


async def _cancel(scene: Scene, booking: Booking) -> int:
    settled = await conclude(scene, booking, status="released", reason="freeze", by_studio=True)
    await finish(scene, booking, "cancelled")
    return settled.credits_returned


async def _holds(scene: Scene, freeze: Freeze) -> list[_Hold]:
    """Find what was taken by holds and deductions that no booking stands for."""
    return await scene.tx.rows(
        _Hold,
        """
        select h.id, h.external_ref, h.appointment_at,
               h.amount - h.released - h.returned as credits
          from kotally.holds h
         where h.location_id = $1 and h.contact_id = $2 and h.is_live
           and coalesce(h.appointment_at, h.placed_at) >= $4
           and coalesce(h.appointment_at, h.placed_at) < $5 and h.appointment_at is not null
           and not exists (
             select from kotally.bookings b
              where b.location_id = $1 and b.contact_id = $2 and b.hold_id = h.id)
           and (h.entitlement_id = $3 or exists (
             select from kotally.entries e
               join kotally.lots l
                 on l.location_id = $1 and l.id = e.lot_id and l.entitlement_id = $3
              where e.location_id = $1 and e.contact_id = $2 and e.seq = h.placed_seq))
         order by h.appointment_at, h.id
        """,
        scene.location_id,
        freeze.contact_id,
        freeze.membership_id,
        max(freeze.starts_at, scene.now),
        freeze.resumes_at,
    )


async def _release(scene: Scene, freeze: Freeze, hold: _Hold) -> int:
    posting = scene.posting(
        freeze.contact_id, "release", "freeze", entries=[], effective_at=scene.now
    )
    found = await scene.tx.fetchval(
        "select kotally.conclude_hold($1, $2, $3, 0, 0, 'released', true, $4)",
        scene.location_id,
        hold.id,
        _encode(posting).decode(),
        scene.now,
    )
    return msgspec.convert(found["credits_returned"], int)

"""Bookings that a membership has promised to pay for, and what becomes of them without it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, Literal, LiteralString
from uuid import UUID

import msgspec
from msgspec import Struct

from kotally.core.calendar import iso
from kotally.ledger.scenes import Scene
from kotally.memberships.memberships import Membership

_encode = msgspec.json.Encoder().encode


class Commitment(Struct, frozen=True, kw_only=True):
    """
    An open hold of the membership's credits, or a booking that its plan covers.

    A booking that waits for a period to be paid has no hold yet (S2.8).
    """

    hold_id: UUID | None
    external_ref: str | None
    calendar_id: str | None
    appointment_at: datetime
    credits: int
    # When the first of the membership's lots that pay for it expires.
    lots_end: datetime | None

    def answer(self) -> dict[str, Any]:
        """Say which booking it is."""
        return {
            "hold_id": self.hold_id,
            "external_ref": self.external_ref,
            "calendar_id": self.calendar_id,
            "appointment_time": iso(self.appointment_at),
            "credits": self.credits,
        }


_OPEN: Final[LiteralString] = """
    select h.id as hold_id, h.external_ref, h.calendar_id,
           coalesce(h.appointment_at, h.placed_at) as appointment_at, h.amount as credits,
           min(l.expires_at) as lots_end
      from kotally.holds h
      left join kotally.entries e
        on e.location_id = $1 and e.contact_id = $2 and e.seq = h.placed_seq
       and e.to_bucket = 'held'
      left join kotally.lots l
        on l.location_id = $1 and l.id = e.lot_id and l.entitlement_id = $3
     where h.location_id = $1 and h.contact_id = $2 and h.status = 'held'
       and coalesce(h.appointment_at, h.placed_at) >= $4
       and (h.entitlement_id = $3 or l.entitlement_id = $3)
     group by h.location_id, h.id
     order by 4, 1
"""
_WAITING: Final[LiteralString] = """
    select null::uuid as hold_id, b.external_ref, b.calendar_id, b.starts_at as appointment_at,
           b.credits, null::timestamptz as lots_end
      from kotally.bookings b
     where b.location_id = $1 and b.contact_id = $2 and b.entitlement_id = $3
       and b.status = 'provisional' and b.starts_at >= $4
     order by b.starts_at, b.id
"""
_WITHOUT_FUNDS: Final[LiteralString] = """
    update kotally.bookings b
       set status = 'unfunded', note = $4, hold_id = null, entitlement_id = null
     where b.location_id = $1 and b.contact_id = $2 and b.hold_id = any ($3)
       and b.status = 'booked'
    returning b.id, b.starts_at
"""
_CANCELLED: Final[LiteralString] = """
    update kotally.bookings b
       set status = 'cancelled', note = $4, closes_at = null, settled_at = $5
     where b.location_id = $1 and b.contact_id = $2 and b.hold_id = any ($3)
       and b.status = 'booked'
    returning b.id, b.starts_at
"""
_PROVISIONAL: Final[LiteralString] = """
    update kotally.bookings b
       set status = 'unfunded', note = $5, entitlement_id = case when $6 then b.entitlement_id end
     where b.location_id = $1 and b.contact_id = $2 and b.entitlement_id = $3
       and b.status = 'provisional' and b.starts_at >= $4
    returning b.id, b.starts_at
"""
_GIVEN_UP: Final[LiteralString] = """
    update kotally.bookings b
       set status = 'cancelled', note = $5, closes_at = null, settled_at = $6
     where b.location_id = $1 and b.contact_id = $2 and b.entitlement_id = $3
       and b.status in ('provisional', 'unfunded') and b.starts_at >= $4
    returning b.id, b.starts_at
"""


async def upcoming(scene: Scene, membership: Membership, *, since: datetime) -> list[Commitment]:
    """List the open holds that a membership pays for, of appointments from a time on."""
    where = (scene.location_id, membership.contact_id, membership.id, since)
    return await scene.tx.rows(Commitment, _OPEN, *where)


async def promised(scene: Scene, membership: Membership, *, since: datetime) -> list[Commitment]:
    """List what a change announces: also the bookings that wait for a period to come (S9.5)."""
    where = (scene.location_id, membership.contact_id, membership.id, since)
    held = await upcoming(scene, membership, since=since)
    waiting = await scene.tx.rows(Commitment, _WAITING, *where)
    return sorted([*held, *waiting], key=lambda each: each.appointment_at)


async def release(
    scene: Scene,
    membership: Membership,
    *,
    since: datetime,
    becomes: Literal["cancelled", "unfunded"],
    note: str,
    keeps: Callable[[Commitment], bool] = lambda _: False,
) -> list[Commitment]:
    """
    Let go of upcoming bookings that a membership does not pay for any more, all credits back.

    They are cancelled, or stay without funds until the next grant (S9.5, S9.7, S11.2).
    """
    found = await upcoming(scene, membership, since=since)
    going = [each for each in found if not keeps(each)]
    for each in going:
        await _conclude(scene, membership.contact_id, each)
    where = (scene.location_id, membership.contact_id)
    ids = [each.hold_id for each in going]
    if becomes == "cancelled":
        rows = await scene.tx.fetch(_CANCELLED, *where, ids, note, scene.now)
    else:
        rows = await scene.tx.fetch(_WITHOUT_FUNDS, *where, ids, note)
    await _tell(scene, membership, f"booking_{becomes}", rows=rows, why=note)
    return going


async def abandon_provisional(
    scene: Scene,
    membership: Membership,
    *,
    since: datetime,
    note: str,
    still_its: bool = False,
) -> None:
    """
    Leave bookings that waited for a period which will not come without funds, with notice (S2.8).

    While they are `still_its`, `give_up` finds them later.
    """
    rows = await scene.tx.fetch(
        _PROVISIONAL,
        scene.location_id,
        membership.contact_id,
        membership.id,
        since,
        note,
        still_its,
    )
    await _tell(scene, membership, "booking_unfunded", rows=rows, why=note)


async def give_up(scene: Scene, membership: Membership, *, since: datetime, note: str) -> None:
    """Cancel, with notice, bookings of a membership that nothing pays for (S11.2)."""
    rows = await scene.tx.fetch(
        _GIVEN_UP,
        scene.location_id,
        membership.contact_id,
        membership.id,
        since,
        note,
        scene.now,
    )
    await _tell(scene, membership, "booking_cancelled", rows=rows, why=note)


def uncovered(coverage: dict[str, int] | None) -> Callable[[Commitment], bool]:
    """Return the test for bookings that a plan does not cover (S9.5)."""
    return lambda each: (
        not (coverage is None or each.calendar_id is None or each.calendar_id in coverage)
    )


async def _conclude(scene: Scene, contact_id: UUID, each: Commitment) -> None:
    posting = scene.posting(contact_id, "release", "released", entries=[], effective_at=scene.now)
    await scene.tx.execute(
        "select kotally.conclude_hold($1, $2, $3, 0, 0, 'released', false, $4)",
        scene.location_id,
        each.hold_id,
        _encode(posting).decode(),
        scene.now,
    )


async def _tell(
    scene: Scene, membership: Membership, type_: str, *, rows: Sequence[Any], why: str
) -> None:
    for row in rows:
        await scene.happened(
            membership.contact_id,
            type_,
            entitlement_id=membership.id,
            booking_id=row["id"],
            starts_at=iso(row["starts_at"]),
            why=why,
        )

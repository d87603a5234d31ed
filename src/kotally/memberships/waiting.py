"""Bookings at a turn: those the new plan does not cover lose their funds, others get them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, LiteralString
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from kotally.core.ids import new_id
from kotally.db import Transaction
from kotally.ledger import debts
from kotally.ledger.acts import Act, Key, digest
from kotally.ledger.scenes import Scene
from kotally.memberships.commitments import Commitment, release, uncovered
from kotally.memberships.turns import Turn
from kotally.payments import instalments

SWEEP: Final = "sweep:renew_due"
PARTS: Final = 1_000  # postings of a turn itself are numbered below

_FUND: Final[LiteralString] = "select kotally.fund_waiting($1, $2::kotally.act, $3, $4, $5)"
_WAITING: Final[LiteralString] = """
    select distinct b.contact_id
      from kotally.bookings b
     where b.location_id = $1 and b.contact_id = any ($2)
       and b.status in ('unfunded', 'provisional')
"""
_OWING: Final[LiteralString] = """
    select b.contact_id
      from kotally.balances b
     where b.location_id = $1 and b.contact_id = any ($2) and b.owed > 0
"""


async def settle_bookings(scene: Scene, done: Turn) -> None:
    """
    Bring the debts and bookings of one contact in line with a turn; the scene holds the lock.

    What its payment's tally takes of an instalment goes first (S10.1). The rest of a grant pays
    back what was used before it, and then for bookings that wait (S11.5, S2.8).
    """
    paid_by = _paid_by(done)
    if done.lot is not None and await instalments.touched(scene.tx, scene.location_id, paid_by):
        for payment_id in paid_by:
            await instalments.take_back(
                scene, payment_id, lot_id=done.lot["id"], issued=done.granted
            )
    if done.lot is not None:
        await debts.settle(scene, done.before.contact_id, done.lot["id"])
    if done.change is not None and done.change.kind in ("downgrade", "migrate"):
        is_lost = uncovered(done.membership.plan.coverage)
        was_free = done.before.plan.rules.unlimited and not done.membership.plan.rules.unlimited

        def keeps(each: Commitment) -> bool:
            return not is_lost(each) and not (was_free and each.credits == 0)

        await release(
            scene,
            done.membership,
            since=done.period.starts_at,
            becomes="unfunded",
            note="the new plan does not cover it",
            keeps=keeps,
        )
    waiting = await scene.tx.fetchval(_WAITING, scene.location_id, [done.before.contact_id])
    if waiting is not None:
        funded = await scene.tx.fetchval(
            _FUND,
            scene.location_id,
            _act(scene.key),
            done.before.contact_id,
            scene.now,
            scene.parts(0),
        )
        scene.parts(funded)


async def settle_all(
    tx: Transaction,
    location_id: str,
    now: datetime,
    *,
    turns: Sequence[Turn],
    zone: ZoneInfo,
) -> None:
    """Do the same for the turns of a sweep: nearly none of them has anything to settle."""
    ids = [done.before.contact_id for done in turns]
    waiting: set[UUID] = {row["contact_id"] for row in await tx.fetch(_WAITING, location_id, ids)}
    waiting |= {row["contact_id"] for row in await tx.fetch(_OWING, location_id, ids)}
    paid_by = [payment_id for done in turns for payment_id in _paid_by(done)]
    touched = await instalments.touched(tx, location_id, paid_by)
    for done in turns:
        is_plain = done.change is None and touched.isdisjoint(_paid_by(done))
        if is_plain and done.before.contact_id not in waiting:
            continue
        scene = scene_of(tx, location_id, done, now=now, zone=zone)
        scene.parts(PARTS)
        await settle_bookings(scene, done)


def _paid_by(done: Turn) -> list[UUID]:
    """Return the payment that an instalment belongs to, if it was paid; else nothing."""
    payment_id = done.before.payment_id if done.instalment is not None and done.lot else None
    return [] if payment_id is None else [payment_id]


def scene_of(
    tx: Transaction, location_id: str, done: Turn, *, now: datetime, zone: ZoneInfo
) -> Scene:
    """Set the scene for what follows from a turn of a sweep."""
    return Scene(tx, location_id, key=_key(done, location_id), now=now, zone=zone)


def request_of(done: Turn) -> str:
    """Name the act of a sweep for a turn: twice, or by two workers, it is the same request."""
    number = f"{done.period.number}"
    if done.instalment is not None:
        number += f".{done.instalment.number}"
    return f"renew:{done.before.id}:{number}"


def _key(done: Turn, location_id: str) -> Key:
    request_id = request_of(done)
    hash_, body = digest(SWEEP, {"location_id": location_id, "request_id": request_id})
    return Key(request_id, hash_, body, new_id(), "sweep", SWEEP)


def _act(key: Key) -> tuple[Any, ...]:
    return msgspec.structs.astuple(
        Act(
            "hold",
            new_id(),
            key.request_id,
            key.digest,
            key.body,
            key.correlation_id,
            key.source,
            key.actor,
        )
    )

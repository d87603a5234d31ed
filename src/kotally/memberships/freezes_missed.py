"""
What a freeze makes of a period that is confirmed only after it began or ended (S8.4, S8.5).

A payment may come late, or the worker; bounds and expiries are then what they would have been.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, LiteralString
from uuid import UUID

import msgspec

from kotally.db import Queries
from kotally.ledger.scenes import Scene
from kotally.memberships import freezes_records
from kotally.memberships.freezes_bounds import reload, shift
from kotally.memberships.periods import Period
from kotally.memberships.turns import Turn

# Freezes of the period that has just been confirmed, which found no period to move.
_UNSHIFTED: Final[LiteralString] = """
    select f.membership_id
      from kotally.freezes f
      join kotally.memberships m on m.location_id = $1 and m.id = f.membership_id
     where f.location_id = $1 and f.membership_id = any ($2) and f.mode = 'shift'
       and f.status in ('running', 'ended') and f.shifted_days = 0 and f.resumes_on > f.starts_on
       and f.starts_at >= m.period_starts_at and f.starts_at <= m.period_ends_at
"""
# New lots that a freeze would have covered, had they been there before it ended.
_UNMOVED: Final[LiteralString] = """
    select l.id as lot_id, f.id as freeze_id, f.membership_id
      from kotally.freezes f
      join kotally.lots l
        on l.location_id = $1 and l.contact_id = f.contact_id and l.id = any ($3)
       and (l.entitlement_id = f.membership_id or f.covers_packs)
       and l.effective_at < f.resumes_at and l.expires_at > f.starts_at
     where f.location_id = $1 and f.contact_id = any ($2) and f.status = 'ended'
     order by f.starts_on, f.id, l.id
"""
_MOVED_TO: Final[LiteralString] = """
    select kotally.add_local_days(l.expires_at, n.days, t.timezone) as to_at
      from kotally.freezes f
      join kotally.locations t on t.id = $1
      join kotally.lots l on l.location_id = $1 and l.id = $3 and l.expires_at > f.starts_at
     cross join lateral (select kotally.frozen_days(l, f, t.timezone) as days) n
     where f.location_id = $1 and f.id = $2 and n.days > 0
"""


async def missed(db: Queries, location_id: str, turns: Sequence[Turn]) -> list[Turn]:
    """Return the turns, nearly always none, that a freeze has something to do with."""
    ids = [done.before.id for done in turns]
    concerned: set[UUID] = {
        row["membership_id"] for row in await db.fetch(_UNSHIFTED, location_id, ids)
    }
    lots = {lot["id"]: done.before.id for done in turns for lot in done.lots}
    contacts = list({done.before.contact_id for done in turns})
    for row in await db.fetch(_UNMOVED, location_id, contacts, list(lots)):
        concerned.add(lots[row["lot_id"]])
    return [done for done in turns if done.before.id in concerned]


async def follow(scene: Scene, done: Turn) -> Turn:
    """Move bounds and new lots of a turn by the freezes that came before it; return it as it is."""
    before = done.membership
    for freeze in await freezes_records.of_membership(scene.tx, scene.location_id, before.id):
        if (
            freeze.mode == "shift"
            and freeze.status in ("running", "ended")
            and not freeze.shifted_days
            and before.period_starts_at <= freeze.starts_at
        ):
            await freezes_records.update(scene, await shift(scene, freeze, freeze.span.days))
    moved = await _move_lots(scene, done)
    after = await reload(scene, before.id)
    period = done.period
    if period.number == after.period_number:
        period = Period(period.number, after.period_starts_at, after.period_ends_at)
    lot = done.lot
    if lot is not None and lot["id"] in moved:
        lot = lot | {"expires_at": moved[lot["id"]]}
    return msgspec.structs.replace(done, membership=after, period=period, lot=lot)


async def _move_lots(scene: Scene, done: Turn) -> dict[Any, datetime]:
    """Let the new lots live longer by the days of freezes that have ended, one after the other."""
    moved: dict[Any, datetime] = {}
    rows = await scene.tx.fetch(
        _UNMOVED, scene.location_id, [done.before.contact_id], [lot["id"] for lot in done.lots]
    )
    for row in rows:
        to_at: datetime | None = await scene.tx.fetchval(
            _MOVED_TO, scene.location_id, row["freeze_id"], row["lot_id"]
        )
        if to_at is not None:
            await scene.change_expiry(
                row["lot_id"], to_at, reason="freeze", cause_id=row["freeze_id"]
            )
            moved[row["lot_id"]] = to_at
    if moved:
        await scene.tx.execute(
            "select kotally.project_lots($1, $2)", scene.location_id, done.before.contact_id
        )
    return moved

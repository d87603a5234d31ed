"""
Days on which a location is closed: the credits of that time live longer by them (S6.7).

The preview is the dry run: the same work, rolled back. What was done can be undone once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final, LiteralString
from uuid import UUID

import msgspec
from msgspec import Struct

from kotally.core.calendar import iso
from kotally.core.ids import new_id
from kotally.db import Database
from kotally.ledger.acts import Key, Outcome
from kotally.ledger.plans import Entry, Posting
from kotally.ledger.scenes import Declined, Done, Scene, play
from kotally.memberships.extensions import Expiring, revivals
from kotally.memberships.packs import MOVED_PACKS, PACKS, Pack, move_packs

CLOSURE_DAYS_MAX: Final = 366
SAMPLE_MAX: Final = 100  # lots named in an answer; all are counted

# Lots that could have been used on a day of the closure, with something left or lost since then.
_LOTS: Final[LiteralString] = """
    select l.id, l.contact_id, l.product_config_id, l.expires_at, l.expired, l.available, l.held,
           kotally.add_local_days(l.expires_at, $3::date - $2::date, t.timezone) as to_at
      from kotally.lots l
      join kotally.locations t on t.id = $1
     where l.location_id = $1
       and l.expires_at > kotally.local_midnight($2, t.timezone)
       and l.effective_at < kotally.local_midnight($3, t.timezone)
       and (l.is_open or l.expired > 0)
       and ($4::text[] is null or l.product_config_id = any ($4))
     order by l.contact_id, l.id
"""
# What the closure moved and how it stands. A lot that a class has started keeps what that gave it.
_MOVED: Final[LiteralString] = """
    select l.id, l.contact_id, l.expired, l.available, l.expires_at, l.product_config_id, l.held,
           greatest(
             case when l.expires_at = x.to_at then x.from_at
                  else kotally.add_local_days(l.expires_at, $3, t.timezone) end,
             kotally.started_expiry(
               l.rules -> 'starts', (l.rules #>> '{starts,started_on}')::date, t.timezone)) as to_at
      from kotally.expiry_changes x
      join kotally.locations t on t.id = $1
      join kotally.lots l on l.location_id = $1 and l.id = x.lot_id
     where x.location_id = $1 and x.cause_id = $2 and x.reason = 'closure'
       and l.expires_at is not null
     order by l.contact_id, l.id
"""
# By the predicates of the sweep: what waits for its roll-over or is frozen is not over (S7.7).
_OVER: Final[LiteralString] = """
    select l.id, l.contact_id, l.available
      from kotally.lots l
     where l.location_id = $1 and l.id = any ($2) and l.available > 0
       and kotally.is_expired(l, $3) and not kotally.awaits_roll(l)
     order by l.contact_id, l.id
"""
_CHANGE: Final[LiteralString] = """
    select kotally.change_expiry($1, u.lot_id, u.to_at, $4, $5, $6, $7, $8, $9)
      from unnest($2::uuid[], $3::timestamptz[]) u (lot_id, to_at)
"""


class Closing(Struct, frozen=True, kw_only=True):
    """The days `[starts_on, reopens_on)`, why, and for the lots of which products; None is all."""

    starts_on: date
    reopens_on: date
    note: str
    product_config_ids: list[str] | None = None


class _Lot(Struct, frozen=True, kw_only=True):
    id: UUID
    contact_id: UUID
    product_config_id: str
    expires_at: datetime
    expired: int
    available: int
    held: int
    to_at: datetime

    @property
    def expiring(self) -> Expiring:
        return Expiring(
            id=self.id,
            contact_id=self.contact_id,
            expires_at=self.expires_at,
            expired=self.expired,
        )


async def close(
    db: Database, location_id: str, *, closing: Closing, key: Key, preview: bool = False
) -> Outcome:
    """
    Move the expiry of every lot of the closed days by their number.

    What expired since then comes back. Codes: `closure_applied`, CLOSURE_ENDS_BEFORE_START,
    CLOSURE_TOO_LONG.
    """

    async def work(scene: Scene) -> Done:
        days = _days(closing)
        lots, packs = await _locked(scene, _LOTS, PACKS, args=_filter(closing))
        closure_id = new_id()
        await scene.tx.execute(
            """
            insert into kotally.closures (
              location_id, id, starts_on, reopens_on, product_config_ids, note, lots, created_at,
              packs)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            """,
            scene.location_id,
            closure_id,
            closing.starts_on,
            closing.reopens_on,
            closing.product_config_ids,
            closing.note,
            len(lots),
            scene.now,
            msgspec.to_builtins(packs),
        )
        await _move(scene, closure_id, lots, packs=packs, reason="closure")
        revived = revivals(scene, [lot.expiring for lot in lots if lot.to_at > scene.now])
        await scene.post(revived)
        await _told(scene, "closure_applied", closure_id, lots=lots, packs=packs)
        answer = _answer(closure_id, days, lots, packs=packs, postings=revived)
        return Done("closure_applied", answer)

    return await play(db, location_id, "closure", key=key, work=work, preview=preview)


async def undo(
    db: Database, location_id: str, closure_id: UUID, *, key: Key, preview: bool = False
) -> Outcome:
    """
    Take a closure back, once: what it moved goes back, and what is over by then expires again.

    What was used meanwhile stays used. Codes: `closure_undone`, CLOSURE_NOT_FOUND,
    CLOSURE_ALREADY_UNDONE.
    """

    async def work(scene: Scene) -> Done:
        row = await scene.tx.fetchrow(
            """
            select c.starts_on, c.reopens_on, c.undone_at from kotally.closures c
             where c.location_id = $1 and c.id = $2 for no key update
            """,
            scene.location_id,
            closure_id,
        )
        if row is None:
            raise Declined("CLOSURE_NOT_FOUND")
        if row["undone_at"] is not None:
            raise Declined(
                "CLOSURE_ALREADY_UNDONE", closure_id=closure_id, undone_at=iso(row["undone_at"])
            )
        days = (row["reopens_on"] - row["starts_on"]).days
        lots, packs = await _locked(scene, _MOVED, MOVED_PACKS, args=(closure_id, -days))
        await _move(scene, closure_id, lots, packs=packs, reason="reversal")
        lost = await _expiries(scene, lots)
        await scene.post(lost)
        await scene.tx.execute(
            "update kotally.closures set undone_at = $3 where location_id = $1 and id = $2",
            scene.location_id,
            closure_id,
            scene.now,
        )
        await _told(scene, "closure_undone", closure_id, lots=lots, packs=packs)
        return Done("closure_undone", _answer(closure_id, days, lots, packs=packs, postings=lost))

    operation = f"undo closure {closure_id}"
    return await play(db, location_id, operation, key=key, work=work, preview=preview)


def _days(closing: Closing) -> int:
    days = (closing.reopens_on - closing.starts_on).days
    if days <= 0:
        raise Declined("CLOSURE_ENDS_BEFORE_START", allowed={"later_than": closing.starts_on})
    if days > CLOSURE_DAYS_MAX:
        raise Declined("CLOSURE_TOO_LONG", allowed={"days": CLOSURE_DAYS_MAX})
    return days


def _filter(closing: Closing) -> tuple[date, date, list[str] | None]:
    return closing.starts_on, closing.reopens_on, closing.product_config_ids


async def _locked(
    scene: Scene, lots: LiteralString, packs: LiteralString, *, args: tuple[Any, ...]
) -> tuple[list[_Lot], list[Pack]]:
    """Lock whoever has such lots or packs and read them as they are then."""
    place = (scene.location_id, *args)
    mine = {lot.contact_id for lot in await scene.tx.rows(_Lot, lots, *place)}
    mine |= {pack.contact_id for pack in await scene.tx.rows(Pack, packs, *place)}
    await scene.lock(sorted(mine))
    await scene.expire(sorted(mine))
    return (
        [lot for lot in await scene.tx.rows(_Lot, lots, *place) if lot.contact_id in mine],
        [pack for pack in await scene.tx.rows(Pack, packs, *place) if pack.contact_id in mine],
    )


async def _move(
    scene: Scene, closure_id: UUID, lots: Sequence[_Lot], *, packs: Sequence[Pack], reason: str
) -> None:
    key = scene.key
    await move_packs(scene, packs)
    await scene.tx.execute(
        _CHANGE,
        scene.location_id,
        [lot.id for lot in lots],
        [lot.to_at for lot in lots],
        reason,
        closure_id,
        key.source,
        key.actor,
        key.correlation_id,
        scene.now,
    )
    # A freeze moves what it covers from where it is now.
    await scene.tx.execute(
        """
        select kotally.project_lots($1, f.contact_id)
          from (select distinct f.contact_id from kotally.freezes f
                 where f.location_id = $1 and f.status in ('planned', 'running')
                   and f.contact_id = any ($2)) f
        """,
        scene.location_id,
        list({each.contact_id for each in (*lots, *packs)}),
    )


async def _expiries(scene: Scene, lots: Sequence[_Lot]) -> list[Posting]:
    """Make the expiry of what is over again; the sweep posted it once under its own name."""
    entries: dict[UUID, list[Entry]] = {}
    for row in await scene.tx.fetch(_OVER, scene.location_id, [lot.id for lot in lots], scene.now):
        entry = Entry(row["id"], "available", "expired", row["available"])
        entries.setdefault(row["contact_id"], []).append(entry)
    return [
        scene.posting(contact_id, "expire", "expired", entries=moved, effective_at=scene.now)
        for contact_id, moved in entries.items()
    ]


async def _told(
    scene: Scene, type_: str, closure_id: UUID, *, lots: Sequence[_Lot], packs: Sequence[Pack]
) -> None:
    told: dict[UUID, dict[str, Any]] = {}
    for each in (*lots, *packs):
        told.setdefault(each.contact_id, {"closure_id": closure_id, "lots": [], "packs": []})
    for lot in lots:
        told[lot.contact_id]["lots"].append(
            {"lot_id": lot.id, "from_at": lot.expires_at, "to_at": lot.to_at}
        )
    for pack in packs:
        told[pack.contact_id]["packs"].append(
            {"entitlement_id": pack.id, "from_at": pack.from_at, "to_at": pack.to_at}
        )
    await scene.happened_to(type_, told)


def _answer(
    closure_id: UUID,
    days: int,
    lots: Sequence[_Lot],
    *,
    packs: Sequence[Pack],
    postings: Sequence[Posting],
) -> dict[str, Any]:
    return {
        "closure_id": closure_id,
        "days": days,
        "lots_moved": len(lots),
        "packs_moved": len(packs),
        "contacts": len({each.contact_id for each in (*lots, *packs)}),
        "credits_available": sum(lot.available for lot in lots),
        "credits_held": sum(lot.held for lot in lots),
        "credits_moved": sum(entry.amount for each in postings for entry in each.entries),
        "lots": [
            {
                "lot_id": lot.id,
                "contact_id": lot.contact_id,
                "product_config_id": lot.product_config_id,
                "expires_before": iso(lot.expires_at),
                "expires_at": iso(lot.to_at),
            }
            for lot in lots[:SAMPLE_MAX]
        ],
    }

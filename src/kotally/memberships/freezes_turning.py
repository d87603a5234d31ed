"""How a freeze begins and ends, by the sweep or because somebody asks in the meantime (S8.7)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final, LiteralString
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from kotally.core.calendar import local_date
from kotally.core.ids import new_id
from kotally.db import Database, Transaction
from kotally.ledger.acts import Key
from kotally.ledger.scenes import Scene
from kotally.ledger.swept import Swept
from kotally.memberships import freezes_records
from kotally.memberships.freezes_bounds import shift
from kotally.memberships.freezes_records import Freeze

PASS_SIZE: Final = 200  # contacts of one transaction of the sweep
_SWEEP: Final = "sweep:freezes"

_DUE: Final[LiteralString] = """
    select f.contact_id
      from (
        select s.contact_id, s.starts_at as at from kotally.freezes s
         where s.location_id = $1 and s.status = 'planned' and s.starts_at <= $2
         union all
        select r.contact_id, r.resumes_at from kotally.freezes r
         where r.location_id = $1 and r.status in ('planned', 'running') and r.resumes_at <= $2) f
     group by f.contact_id order by min(f.at) limit $3
"""
_LOTS: Final[LiteralString] = """
    select l.id, l.expires_at, kotally.add_local_days(l.expires_at, n.days, t.timezone) as to_at,
           l.available
      from kotally.freezes f
      join kotally.locations t on t.id = $1
      join kotally.lots l
        on l.location_id = $1 and l.contact_id = f.contact_id
       and (l.entitlement_id = f.membership_id or f.covers_packs) and l.expires_at > f.starts_at
     cross join lateral (select kotally.frozen_days(l, f, t.timezone) as days) n
     where f.location_id = $1 and f.id = $2 and n.days > 0
     order by l.id
"""


_PACKS: Final[LiteralString] = """
    update kotally.entitlements e set ends_at = n.to_at, projected_ends_at = null
      from (
        select o.id, kotally.add_local_days(o.ends_at, d.days, t.timezone) as to_at
          from kotally.freezes f
          join kotally.locations t on t.id = $1
          join kotally.entitlements o
            on o.location_id = $1 and o.contact_id = f.contact_id and o.is_ruled
           and o.ends_at > f.starts_at
         cross join lateral kotally.lot_of_pack(o) k
         cross join lateral (select kotally.frozen_days(k, f, t.timezone) as days) d
         where f.location_id = $1 and f.id = $2 and f.covers_packs and k.id is not null
           and d.days > 0) n
     where e.location_id = $1 and e.id = n.id
"""


async def begin(scene: Scene, freeze: Freeze) -> Freeze:
    """Begin a freeze whose time has come; its membership's period is the one that it moves."""
    running = await shift(scene, freeze, freeze.span.days)
    running = msgspec.structs.replace(running, status="running")
    await freezes_records.update(scene, running)
    await project(scene, freeze.contact_id)
    await scene.happened(
        freeze.contact_id,
        "freeze_started",
        entitlement_id=freeze.membership_id,
        freeze_id=freeze.id,
        starts_on=freeze.starts_on,
        resumes_on=freeze.resumes_on,
    )
    return running


async def end(scene: Scene, freeze: Freeze, resumes_on: date) -> Freeze:
    """
    End a freeze on a day: what it covered lives longer by the days that were used (S8.4).

    The periods move by those days too, so an early return needs no correction.
    """
    ended = freeze.until(resumes_on, scene.zone)
    ended = await shift(scene, ended, ended.span.days)
    ended = msgspec.structs.replace(ended, status="ended", days_used=ended.span.days)
    await freezes_records.update(scene, ended)
    for row in await scene.tx.fetch(_LOTS, scene.location_id, freeze.id):
        await scene.change_expiry(row["id"], row["to_at"], reason="freeze", cause_id=freeze.id)
    await scene.tx.execute(_PACKS, scene.location_id, freeze.id)
    await project(scene, freeze.contact_id)
    await scene.happened(
        freeze.contact_id,
        "freeze_ended",
        entitlement_id=freeze.membership_id,
        freeze_id=freeze.id,
        starts_on=ended.starts_on,
        resumed_on=ended.resumes_on,
        days_used=ended.days_used,
    )
    return ended


async def stop(scene: Scene, membership_id: UUID, at: datetime) -> None:
    """End what is frozen and drop what is planned, because the membership itself has ended."""
    for freeze in await freezes_records.of_membership(scene.tx, scene.location_id, membership_id):
        if freeze.status == "running":
            ended_on = min(local_date(at, scene.zone), freeze.resumes_on)
            await end(scene, freeze, max(ended_on, freeze.starts_on))
        elif freeze.status == "planned":
            await freezes_records.update(scene, msgspec.structs.replace(freeze, status="cancelled"))
            await freezes_records.unblock(scene, freeze)
            await project(scene, freeze.contact_id)


async def project(scene: Scene, contact_id: UUID) -> None:
    """Say anew until when the contact's lots will live (S8.4)."""
    await scene.tx.execute("select kotally.project_lots($1, $2)", scene.location_id, contact_id)


async def catch_up(scene: Scene, contact_ids: Sequence[UUID]) -> list[Freeze]:
    """Begin and end what is due for these contacts; the scene holds their locks."""
    done: list[Freeze] = []
    for freeze in await freezes_records.due(
        scene.tx, scene.location_id, contact_ids, now=scene.now
    ):
        turned = freeze
        if turned.status == "planned":
            turned = await begin(scene, turned)
        if turned.resumes_at <= scene.now:
            turned = await end(scene, turned, turned.resumes_on)
        done.append(turned)
    return done


async def turn_due_of(db: Database, location_id: str, *, contact_id: UUID, limit: int) -> Swept:
    """Begin and end the freezes of one contact whose time has come, because somebody asks."""
    async with db.transaction() as tx:
        scene = await _scene(tx, location_id)
        await scene.lock([contact_id])
        done = (await catch_up(scene, [contact_id]))[:limit]
    return Swept(len(done), [_line(freeze) for freeze in done])


async def turn_due(db: Database, location_id: str, *, limit: int) -> Swept:
    """
    Begin the freezes whose first day has come and end those whose last day is over.

    A late pass comes to the same as a timely one: all is counted in the freeze's own dates.
    """
    events: list[str] = []
    while len(events) < limit:
        done = await _pass(db, location_id, size=min(PASS_SIZE, limit - len(events)))
        events += [_line(freeze) for freeze in done]
        if not done:
            break
    return Swept(len(events), events)


async def _pass(db: Database, location_id: str, *, size: int) -> list[Freeze]:
    async with db.transaction() as tx:
        scene = await _scene(tx, location_id)
        due = await tx.fetch(_DUE, location_id, scene.now, size)
        claimed = await tx.fetch(
            "select c from kotally.claim_contacts($1, $2) c",
            location_id,
            [row["contact_id"] for row in due],
        )
        return await catch_up(scene, [row["c"] for row in claimed])


async def _scene(tx: Transaction, location_id: str) -> Scene:
    place = await tx.fetchrow("select now, timezone from kotally.location_of($1)", location_id)
    assert place is not None, f"no location {location_id}"
    correlation_id = new_id()
    key = Key(f"freezes:{correlation_id}", b"", "{}", correlation_id, "sweep", _SWEEP)
    return Scene(tx, location_id, key=key, now=place["now"], zone=ZoneInfo(place["timezone"]))


def _line(freeze: Freeze) -> str:
    if freeze.status == "ended":
        return f"membership {freeze.membership_id} is back after {freeze.days_used} frozen days"
    return f"membership {freeze.membership_id} is frozen until {freeze.resumes_on}"

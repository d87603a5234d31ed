"""Move a location to another time zone: bounds to come keep their local dates (S14.5)."""

from __future__ import annotations

from typing import Final, LiteralString

from kotally.db import Database
from kotally.ledger.acts import Key, Outcome
from kotally.ledger.scenes import Declined, Done, Scene, play
from kotally.workspaces.timezones import zone_fault

# What has passed stays: kotally.in_zone leaves it.
_BOUNDS: Final[tuple[LiteralString, ...]] = (
    """
    update kotally.memberships m
       set period_ends_at = kotally.in_zone(m.period_ends_at, $2, $3, $4),
           renews_at = kotally.in_zone(m.renews_at, $2, $3, $4),
           ends_at = kotally.in_zone(m.ends_at, $2, $3, $4),
           minimum_until = kotally.in_zone(m.minimum_until, $2, $3, $4),
           expected_next_charge_at = kotally.in_zone(m.expected_next_charge_at, $2, $3, $4)
     where m.location_id = $1 and m.status <> 'ended'
    """,
    """
    update kotally.periods p
       set starts_at = kotally.in_zone(p.starts_at, $2, $3, $4),
           ends_at = kotally.in_zone(p.ends_at, $2, $3, $4)
     where p.location_id = $1 and p.ends_at > $4
    """,
    """
    update kotally.instalments i
       set starts_at = kotally.in_zone(i.starts_at, $2, $3, $4),
           ends_at = kotally.in_zone(i.ends_at, $2, $3, $4)
     where i.location_id = $1 and i.ends_at > $4
    """,
    """
    update kotally.membership_changes c
       set effective_at = kotally.in_zone(c.effective_at, $2, $3, $4)
     where c.location_id = $1 and c.decided_at is null
    """,
    """
    update kotally.entitlements e set ends_at = kotally.in_zone(e.ends_at, $2, $3, $4)
     where e.location_id = $1 and e.ends_at > $4
    """,
    """
    update kotally.rolls r set expires_at = kotally.in_zone(r.expires_at, $2, $3, $4)
     where r.location_id = $1 and r.expires_at > $4
    """,
    """
    update kotally.freezes f
       set starts_at = kotally.in_zone(f.starts_at, $2, $3, $4),
           resumes_at = kotally.in_zone(f.resumes_at, $2, $3, $4)
     where f.location_id = $1 and f.status in ('planned', 'running')
    """,
    """
    update kotally.blockers b
       set starts_at = kotally.in_zone(b.starts_at, $2, $3, $4),
           ends_at = kotally.in_zone(b.ends_at, $2, $3, $4)
     where b.location_id = $1 and (b.ends_at is null or b.ends_at > $4)
    """,
)


async def change_zone(
    db: Database, location_id: str, timezone: str, *, key: Key, preview: bool = False
) -> Outcome:
    """
    Give a location another time zone.

    Every bound to come that is a local midnight becomes the midnight of the same date there; what
    was posted stays as it was. Codes: `timezone_changed`, TIMEZONE_UNKNOWN.
    """

    async def work(scene: Scene) -> Done:
        fault = zone_fault(timezone)
        if fault is not None:
            raise Declined("TIMEZONE_UNKNOWN", detail=fault.message)
        rows = await scene.tx.fetch(
            "select b.contact_id from kotally.balances b where b.location_id = $1",
            scene.location_id,
        )
        await scene.lock([row["contact_id"] for row in rows])
        before = scene.zone.key
        await scene.tx.execute(
            "update kotally.locations set timezone = $2 where id = $1",
            scene.location_id,
            timezone,
        )
        for statement in _BOUNDS:
            await scene.tx.execute(statement, scene.location_id, before, timezone, scene.now)
        moved = await scene.tx.fetchval(
            "select kotally.rezone_lots($1, $2, $3, $4, $5, $6, $7)",
            scene.location_id,
            before,
            timezone,
            scene.key.source,
            scene.key.actor,
            scene.key.correlation_id,
            scene.now,
        )
        return Done(
            "timezone_changed",
            {
                "location_id": scene.location_id,
                "timezone_before": before,
                "timezone": timezone,
                "lots_moved": moved,
            },
        )

    operation = f"timezone {timezone}"
    return await play(db, location_id, operation, key=key, work=work, preview=preview)

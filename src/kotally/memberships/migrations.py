"""Move the members of a product to another version of it, at their next periods (S9.8)."""

from __future__ import annotations

from datetime import datetime
from typing import Final, LiteralString

from kotally.core.calendar import iso
from kotally.db import Database
from kotally.ledger.acts import Key, Outcome
from kotally.ledger.scenes import Declined, Done, Scene, play
from kotally.memberships import memberships

_PLAN: Final[LiteralString] = """
    with running as (
      select m.id, m.contact_id, coalesce(p.ends_at, m.period_ends_at) as effective_at, exists (
               select from kotally.membership_changes c
                where c.location_id = $1 and c.membership_id = m.id and c.decided_at is null)
               as is_changing
        from kotally.memberships m
        join kotally.entitlements e on e.location_id = $1 and e.id = m.id
        left join kotally.periods p
          on p.location_id = $1 and p.membership_id = m.id and p.number = m.paid_number
       where m.location_id = $1 and m.product_config_id = $2 and m.status <> 'ended'
         and e.product_version <> $3),
    planned as (
      insert into kotally.membership_changes (
        location_id, id, membership_id, contact_id, kind, to_product_config_id, to_version,
        status, effective_at, requested_at)
      select $1, kotally.new_id(), r.id, r.contact_id, 'migrate', $2, $3, 'pending',
             r.effective_at, $4
        from running r where not r.is_changing
          on conflict do nothing
      returning effective_at)
    select (select count(*) from planned) as planned, (select min(effective_at) from planned) as
           first_at, (select max(effective_at) from planned) as last_at,
           (select count(*) from running r where r.is_changing) as left_alone
"""


async def migrate(
    db: Database,
    location_id: str,
    product_config_id: str,
    *,
    version: int | None = None,
    key: Key,
    preview: bool = False,
) -> Outcome:
    """
    Plan for every running member of a product the change to a version, by default the current.

    Nothing changes before each one's next period; who has another change waiting, or leaves, is
    left alone. Codes: `migration_scheduled`, `CONFIG_NOT_FOUND`.
    """

    async def work(scene: Scene) -> Done:
        plan = await memberships.load_plan(
            scene.tx, scene.location_id, product_config_id, version=version
        )
        if plan is None:
            raise Declined("CONFIG_NOT_FOUND")
        row = await scene.tx.fetchrow(
            _PLAN, scene.location_id, product_config_id, plan.version, scene.now
        )
        assert row is not None, "counts are always one row"
        return Done(
            "migration_scheduled",
            {
                "product_config_id": product_config_id,
                "version": plan.version,
                "memberships": row["planned"],
                "left_alone": row["left_alone"],
                "first_at": _time(row["first_at"]),
                "last_at": _time(row["last_at"]),
            },
        )

    operation = f"migrate {product_config_id}"
    return await play(db, location_id, operation, key=key, work=work, preview=preview)


def _time(at: datetime | None) -> str | None:
    return None if at is None else iso(at)

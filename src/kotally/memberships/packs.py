"""Packs without lots, such as unlimited ones: a closure moves their end like that of credits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

from msgspec import Struct

from kotally.ledger.scenes import Scene

# Those that could have been used on a day of a closure.
PACKS: Final[LiteralString] = """
    select e.id, e.contact_id, e.ends_at as from_at,
           kotally.add_local_days(e.ends_at, $3::date - $2::date, t.timezone) as to_at
      from kotally.entitlements e
      join kotally.locations t on t.id = $1
     cross join lateral kotally.lot_of_pack(e) k
     where e.location_id = $1 and e.is_ruled and k.id is not null
       and e.ends_at > kotally.local_midnight($2, t.timezone)
       and e.starts_at < kotally.local_midnight($3, t.timezone)
       and ($4::text[] is null or e.product_config_id = any ($4))
     order by e.contact_id, e.id
"""
# What a closure moved and how it stands.
MOVED_PACKS: Final[LiteralString] = """
    select e.id, e.contact_id, e.ends_at as from_at,
           case when e.ends_at = x.to_at then x.from_at
                else kotally.add_local_days(e.ends_at, $3, t.timezone) end as to_at
      from kotally.closures c
      join kotally.locations t on t.id = $1
     cross join lateral jsonb_to_recordset(c.packs)
             x (id uuid, from_at timestamptz, to_at timestamptz)
      join kotally.entitlements e on e.location_id = $1 and e.id = x.id and e.end_reason is null
     where c.location_id = $1 and c.id = $2
     order by e.contact_id, e.id
"""
_MOVE_PACKS: Final[LiteralString] = """
    update kotally.entitlements e set ends_at = u.to_at
      from unnest($2::uuid[], $3::timestamptz[]) u (id, to_at)
     where e.location_id = $1 and e.id = u.id
"""


class Pack(Struct, frozen=True, kw_only=True):
    """A pack, until when it was good and until when it is to be."""

    id: UUID
    contact_id: UUID
    from_at: datetime
    to_at: datetime


async def move_packs(scene: Scene, packs: Sequence[Pack]) -> None:
    """Give packs their other ends."""
    await scene.tx.execute(
        _MOVE_PACKS,
        scene.location_id,
        [pack.id for pack in packs],
        [pack.to_at for pack in packs],
    )

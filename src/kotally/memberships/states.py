"""How memberships stand when a turn is decided: their lots, their change, what is paid ahead."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID
from zoneinfo import ZoneInfo

from kotally.db import Queries
from kotally.memberships import memberships
from kotally.memberships.bounds import State
from kotally.memberships.freezes_billing import prorating
from kotally.memberships.memberships import Membership
from kotally.memberships.periods import Period

_PAID_AHEAD: Final[LiteralString] = """
    select p.membership_id, p.number, p.starts_at, p.ends_at
      from kotally.periods p
      join kotally.memberships m on m.location_id = $1 and m.id = p.membership_id
     where p.location_id = $1 and p.membership_id = any ($2) and p.number > m.period_number
     order by p.membership_id, p.number
"""


async def states(
    db: Queries, location_id: str, ids: Sequence[UUID], *, now: datetime, zone: ZoneInfo
) -> list[tuple[State, list[Period]]]:
    """Read memberships as they stand, each with its periods that are paid ahead."""
    if not ids:
        return []
    found: dict[UUID, Membership] = await memberships.load(db, location_id, ids)
    lots = await memberships.load_lots(db, location_id, ids)
    changes = await memberships.load_changes(db, location_id, ids)
    frozen = await prorating(db, location_id, ids)
    ahead: dict[UUID, list[Period]] = {id_: [] for id_ in found}
    for row in await db.fetch(_PAID_AHEAD, location_id, list(ids)):
        period = Period(row["number"], row["starts_at"], row["ends_at"])
        ahead[row["membership_id"]].append(period)
    return [
        (
            State(
                membership=membership,
                lots=lots[id_],
                change=changes.get(id_),
                now=now,
                zone=zone,
                paid_ahead=ahead[id_][-1] if ahead[id_] else None,
                prorating=frozen.get(id_, ()),
            ),
            ahead[id_],
        )
        for id_, membership in found.items()
    ]

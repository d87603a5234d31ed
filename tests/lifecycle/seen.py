"""What there is to see in a studio's tables, for the model to judge."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from tests.lifecycle.studio import Studio

Row = dict[str, Any]

_SQL: dict[str, LiteralString] = {
    "lots": """
        select l.*, c.external_id as member from kotally.lots l
          join kotally.contacts c on c.location_id = $1 and c.id = l.contact_id
         where l.location_id = $1""",
    "payments": "select * from kotally.payments p where p.location_id = $1 order by p.id",
    "periods": """
        select * from kotally.periods p where p.location_id = $1
         order by p.membership_id, p.number""",
    "freezes": """
        select f.*, c.external_id as member from kotally.freezes f
          join kotally.contacts c on c.location_id = $1 and c.id = f.contact_id
         where f.location_id = $1 order by f.starts_on, f.id""",
    "blockers": """
        select b.*, c.external_id as member from kotally.blockers b
          join kotally.contacts c on c.location_id = $1 and c.id = b.contact_id
         where b.location_id = $1 and b.starts_at <= kotally.location_now($1)
           and (b.ends_at is null or b.ends_at > kotally.location_now($1))""",
    "bookings": """
        select b.status, b.external_ref, h.status as hold_status,
               h.captured + h.penalised - h.returned as kept, (
                 select count(*) from kotally.strikes s
                  where s.location_id = $1 and s.booking_id = b.id and s.kind = 'no_show'
                    and s.reversed_at is null) as no_shows
          from kotally.bookings b
          left join kotally.holds h on h.location_id = $1 and h.id = b.hold_id
         where b.location_id = $1""",
    "balances": """
        select c.external_id, b.seq, kotally.visible_balance($1, c.id, kotally.location_now($1))
          from kotally.balances b
          join kotally.contacts c on c.location_id = $1 and c.id = b.contact_id
         where b.location_id = $1""",
    "lapsed": """
        select r.lot_id, r.amount from kotally.contacts c
         cross join kotally.lapsed_holds($1, c.id, kotally.location_now($1)) r
         where c.location_id = $1""",
    "upgrades": """
        select 1 from kotally.membership_changes m
         where m.location_id = $1 and m.kind = 'upgrade' and m.status = 'applied'""",
}


@dataclass(frozen=True)
class Seen:
    """A studio's tables at one moment."""

    now: datetime
    lots: list[Row]
    payments: list[Row]
    periods: list[Row]
    freezes: list[Row]
    blockers: list[Row]
    bookings: list[Row]
    balances: dict[str, tuple[int, int]]
    lapsed: Counter[UUID]
    upgrades: int

    @property
    def prorated(self) -> bool:
        """Be true when a freeze may have made a period's credits fewer (S8.5)."""
        return any(freeze["mode"] == "prorate" for freeze in self.freezes)


async def see(studio: Studio) -> Seen:
    """Read a studio's tables."""
    rows = {
        name: [dict(row) for row in await studio.owner.fetch(sql, studio.location)]
        for name, sql in _SQL.items()
    }
    lapsed: Counter[UUID] = Counter()
    for row in rows.pop("lapsed"):
        lapsed[row["lot_id"]] += row["amount"]
    return Seen(
        now=await studio.now(),
        balances={r["external_id"]: (r["seq"], r["visible_balance"]) for r in rows.pop("balances")},
        lapsed=lapsed,
        upgrades=len(rows.pop("upgrades")),
        **rows,
    )

"""What stands in a studio's tables, in words that two studios have in common."""

from __future__ import annotations

from collections import Counter
from typing import Any, LiteralString

from tests.lifecycle.studio import Studio

_TABLES = """
    select c.table_name from information_schema.columns c
      join information_schema.tables t using (table_schema, table_name)
     where c.table_schema = 'kotally' and c.column_name = 'location_id'
       and t.table_type = 'BASE TABLE' order by 1
"""
_ROWS = (
    "select '{0}' as name, md5(coalesce(string_agg(t::text, ';' order by t::text), '')) as rows \
from kotally.{0} t where t.location_id = $1"
)

# Not when a booking was let go of or an advance was opened: a late pass writes its own time there.
STATE: dict[str, LiteralString] = {
    "lots": """
        select c.external_id, l.product_config_id, l.class, l.period_number,
               case when l.class <> 'advance' then l.effective_at end,
               l.expires_at, l.projected_expires_at, l.issued, l.owed, l.available, l.held,
               l.consumed, l.penalty, l.expired, l.forfeited, l.revoked, l.suspended, l.transferred
          from kotally.lots l join kotally.contacts c on c.location_id = $1
         where l.location_id = $1 and c.id = l.contact_id
         order by l.id, l.class""",
    "memberships": """
        select c.external_id, e.product_config_id, m.status, m.period_number, m.paid_number,
               m.period_starts_at, m.period_ends_at, m.renews_at, m.ends_at, m.past_due_since
          from kotally.memberships m join kotally.contacts c on c.location_id = $1
          join kotally.entitlements e on e.location_id = $1 and e.id = m.id
         where m.location_id = $1 and c.id = m.contact_id order by m.id""",
    "periods": """
        select m.product_config_id, p.number, p.starts_at, p.ends_at, p.lot_id is null
          from kotally.periods p
          join kotally.memberships m on m.location_id = $1 and m.id = p.membership_id
         where p.location_id = $1 order by p.membership_id, p.number""",
    "bookings": """
        select b.external_ref, b.status, b.starts_at, b.credits, b.closes_at
          from kotally.bookings b where b.location_id = $1 order by b.id""",
    "holds": """
        select h.external_ref, h.amount, h.captured, h.released, h.penalised, h.returned, h.status
          from kotally.holds h where h.location_id = $1 order by 1, 2, 3, 4, 5, 6, 7""",
    "freezes": """
        select f.starts_on, f.resumes_on, f.status, f.days_used, f.shifted_days
          from kotally.freezes f where f.location_id = $1 order by f.id""",
    "blockers": """
        select c.external_id, k.kind, k.starts_at, k.ends_at
          from kotally.blockers k join kotally.contacts c on c.location_id = $1
         where k.location_id = $1 and c.id = k.contact_id order by 1, 2, 3, 4""",
    "payments": """
        select p.external_payment_id, p.credits_granted, p.credits_revoked,
               p.credits_uncollected, p.refunded_cents, p.is_disputed
          from kotally.payments p where p.location_id = $1 order by p.id""",
    "balances": """
        select c.external_id, b.available, b.held, b.suspended, b.owed
          from kotally.balances b join kotally.contacts c on c.location_id = $1
         where b.location_id = $1 and c.id = b.contact_id order by 1""",
    "strikes": """
        select b.external_ref, s.kind, s.class_at, s.is_forgiven, s.reversed_at is null
          from kotally.strikes s join kotally.bookings b on b.location_id = $1
         where s.location_id = $1 and b.id = s.booking_id order by 1, 2, 3, 4, 5""",
    "fees": """
        select f.reason, f.amount_cents, f.status
          from kotally.fees f where f.location_id = $1 order by 1, 2, 3""",
}


async def state(studio: Studio) -> dict[str, list[tuple[Any, ...]]]:
    """Say how everything stands that a member or the studio could see."""
    return {
        name: [tuple(row) for row in await studio.owner.fetch(sql, studio.location)]
        for name, sql in STATE.items()
    }


async def contents(studio: Studio) -> dict[str, list[str]]:
    """Return a digest of each table's rows, every column of them."""
    tables = [row["table_name"] for row in await studio.owner.fetch(_TABLES)]
    sql = " union all ".join(_ROWS.format(table) for table in tables)
    rows = await studio.owner.fetch(sql, studio.location)  # pyright: ignore[reportArgumentType] - made of the tables above
    return {row["name"]: [row["rows"]] for row in rows}


def differences(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Return what differs, table by table: rows of the one, rows of the other."""
    found: dict[str, Any] = {}
    for name, rows in one.items():
        ours, theirs = Counter(map(str, rows)), Counter(map(str, other[name]))
        if ours != theirs:
            found[name] = list(ours - theirs), list(theirs - ours)
    return found

"""
Export a location's ledger: as a journal that another program can prove, and as a table.

Both read one snapshot and yield text piece by piece, so that memory does not grow with the ledger.
Who may stop reading early closes the generator: `async with aclosing(beancount(…)) as pieces`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import date
from typing import Final, LiteralString

from kotally.db import Database
from kotally.exchange.journal import Journal, Member, Row
from kotally.exchange.table import Line, Table
from kotally.ledger.proofs import locations

PIECE_ROWS: Final = 1_000  # of entries or postings; a piece is some hundred kilobytes

# In the order of the keys, so that the first line comes at once and nothing is sorted.
_ENTRIES: Final[LiteralString] = """
select b.contact_id, c.external_id, b.available, b.held, b.suspended, b.owed,
       p.seq, p.id, p.kind, p.reason, p.source, p.actor, p.request_id, p.external_ref,
       p.recorded_at, (p.recorded_at at time zone l.timezone)::date as recorded_on,
       p.available_after, e.lot_id, e.from_bucket, e.to_bucket, e.amount
  from kotally.balances b
  join kotally.contacts c on c.location_id = $1 and c.id = b.contact_id
  join kotally.locations l on l.id = $1
  join kotally.postings p on p.location_id = $1 and p.contact_id = b.contact_id
  join kotally.entries e
    on e.location_id = $1 and e.contact_id = b.contact_id and e.seq = p.seq
 where b.location_id = $1
 order by b.contact_id, p.seq, e.line
"""

# Who is said to have credits without any history; there is nobody while the books are right.
_CLAIMS: Final[LiteralString] = """
select b.contact_id, c.external_id, b.available, b.held, b.suspended, b.owed
  from kotally.balances b
  join kotally.contacts c on c.location_id = $1 and c.id = b.contact_id
 where b.location_id = $1 and (b.available, b.held, b.suspended, b.owed) <> (0, 0, 0, 0)
   and not exists (
     select from kotally.entries e where e.location_id = $1 and e.contact_id = b.contact_id)
"""

_POSTINGS: Final[LiteralString] = """
select p.id, p.contact_id, c.external_id as external_contact_id, p.seq, p.kind as type, p.amount,
       p.available_after as balance_after, p.held_after, p.reason as reason_code, p.source, p.actor,
       l.entitlement_id, l.product_config_id, e.lot_id, e.entries, p.external_ref, p.hold_id,
       p.request_id, p.correlation_id, r.id as reverses, p.effective_at, p.recorded_at,
       p.metadata::text as metadata
  from kotally.postings p
  join kotally.contacts c on c.location_id = $1 and c.id = p.contact_id
 cross join lateral (
   select (array_agg(m.lot_id order by m.line))[1] as lot_id,
          string_agg(format('%s %s>%s %s', m.lot_id, m.from_bucket, m.to_bucket, m.amount), '; '
                     order by m.line) as entries
     from kotally.entries m
    where m.location_id = $1 and m.contact_id = p.contact_id and m.seq = p.seq) e
  left join kotally.lots l on l.location_id = $1 and l.id = e.lot_id
  left join kotally.postings r
    on r.location_id = $1 and r.contact_id = p.contact_id and r.seq = p.refers_to
 where p.location_id = $1
 order by p.contact_id, p.seq
"""


async def beancount(db: Database, location_id: str) -> AsyncGenerator[str, None]:
    """
    Yield the ledger as a beancount journal; raise UnknownLocation if there is no such location.

    `kotally.exchange.journal` says how buckets become accounts. `bean-check` proves that every
    movement balances and that each member's months and final balances are what the ledger says.
    """
    async with db.snapshot() as snapshot:
        await locations(snapshot, location_id)
        location = await snapshot.fetchrow(
            "select name, (created_at at time zone timezone)::date as opened_on"
            " from kotally.locations where id = $1",
            location_id,
        )
        assert location is not None
        opened_on: date = location["opened_on"]
        journal = Journal(location_id, name=location["name"], opened_on=opened_on)
        async for row in snapshot.stream(_ENTRIES, location_id):
            journal.add(Row(**row))
            if journal.rows >= PIECE_ROWS:
                yield journal.take()
        async for row in snapshot.stream(_CLAIMS, location_id):
            journal.claim(Member(**row))
        journal.close()
        yield journal.take()


async def csv(db: Database, location_id: str) -> AsyncGenerator[str, None]:
    """
    Yield the ledger as CSV (RFC 4180), a row for each posting, contact by contact.

    Raise UnknownLocation if there is no such location.
    """
    async with db.snapshot() as snapshot:
        await locations(snapshot, location_id)
        table = Table()
        async for row in snapshot.stream(_POSTINGS, location_id):
            table.add(Line(**row))
            if table.rows >= PIECE_ROWS:
                yield table.take()
        yield table.take()

"""
The books' invariants as queries, each yielding what is wrong: an oracle of the tests' own.

Written apart from `kotally.ledger.proofs` on purpose, so that one mistake cannot hide in both.
"""

from __future__ import annotations

from kotally.db import Queries

BUCKETS = [
    "issued",
    "owed",
    "available",
    "held",
    "consumed",
    "penalty",
    "expired",
    "forfeited",
    "revoked",
    "suspended",
    "transferred",
]
_NEGATIVE = {"issued", "owed"}

_moved = ", ".join(
    f"coalesce(sum(m.n) filter (where m.bucket = '{name}'), 0) * {-1 if name in _NEGATIVE else 1}"
    f" as {name}"
    for name in BUCKETS
)
_differs = " or ".join(f"l.{name} <> coalesce(d.{name}, 0)" for name in BUCKETS)

LOTS_ARE_THEIR_ENTRIES = f"""
  select l.id::text
    from kotally.lots l
    left join (
      select e.lot_id, {_moved}
        from kotally.entries e
       cross join lateral (values (e.from_bucket, -e.amount), (e.to_bucket, e.amount))
             m (bucket, n)
       where e.location_id = $1 group by e.lot_id) d on d.lot_id = l.id
   where l.location_id = $1 and ({_differs})
"""

BALANCES_ARE_THEIR_LOTS = """
  select b.contact_id::text
    from kotally.balances b
    left join (
      select l.contact_id, sum(l.available) as available, sum(l.held) as held,
             sum(l.suspended) as suspended, sum(l.owed) as owed
        from kotally.lots l where l.location_id = $1 group by l.contact_id) s
      on s.contact_id = b.contact_id
   where b.location_id = $1
     and (b.available, b.held, b.suspended, b.owed)
         is distinct from (coalesce(s.available, 0), coalesce(s.held, 0),
                           coalesce(s.suspended, 0), coalesce(s.owed, 0))
"""

BALANCES_END_THE_HISTORY = """
  select b.contact_id::text
    from kotally.balances b
    left join lateral (
      select p.seq, p.available_after, p.held_after, p.chain, p.recorded_at
        from kotally.postings p
       where p.location_id = $1 and p.contact_id = b.contact_id
       order by p.seq desc limit 1) p on true
   where b.location_id = $1
     and (b.seq, b.available, b.held, b.head, b.posted_at)
         is distinct from (coalesce(p.seq, 0), coalesce(p.available_after, 0),
                           coalesce(p.held_after, 0),
                           coalesce(p.chain, decode(repeat('00', 32), 'hex')), p.recorded_at)
"""

HISTORY_RUNS_ON = """
  select p.contact_id::text || ' ' || p.seq
    from (
      select p.*, lag(p.seq, 1, 0::bigint) over w as seq_before,
             lag(p.available_after::bigint, 1, 0::bigint) over w as before,
             lag(p.recorded_at) over w as recorded_before
        from kotally.postings p where p.location_id = $1
      window w as (partition by p.contact_id order by p.seq)) p
   where p.seq <> p.seq_before + 1
      or p.available_after <> p.before + p.amount
      or p.recorded_at < p.recorded_before
      or p.amount <> (
        select coalesce(sum(case when e.to_bucket = 'available' then e.amount
                                 when e.from_bucket = 'available' then -e.amount else 0 end), 0)
          from kotally.entries e
         where e.location_id = $1 and e.contact_id = p.contact_id and e.seq = p.seq)
"""

CHAINS_HOLD = """
  select p.contact_id::text || ' ' || p.seq
    from (
      select p, p.contact_id, p.seq, p.chain,
             lag(p.chain, 1, decode(repeat('00', 32), 'hex'))
               over (partition by p.contact_id order by p.seq) as before
        from kotally.postings p where p.location_id = $1) p
   where p.chain <> kotally.chain(p.before, p.p, (
      select coalesce(string_agg(
               (e.lot_id, e.from_bucket, e.to_bucket, e.amount)::kotally.new_entry::text, ''
               order by e.line), '')
        from kotally.entries e
       where e.location_id = $1 and e.contact_id = p.contact_id and e.seq = p.seq))
"""

HOLDS_ARE_THEIR_ENTRIES = """
  select h.id::text
    from kotally.holds h
   cross join lateral (
     select coalesce(sum(case when e.to_bucket = 'held' then e.amount
                              when e.from_bucket = 'held' then -e.amount else 0 end), 0) as held,
            coalesce(sum(case when e.to_bucket in ('consumed', 'penalty') then e.amount else 0 end
                       - case when e.from_bucket in ('consumed', 'penalty') then e.amount
                              else 0 end), 0) as kept
       from kotally.postings p
       join kotally.entries e on e.location_id = $1 and e.contact_id = p.contact_id
                             and e.seq = p.seq
      where p.location_id = $1 and p.contact_id = h.contact_id
        and (p.seq = h.placed_seq or p.refers_to = h.placed_seq)) m
   where h.location_id = $1
     and (m.held <> h.amount - h.captured - h.released - h.penalised
       or m.kept <> h.captured + h.penalised - h.returned)
"""

MOVED_WITH_A_REQUEST = """
  select p.request_id
    from kotally.postings p
   where p.location_id = $1 and p.source = 'api'
     and not exists (
       select from kotally.requests r
        where r.location_id = $1 and r.source = p.source and r.request_id = p.request_id
          and r.code = lower(r.code) and r.correlation_id = p.correlation_id)
"""

NO_POSTING_IS_EMPTY = """
  select p.id::text from kotally.postings p
   where p.location_id = $1 and not exists (
     select from kotally.entries e
      where e.location_id = $1 and e.contact_id = p.contact_id and e.seq = p.seq)
"""

RULES = {
    "lots are the sum of their entries": LOTS_ARE_THEIR_ENTRIES,
    "balances are the sum of their lots": BALANCES_ARE_THEIR_LOTS,
    "balances are the end of their history": BALANCES_END_THE_HISTORY,
    "histories run on": HISTORY_RUNS_ON,
    "chains hold": CHAINS_HOLD,
    "holds are the sum of their entries": HOLDS_ARE_THEIR_ENTRIES,
    "what moved was asked for": MOVED_WITH_A_REQUEST,
    "no posting is empty": NO_POSTING_IS_EMPTY,
}


_ALL = " union all ".join(
    f"select '{rule}' as rule, array(select f.* from ({sql}) f) as places"
    for rule, sql in RULES.items()
)


async def faults(db: Queries, location_id: str) -> dict[str, list[str]]:
    """Return what is wrong with the books of a location, by the rule that is broken."""
    rows = await db.fetch(_ALL, location_id)  # pyright: ignore[reportArgumentType] - made of the rules above
    return {row["rule"]: row["places"] for row in rows if row["places"]}

"""
Rounds: what is due at a location is done instant by instant, in the order in which it was due.

So a sweep that comes days late decides what a timely one would have decided, with the same credits
before it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Final, LiteralString

from msgspec import Struct

from kotally.db import Database
from kotally.worker.sweeps import SWEEPS, Sweep

ROUNDS_MAX: Final = 1_000  # of a location, before the others have their turn
_DUE: Final[LiteralString] = """
    select d.sweep, d.due_at, a.due_at as later_at, n.now
      from kotally.location_now($1) n (now)
     cross join lateral kotally.next_due($1) d
      left join kotally.due_after($1, coalesce($2::timestamptz, '-infinity')) a
        on a.sweep = d.sweep and a.due_at <= n.now
     where d.due_at <= n.now
"""


class Round(Struct, frozen=True):
    """The sweeps that are due at an instant, and the database as of then; the last is as of now."""

    at: datetime
    db: Database
    sweeps: list[Sweep]
    is_last: bool


async def run(
    db: Database,
    location_id: str,
    do: Callable[[Round, Sweep], Awaitable[int]],
    *,
    sweeps: Sequence[Sweep] = SWEEPS,
    limit: int,
    patience_s: int = 0,
) -> int:
    """
    Do what is due at a location, round after round, until nothing more can be done.

    `do` runs one sweep of a round and returns how many rows it did. After `limit` rows no other
    round begins. One at a time does the rounds of a location: two would meet each other's contacts
    and pass over them; `patience_s` is how long to wait for another. What cannot be done at its
    instant, because somebody holds it, is tried again with the next, and keeps nothing else from
    being done. Returns how many rows were done.
    """
    async with db.alone(f"rounds of {location_id}", patience_s=patience_s) as is_mine:
        return await _run(db, location_id, do, sweeps=sweeps, limit=limit) if is_mine else 0


async def _run(
    db: Database,
    location_id: str,
    do: Callable[[Round, Sweep], Awaitable[int]],
    *,
    sweeps: Sequence[Sweep],
    limit: int,
) -> int:
    count = 0
    after: datetime | None = None
    for _ in range(ROUNDS_MAX):
        if count >= limit:
            break
        found = await _next(db, location_id, sweeps, after=after)
        if found is None:
            break
        done = 0
        for sweep in found.sweeps:
            done += await do(found, sweep)
        count += done
        if not done:
            if found.is_last:
                break
            after = found.at
    return count


async def _next(
    db: Database, location_id: str, sweeps: Sequence[Sweep], *, after: datetime | None
) -> Round | None:
    rows = {row["sweep"]: row for row in await db.fetch(_DUE, location_id, after)}
    called = [sweep for sweep in sweeps if sweep.due in rows]
    if not called:
        return None
    timed = [sweep for sweep in called if sweep.timed]
    instants: list[datetime] = [
        rows[sweep.due]["later_at"] for sweep in timed if rows[sweep.due]["later_at"] is not None
    ]
    if not instants:
        return Round(rows[called[0].due]["now"], db, called, is_last=True)
    first = min(instants)
    by_then = [sweep for sweep in timed if rows[sweep.due]["due_at"] <= first]
    return Round(first, db.as_of(first), by_then, is_last=False)

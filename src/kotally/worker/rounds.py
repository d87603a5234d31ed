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
    select d.sweep, d.due_at, n.now
      from kotally.location_now($1) n (now)
     cross join lateral kotally.next_due($1) d
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
) -> int:
    """
    Do what is due at a location, round after round, until nothing more can be done.

    `do` runs one sweep of a round and returns how many rows it did. After `limit` rows no other
    round begins. What cannot be done at its instant, because somebody holds it, does not keep the
    rest from being done. Returns how many rows were done.
    """
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
    rows = await db.fetch(_DUE, location_id)
    due: dict[str, datetime] = {row["sweep"]: row["due_at"] for row in rows}
    called = [sweep for sweep in sweeps if sweep.due in due]
    if not called:
        return None
    timed = [sweep for sweep in called if sweep.timed and (after is None or due[sweep.due] > after)]
    if not timed:
        return Round(rows[0]["now"], db, called, is_last=True)
    first = min(due[sweep.due] for sweep in timed)
    at_first = [sweep for sweep in timed if due[sweep.due] == first]
    return Round(first, db.as_of(first), at_first, is_last=False)

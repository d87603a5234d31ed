"""
Time travel for sandboxes.

The clock moves to each instant at which something is due, in order, and the sweeps run there, so
that what happens is what would have happened.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Final

from msgspec import Struct

from kotally.db import Database
from kotally.worker import rounds
from kotally.worker.rounds import Round
from kotally.worker.sweeps import Sweep
from kotally.workspaces import clocks
from kotally.workspaces.refusals import Refused

STOPS_MAX: Final = 100_000
ROWS_A_STOP: Final = 100_000
PATIENCE_S: Final = 30  # for a worker that is at the same location


class Happening(Struct, frozen=True):
    """One line of what happened on the way."""

    at: datetime
    sweep: str
    line: str


async def advance(
    db: Database, location_id: str, to: datetime
) -> AsyncGenerator[Happening | Refused, None]:
    """
    Move a sandbox's clock to an instant, yielding what happens on the way.

    Yields one Refused and ends when the clock may not be moved there.
    """
    stuck: datetime | None = None
    for _ in range(STOPS_MAX):
        at, now = await _next_stop(db, location_id, to, after=stuck)
        if at > now:
            moved = await clocks.set_to(db, location_id, at)
            if isinstance(moved, Refused):
                yield moved
                return
        count, happenings = await run_due(db, location_id)
        for happening in happenings:
            yield happening
        # Whatever stays due here is looked at again at the next stop.
        stuck = None if count else max(at, now)
        if not count and at >= to:
            return


async def run_due(db: Database, location_id: str) -> tuple[int, list[Happening]]:
    """Do what is due now, without moving the clock; return how many rows, and what happened."""
    happenings: list[Happening] = []

    async def do(found: Round, sweep: Sweep) -> int:
        swept = await sweep.run(found.db, location_id, limit=ROWS_A_STOP)
        lines = swept.events or [f"{swept.count} rows"] * bool(swept.count)
        happenings.extend(Happening(found.at, sweep.name, line) for line in lines)
        return swept.count

    count = await rounds.run(db, location_id, do, limit=ROWS_A_STOP, patience_s=PATIENCE_S)
    return count, happenings


async def _next_stop(
    db: Database, location_id: str, to: datetime, *, after: datetime | None
) -> tuple[datetime, datetime]:
    """Return the next instant at which something is due, at most `to`, and the time it is now."""
    row = await db.fetchrow(
        """
        select kotally.location_now($1) as now,
               (select min(d.due_at) from kotally.next_due($1) d
                 where $2::timestamptz is null or d.due_at > $2) as due_at
        """,
        location_id,
        after,
    )
    assert row is not None, "a select without from has one row"
    due_at: datetime | None = row["due_at"]
    return (to if due_at is None or due_at > to else due_at), row["now"]

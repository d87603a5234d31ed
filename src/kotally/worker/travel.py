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
from kotally.ledger.swept import Swept
from kotally.worker.sweeps import SWEEPS
from kotally.workspaces import clocks
from kotally.workspaces.refusals import Refused

STOPS_MAX: Final = 100_000
ROWS_A_STOP: Final = 100_000


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
        count = 0
        async for happening, done in _sweep_all(db, location_id):
            count += done
            if happening is not None:
                yield happening
        # Whatever stays due here is looked at again at the next stop.
        stuck = None if count else max(at, now)
        if not count and at >= to:
            return


async def run_due(db: Database, location_id: str) -> list[Happening]:
    """Run what is due now, without moving the clock."""
    return [
        happening async for happening, _ in _sweep_all(db, location_id) if happening is not None
    ]


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


async def _sweep_all(
    db: Database, location_id: str
) -> AsyncGenerator[tuple[Happening | None, int], None]:
    due = await db.fetch(
        "select d.sweep from kotally.next_due($1) d where d.due_at <= kotally.location_now($1)",
        location_id,
    )
    called = {row["sweep"] for row in due}
    for sweep in SWEEPS:
        if sweep.due not in called:
            continue
        swept: Swept = await sweep.run(db, location_id, limit=ROWS_A_STOP)
        if not swept.count:
            continue
        at: datetime = await db.fetchval("select kotally.location_now($1)", location_id)
        yield None, swept.count
        for line in swept.events or [f"{swept.count} rows"]:
            yield Happening(at, sweep.name, line), 0

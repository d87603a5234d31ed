"""What the sweeps have done and how far they are behind, for whoever watches."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from kotally.db import Queries


class SweepStatus(Struct, frozen=True):
    """
    One sweep over all locations.

    `lag_seconds` is how long its most overdue row has been waiting, by that location's clock; 0
    when nothing is due.
    """

    name: str
    ran_at: datetime | None
    rows_done: int
    errors: int
    last_error: str | None
    locations_due: int
    lag_seconds: int


async def record(db: Queries, name: str, *, rows: int = 0, error: str | None = None) -> None:
    """Add a pass to the log."""
    await db.execute(
        """
        insert into kotally.sweeps as s (name, ran_at, rows_done, errors, last_error, last_error_at)
        values ($1, clock_timestamp(), $2, ($3::text is not null)::int, $3,
                case when $3::text is not null then clock_timestamp() end)
        on conflict (name) do update
           set ran_at = excluded.ran_at, rows_done = s.rows_done + excluded.rows_done,
               errors = s.errors + excluded.errors,
               last_error = coalesce(excluded.last_error, s.last_error),
               last_error_at = coalesce(excluded.last_error_at, s.last_error_at)
        """,
        name,
        rows,
        error,
    )


async def statuses(db: Queries) -> list[SweepStatus]:
    """Return every sweep that has run or has work, by name."""
    return await db.rows(
        SweepStatus,
        """
        with due as (
          -- all locations: how far the sweeps are behind anywhere
          select d.sweep, count(*)::int as locations_due,
                 max(extract(epoch from kotally.location_now(d.location_id) - d.due_at))::bigint
                   as lag_seconds
            from kotally.work_due(100000) d group by d.sweep)
        select coalesce(s.name, due.sweep) as name, s.ran_at, coalesce(s.rows_done, 0) as rows_done,
               coalesce(s.errors, 0) as errors, s.last_error,
               coalesce(due.locations_due, 0) as locations_due,
               greatest(coalesce(due.lag_seconds, 0), 0) as lag_seconds
          from kotally.sweeps s full join due on due.sweep = s.name
         order by 1
        """,
    )

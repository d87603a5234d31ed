"""
Processes of the crash tests: `python actors.py ACT DATA [SECONDS]`, printing what they have done.

`write` inserts rows one by one and prints each number once it is acknowledged; `read` prints the
highest number and how many are missing below it; `stay` holds on to the server for a while.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from kotally.config import Settings
from kotally.db import Database, DatabaseUnavailable
from kotally.db.opening import reached

ENOUGH = 1_000_000


def say(word: object) -> None:
    """Print a line now."""
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


async def write(db: Database) -> None:
    """Insert rows for ever; a lost connection is only a pause."""
    await db.execute("create table if not exists public.t (id bigint primary key)")
    number = await db.fetchval("select coalesce(max(id), 0) from public.t")
    while number < ENOUGH:
        try:
            await db.execute("insert into public.t values ($1) on conflict do nothing", number + 1)
        except DatabaseUnavailable as fault:
            say(f"away {fault}")
            await asyncio.sleep(0.05)
        else:
            number += 1
            say(number)


async def read(db: Database) -> None:
    """Tell what is there."""
    row = await db.fetchrow("select max(id) as top, max(id) - count(*) as missing from public.t")
    assert row is not None
    say(f"{row['top']} {row['missing']}")


async def stay(db: Database, seconds: float) -> None:
    """Hold on to the server and prove at the end that it was not restarted."""
    before = await db.fetchval("select pg_postmaster_start_time()::text")
    say("here")
    await asyncio.sleep(seconds)
    say(
        "same"
        if before == await db.fetchval("select pg_postmaster_start_time()::text")
        else "other"
    )


async def main(act: str, directory: Path, seconds: float) -> None:
    """Open the database as the owner and act."""
    async with reached(Settings(data=directory)) as target:
        db = Database(target, role=None)
        await {"write": write, "read": read, "stay": lambda d: stay(d, seconds)}[act](db)
        await db.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), float([*sys.argv, "0"][3])))

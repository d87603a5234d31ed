"""How fast the sweeps write down what is due, and how much they leave for who books meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from pathlib import Path
from statistics import median
from typing import Final, Protocol

import psutil

from bench import due, fill
from bench.fill import Studio
from bench.processes import anonymous, postgres_of, serving
from bench.rows import MEMBERS, MIB, RUNS, Row
from bench.wrk import Load, Result, drive
from kotally.config import Settings
from kotally.db import Database, opened
from kotally.ledger.expiry import expire_due
from kotally.ledger.swept import Swept
from kotally.memberships.renewals import renew_due

LOTS: Final = 1_000_000
MEMBERSHIPS: Final = 100_000
PIECES: Final = 10  # of a sweep, after each of which its memory is looked at
LOTS_MEANWHILE: Final = 300_000  # more than a sweep can do while the load lasts
MEMBERSHIPS_MEANWHILE: Final = 40_000
SWEEPING: Final = "loc_sweeping"
RENEWING: Final = "loc_renewing"
BUSY: Final = "loc_busy"
DUE: Final = {SWEEPING: LOTS_MEANWHILE, RENEWING: MEMBERSHIPS_MEANWHILE}
FINISH_S: Final = 300


class _Pass(Protocol):
    def __call__(self, db: Database, location_id: str, *, limit: int) -> Awaitable[Swept]: ...


async def measure(data: Path) -> list[Row]:
    """Expire lots and renew memberships of a sandbox, with nothing else running."""
    settings = Settings(data=data)
    async with opened(settings) as db, opened(settings, role=None) as owner:
        workspace_id = await fill.workspace(db)
        await due.sandbox(db, "loc_expire", workspace_id=workspace_id)
        await due.lots(owner, "loc_expire", LOTS)
        await due.make_due(db, "loc_expire")
        expired = await _swept(data, db, "loc_expire", sweep=expire_due, count=LOTS, least=8_000)
        await due.sandbox(db, "loc_renew", workspace_id=workspace_id)
        await due.memberships(db, owner, "loc_renew", count=MEMBERSHIPS)
        await due.make_due(db, "loc_renew")
        renewed = await _swept(
            data, db, "loc_renew", sweep=renew_due, count=MEMBERSHIPS, least=2_000
        )
    return [*expired, *renewed]


def beside(data: Path, *, seconds: int) -> list[Row]:
    """Measure deductions alone, and while a worker of the same server has a long sweep to do."""
    studio = asyncio.run(_prepare(data))
    rows = list[Row]()
    with serving(data) as server:
        for location_id, what in ((SWEEPING, "lots expire"), (RENEWING, "memberships renew")):
            alone = _deducts(server.address, studio, seconds)
            asyncio.run(_set_on(data, location_id))
            started, before = time.monotonic_ns(), asyncio.run(_done(data, location_id))
            meanwhile = _deducts(server.address, studio, seconds)
            done = asyncio.run(_done(data, location_id)) - before
            rate = done * 1_000_000_000 / (time.monotonic_ns() - started)
            assert done < DUE[location_id], "the sweep ended before the load did"
            rows.append(
                Row(
                    what=f"deducts/s while {what} (beside them, {rate:.0f} a second)",
                    figure=f"{meanwhile:.0f}",
                    base=f"{alone:.0f} alone",
                    ratio=f"{meanwhile / alone:.2f}",
                    limit="≥ 0.7",
                    met=meanwhile / alone >= 0.7,
                )
            )
            asyncio.run(_let_finish(data, location_id))
    return rows


async def _swept(
    data: Path, db: Database, location_id: str, *, sweep: _Pass, count: int, least: int
) -> list[Row]:
    """Let a sweep do all that is due, and compare its memory after the first and the last piece."""
    done, memory, started = 0, list[int](), time.monotonic_ns()
    for _ in range(PIECES):
        done += (await sweep(db, location_id, limit=count // PIECES)).count
        memory.append(_memory(data))
    rate = done * 1_000_000_000 / (time.monotonic_ns() - started)
    assert done == count, f"{done} of {count} done"
    what = "expire {} due lots" if sweep is expire_due else "renew {} memberships with roll-over"
    return [
        Row(
            what=f"{what.format(count)}, a second",
            figure=f"{rate:.0f}",
            base="",
            ratio="",
            limit=f"≥ {least}",
            met=rate >= least,
        ),
        Row(
            what="  memory of worker and database after the last tenth",
            figure=f"{memory[-1]} MiB",
            base=f"{memory[0]} after the first",
            ratio=f"{memory[-1] / memory[0]:.2f}",
            limit="≤ 1.1",
            met=memory[-1] <= 1.1 * memory[0],
        ),
    ]


def _memory(data: Path) -> int:
    """Add up what this process and the database's have for themselves, in MiB."""
    return sum(anonymous(process) for process in [psutil.Process(), *postgres_of(data)]) // MIB


async def _prepare(data: Path) -> Studio:
    settings = Settings(data=data)
    async with opened(settings) as db, opened(settings, role=None) as owner:
        workspace_id = await fill.workspace(db)
        studio = await fill.studio(db, BUSY, workspace_id=workspace_id)
        await fill.members(owner, BUSY, MEMBERS)
        for location_id in (SWEEPING, RENEWING):
            await due.sandbox(db, location_id, workspace_id=workspace_id)
        await due.memberships(db, owner, RENEWING, count=MEMBERSHIPS_MEANWHILE)
        await due.lots(owner, SWEEPING, LOTS_MEANWHILE)
    return studio


async def _set_on(data: Path, location_id: str) -> None:
    async with opened(Settings(data=data)) as db:
        await due.make_due(db, location_id)


async def _done(data: Path, location_id: str) -> int:
    """Count the lots that have expired and the periods that were renewed."""
    async with opened(Settings(data=data)) as db:
        return await db.fetchval(
            """
            select (select count(*) from kotally.lots l
                     where l.location_id = $1 and not l.is_open)
                   + (select count(*) from kotally.periods p
                       where p.location_id = $1 and p.number > 1)
            """,
            location_id,
        )


async def _let_finish(data: Path, location_id: str) -> None:
    """Wait until the worker has done all, so that the next load is alone at first."""
    async with opened(Settings(data=data)) as db:
        for _ in range(FINISH_S):
            if not await db.fetchval(
                "select exists (select from kotally.next_due($1) d where d.due_at <= $2)",
                location_id,
                due.LATER,
            ):
                return
            await asyncio.sleep(1)
    raise AssertionError(f"the sweep of {location_id} did not end in {FINISH_S} s")


def _deducts(address: str, studio: Studio, seconds: int) -> float:
    """Return the median rate of some loads; the first seconds of a sweep are all in them."""
    load = Load(kind="deduct", location=studio.location_id, name="m", contacts=MEMBERS)
    runs = list[Result]()
    for _ in range(RUNS):
        result = drive(address, studio.token, load, seconds=seconds)
        assert result.failed == 0, f"{result.failed} requests failed"
        runs.append(result)
    return median(run.per_second() for run in runs)

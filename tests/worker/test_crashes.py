"""Workers that die, that meet, and that come too late."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from kotally.db import Database
from kotally.db.connections import Target
from kotally.db.database import Transaction
from kotally.worker.loop import Worker
from kotally.worker.sweeps import SWEEPS
from tests.cli.conftest import start, url
from tests.worker.busy import DUE, Busy

OF_EACH = 24
KILLS = 4
WAIT_S = 30
STATEMENTS_MAX = 400
PASSES_MAX = 20


@pytest.mark.crash
async def test_a_worker_killed_at_work_leaves_nothing_half_done(
    db: Database, owner_db: Database, target: Target
) -> None:
    """Four workers die by SIGKILL one after the other; the end is as if none had."""
    killed = await Busy.opened(db, owner_db, of_each=OF_EACH)
    calm = await Busy.opened(db, owner_db, of_each=OF_EACH)
    await killed.set_clock(DUE)
    cut_short = 0
    for number in range(KILLS):
        before = await killed.postings()
        process = await start("work", KOTALLY_DATABASE_URL=url(target))
        await _grown(killed, before)
        await asyncio.sleep(0.05 * number)
        process.kill()
        await process.wait()
        await killed.assert_books()
        cut_short += bool(await db.fetch("select from kotally.work_due(1)"))

    await _work_off(db)
    await calm.set_clock(DUE)
    await _work_off(db)

    assert cut_short, "no worker died in the middle"
    assert await killed.print() == await calm.print()
    await killed.assert_books()


async def test_many_workers_at_once_do_each_row_once(db: Database, owner_db: Database) -> None:
    """Six workers look at the same moment, again and again; one alone comes to the same."""
    crowded = await Busy.opened(db, owner_db, of_each=8)
    alone = await Busy.opened(db, owner_db, of_each=8)
    await crowded.set_clock(DUE)
    for _ in range(3):
        await asyncio.gather(*(Worker(db).look() for _ in range(6)))
    await _work_off(db)
    await alone.set_clock(DUE)
    await _work_off(db)

    assert await crowded.print() == await alone.print()
    await crowded.assert_books()


async def test_a_sweep_killed_at_any_statement_leaves_nothing_half_done(
    db: Database, owner_db: Database
) -> None:
    """Each sweep dies before its first statement, its second, and so on, until it gets through."""
    killed = await Busy.opened(db, owner_db, of_each=1)
    calm = await Busy.opened(db, owner_db, of_each=1)
    await killed.set_clock(DUE)
    mortal = Mortal(db.target)
    for _ in range(PASSES_MAX):
        if not await db.fetch("select from kotally.work_due(1)"):
            break
        for sweep in SWEEPS:
            await _dies_everywhere(mortal, killed, sweep.run)
    await mortal.close()
    await calm.set_clock(DUE)
    await _work_off(db)

    assert await killed.print() == await calm.print()
    await killed.assert_books()


async def test_a_worker_that_was_away_for_three_days_changes_no_balance_that_is_seen(
    db: Database, owner_db: Database
) -> None:
    """S6.5: what a member reads is decided by the rules, not by whether a sweep has passed."""
    busy = await Busy.opened(db, owner_db, of_each=1)
    await busy.set_clock(DUE)
    before = await _spendable(busy)

    await _work_off(db)

    assert await _spendable(busy) == before


async def _spendable(busy: Busy) -> dict[str, Any]:
    """
    Say what every member may spend, has paused and owes.

    A period that begins by itself is granted before it is read (tests/api/test_overdue.py).
    """
    return {
        member: {name: seen[name] for name in ("available", "paused", "owed")}
        for member, seen in (await busy.seen()).items()
        if not member.startswith("renewing")
    }


class Killed(Exception):
    """The end of a process, at a statement."""


class Mortal(Database):
    """A database whose user dies before the statement that is its last."""

    left = 0

    def lives_for(self, statements: int) -> None:
        self.left = statements

    def tick(self) -> None:
        if self.left == 0:
            raise Killed
        self.left -= 1

    async def fetch(self, sql: Any, *args: Any) -> Any:
        self.tick()
        return await super().fetch(sql, *args)

    async def fetchrow(self, sql: Any, *args: Any) -> Any:
        self.tick()
        return await super().fetchrow(sql, *args)

    async def fetchval(self, sql: Any, *args: Any) -> Any:
        self.tick()
        return await super().fetchval(sql, *args)

    async def execute(self, sql: Any, *args: Any) -> Any:
        self.tick()
        return await super().execute(sql, *args)

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Transaction, None]:
        async with super().transaction() as tx:
            yield _MortalTransaction(tx, self)
            self.tick()  # at the very last, before the commit


class _MortalTransaction(Transaction):
    def __init__(self, tx: Transaction, owner: Mortal) -> None:
        super().__init__(tx._connection)
        self._owner = owner

    async def fetch(self, sql: Any, *args: Any) -> Any:
        self._owner.tick()
        return await super().fetch(sql, *args)

    async def fetchrow(self, sql: Any, *args: Any) -> Any:
        self._owner.tick()
        return await super().fetchrow(sql, *args)

    async def fetchval(self, sql: Any, *args: Any) -> Any:
        self._owner.tick()
        return await super().fetchval(sql, *args)

    async def execute(self, sql: Any, *args: Any) -> Any:
        self._owner.tick()
        return await super().execute(sql, *args)


async def _dies_everywhere(mortal: Mortal, busy: Busy, run: Any) -> None:
    """Let a sweep die at each of its statements in turn, until one run gets to its end."""
    for statements in range(STATEMENTS_MAX):
        mortal.lives_for(statements)
        try:
            await run(mortal, busy.location, limit=100)
        except Killed:
            continue
        await busy.assert_books()
        return
    raise AssertionError(f"{run} has more than {STATEMENTS_MAX} statements")


async def _grown(busy: Busy, before: int) -> None:
    """Wait until a worker has written something, or has nothing left to write."""
    async with asyncio.timeout(WAIT_S):
        while await busy.postings() == before:
            if not await busy.db.fetch("select from kotally.work_due(1)"):
                return
            await asyncio.sleep(0.01)


async def _work_off(db: Database) -> None:
    """Do all that is due."""
    worker = Worker(db)
    for _ in range(PASSES_MAX):
        if not await worker.look():
            return
    raise AssertionError("there is always something due")

"""
The loop of a worker: look for what is due, do it, look again.

Any number of workers may run and any may die: each row is claimed by its own lock and done once by
its own key. A location that fails is left alone for a while and holds up nobody else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Final

import structlog
from msgspec import Struct

from kotally.core.clock import monotonic_ns
from kotally.db import Database, DatabaseUnavailable
from kotally.ledger import sweep_log
from kotally.worker import rounds
from kotally.worker.rounds import Round
from kotally.worker.sweeps import SWEEPS, Sweep

EVERY_SECONDS: Final = 2
ROWS_A_PASS: Final = 1_000  # a pass of a third of a second, then callers may have their turn
LOCATIONS_A_PASS: Final = 500
REST_SECONDS_MAX: Final = 300  # a location whose sweep keeps failing is tried every five minutes
STOP_SECONDS_MAX: Final = 30
_NS: Final = 1_000_000_000
GIVE_WAY_PERCENT: Final = 200  # of the time a pass took, it rests after it while callers wait
GIVE_WAY_NS_MAX: Final = 2 * _NS

_log = structlog.get_logger("kotally.worker")


class _Rest(Struct):
    """How often a sweep has failed at a location, and until when it is left alone."""

    failures: int = 0
    until_ns: int = 0


class Worker:
    """Runs the sweeps of all locations until it is stopped."""

    def __init__(
        self,
        db: Database,
        *,
        every_seconds: int = EVERY_SECONDS,
        sweeps: Sequence[Sweep] = SWEEPS,
        is_busy: Callable[[], bool] = lambda: False,
    ) -> None:
        """With `is_busy`, sweeps leave most of the time to callers while they are waiting."""
        self._db: Database = db
        self._sweeps: Sequence[Sweep] = sweeps
        self._every_seconds: int = every_seconds
        self._is_busy: Callable[[], bool] = is_busy
        self._stopping: asyncio.Event = asyncio.Event()
        self._rests: dict[tuple[str, str], _Rest] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to run in the background."""
        self._task = asyncio.create_task(self.run())

    async def stop(self) -> None:
        """Finish the sweep at hand, then end; after half a minute end anyway."""
        self._stopping.set()
        if self._task is not None:
            done, _ = await asyncio.wait({self._task}, timeout=STOP_SECONDS_MAX)
            if not done:
                self._task.cancel()
                with suppress(asyncio.CancelledError):
                    await self._task

    async def run(self) -> None:
        """Look for work, do it, and rest only when nothing was found."""
        while not self._stopping.is_set():
            try:
                done = await self.look()
            except DatabaseUnavailable as fault:
                _log.warning("database away", fault=str(fault))
                done = 0
            except Exception:  # noqa: BLE001 - a worker outlives every fault of one pass
                _log.exception("looking for work failed")
                done = 0
            if not done:
                await self._rest(self._every_seconds * _NS)

    async def look(self) -> int:
        """Make one pass over everything that is due; return how many rows were done."""
        due = await self._db.fetch(
            """
            select w.location_id from kotally.work_due($1) w
             group by w.location_id order by min(w.due_at)
            """,
            LOCATIONS_A_PASS,
        )
        done = 0
        for row in due:
            if self._stopping.is_set():
                break
            location_id: str = row["location_id"]
            do = partial(self._sweep, location_id)
            done += await rounds.run(
                self._db, location_id, do, sweeps=self._sweeps, limit=ROWS_A_PASS
            )
        return done

    async def _sweep(self, location_id: str, found: Round, sweep: Sweep) -> int:
        if self._stopping.is_set():
            return 0
        rest = self._rests.get((sweep.name, location_id))
        if rest is not None and rest.until_ns > monotonic_ns():
            return 0
        started = monotonic_ns()
        try:
            swept = await sweep.run(found.db, location_id, limit=ROWS_A_PASS)
        except DatabaseUnavailable:
            raise
        except Exception as fault:  # noqa: BLE001 - one location must not stop the others
            await self._failed(sweep, location_id, fault)
            return 0
        self._rests.pop((sweep.name, location_id), None)
        if swept.count:
            _log.info("swept", sweep=sweep.name, location_id=location_id, rows=swept.count)
            await sweep_log.record(self._db, sweep.name, rows=swept.count)
            if self._is_busy():
                took_ns = monotonic_ns() - started
                await self._rest(min(took_ns * GIVE_WAY_PERCENT // 100, GIVE_WAY_NS_MAX))
        return swept.count

    async def _rest(self, ns: int) -> None:
        """Wait so long, or until the worker shall stop."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), ns / _NS)

    async def _failed(self, sweep: Sweep, location_id: str, fault: Exception) -> None:
        rest = self._rests.setdefault((sweep.name, location_id), _Rest())
        rest.failures += 1
        seconds = min(2**rest.failures, REST_SECONDS_MAX)
        rest.until_ns = monotonic_ns() + seconds * _NS
        _log.exception(
            "sweep failed", sweep=sweep.name, location_id=location_id, rest_seconds=seconds
        )
        await sweep_log.record(
            self._db, sweep.name, error=f"{location_id}: {type(fault).__name__}: {fault}"[:500]
        )

"""Keep several web processes alive, all accepting on one socket."""

from __future__ import annotations

import asyncio
import multiprocessing
import socket
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog
import uvloop

from kotally.app import build
from kotally.config import Settings
from kotally.core import logging
from kotally.core.clock import monotonic_ns
from kotally.db import opened
from kotally.server.process import GRACE_SECONDS, STOP_SIGNALS, run_until_stopped

BACK_OFF_SECONDS = (0, 1, 2, 5, 10, 30)
LIVED_NS = 60_000_000_000  # who lived this long did not die of starting
KILL_AFTER_SECONDS = GRACE_SECONDS + 10

_log = structlog.get_logger("kotally.supervisor")
_spawn = multiprocessing.get_context("spawn")


def supervise(settings: Settings, listener: socket.socket, *, started: Callable[[], None]) -> None:
    """Run `settings.processes` children until a signal; restart those that die."""
    logging.configure(level=settings.log_level, style=settings.log_format)
    uvloop.run(_supervise(settings, listener, started))


async def _supervise(
    settings: Settings, listener: socket.socket, started: Callable[[], None]
) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, stopping.set)
    # Opened by the parent: migrated once, and an embedded server outlives every child.
    with TemporaryDirectory(prefix="kotally-counts-") as counts:
        async with opened(settings, migrate=True):
            slots = [
                _Slot(settings, listener, stopping=stopping, counts_file=Path(counts) / f"{n}.json")
                for n in range(settings.processes)
            ]
            await _keep_all(slots, stopping, started)


async def _keep_all(
    slots: list[_Slot], stopping: asyncio.Event, started: Callable[[], None]
) -> None:
    loop = asyncio.get_running_loop()
    keepers = [loop.create_task(slot.keep()) for slot in slots]
    announcer = loop.create_task(_announce(slots, started))
    await stopping.wait()
    announcer.cancel()
    for slot in slots:
        slot.terminate()
    _, late = await asyncio.wait(keepers, timeout=KILL_AFTER_SECONDS)
    for slot in slots if late else ():
        slot.kill()
    await asyncio.gather(*keepers)


async def _announce(slots: list[_Slot], started: Callable[[], None]) -> None:
    first = [asyncio.ensure_future(slot.started.wait()) for slot in slots]
    await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
    for waiting in first:
        waiting.cancel()
    started()


class _Slot:
    """Keep one child alive, with a pause that grows while it keeps dying."""

    def __init__(
        self,
        settings: Settings,
        listener: socket.socket,
        *,
        stopping: asyncio.Event,
        counts_file: Path,
    ) -> None:
        self._settings = settings
        self._listener = listener
        self._stopping = stopping
        self._counts_file = counts_file
        self._process: BaseProcess | None = None
        self.started = asyncio.Event()

    async def keep(self) -> None:
        """Start the child, wait for its end, start it again; return once all is to stop."""
        deaths = 0
        while not self._stopping.is_set():
            born = monotonic_ns()
            code = await self._live()
            if self._stopping.is_set():
                return
            deaths = 1 if monotonic_ns() - born > LIVED_NS else deaths + 1
            pause = BACK_OFF_SECONDS[min(deaths, len(BACK_OFF_SECONDS)) - 1]
            _log.error("web process died", exit_code=code, restart_in_seconds=pause)
            await self._pause(pause)

    def terminate(self) -> None:
        """Ask the child to finish."""
        if self._process is not None and self._process.is_alive():
            self._process.terminate()

    def kill(self) -> None:
        """Stop the child at once."""
        if self._process is not None and self._process.is_alive():
            self._process.kill()

    async def _live(self) -> int | None:
        ours, theirs = _spawn.Pipe(duplex=False)
        process = _spawn.Process(
            target=_child,
            args=(self._settings, self._listener, theirs),
            kwargs={"counts_file": self._counts_file},
            name="kotally web",
        )
        process.start()
        self._process = process
        theirs.close()
        with ours:
            # The pipe has news when the child accepts requests, and when it ends before that.
            await _readable(ours.fileno())
            with suppress(EOFError):
                ours.recv_bytes()
                self.started.set()
            await _readable(process.sentinel)
        process.join()
        return process.exitcode

    async def _pause(self, seconds: int) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return


def _child(
    settings: Settings, listener: socket.socket, parent: Connection, *, counts_file: Path
) -> None:
    """Serve in a process of its own; stop when the parent is gone, even if it was killed."""
    logging.configure(level=settings.log_level, style=settings.log_format)
    birth = multiprocessing.parent_process()

    def started() -> None:
        parent.send_bytes(b"started")
        parent.close()

    uvloop.run(
        run_until_stopped(
            build(settings, migrate=False, counts_file=counts_file),
            listener,
            started=started,
            stop_when_readable=birth.sentinel if birth is not None else None,
        )
    )


async def _readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    news = loop.create_future()
    loop.add_reader(descriptor, lambda: news.done() or news.set_result(None))
    try:
        await news
    finally:
        loop.remove_reader(descriptor)

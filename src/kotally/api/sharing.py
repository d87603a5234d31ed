"""
Share counts between the web processes, so that any of them can answer for all.

Each process writes its counts to a file of its own once a second; whoever is asked adds the files
of the others to what it holds itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from kotally.api.metrics import Snapshot, families, total

PUBLISH_SECONDS = 1

_decode = msgspec.json.Decoder(Snapshot).decode


class Board(Collector):
    """Collect the counts of this process, and of its siblings when there are any."""

    def __init__(self, mine: Callable[[], Snapshot], *, file: Path | None) -> None:
        """Publish to `file`; its directory holds the files of the siblings and nothing else."""
        self._mine = mine
        self._file = file

    def collect(self) -> Iterator[Metric]:
        """Give the sum over all processes."""
        yield from families(total([self._mine(), *self._others()]))

    @asynccontextmanager
    async def publishing(self) -> AsyncGenerator[None, None]:
        """Publish while the block lasts; a single process has nobody to publish for."""
        if self._file is None:
            yield
            return
        task = asyncio.get_running_loop().create_task(self._publish(self._file))
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _publish(self, file: Path) -> None:
        while True:
            fresh = file.with_suffix(".new")
            fresh.write_bytes(msgspec.json.encode(self._mine()))
            fresh.replace(file)
            await asyncio.sleep(PUBLISH_SECONDS)

    def _others(self) -> Iterator[Snapshot]:
        if self._file is None:
            return
        for file in sorted(self._file.parent.glob("*.json")):
            if file != self._file:
                with suppress(OSError, msgspec.MsgspecError):
                    yield _decode(file.read_bytes())

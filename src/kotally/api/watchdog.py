"""Stop requests that take too long, with one timer for all of them."""

from __future__ import annotations

import asyncio

from kotally.api.exchange import Exchange
from kotally.core.clock import monotonic_ns

TICK_SECONDS = 1
BODY_NS = 10_000_000_000
HANDLER_NS = 30_000_000_000


class Watchdog:
    """
    Know every request under way and cancel the overdue.

    A timer per request would cost more than the look over all of them once a second.
    """

    def __init__(self) -> None:
        self.running: dict[asyncio.Task[None], Exchange] = {}
        self._timer: asyncio.TimerHandle | None = None

    def enter(self, exchange: Exchange) -> None:
        """Begin to watch the request of the current task."""
        task = asyncio.current_task()
        assert task is not None, "the door is called inside a task"
        exchange.task = task
        self.running[task] = exchange
        if self._timer is None:
            self._schedule()

    def leave(self, exchange: Exchange) -> None:
        """Stop watching."""
        if exchange.task is not None:
            self.running.pop(exchange.task, None)

    def _schedule(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(TICK_SECONDS, self._tick)

    def _tick(self) -> None:
        self._timer = None
        now = monotonic_ns()
        for task, exchange in self.running.items():
            if exchange.deadline < now and not exchange.overdue:
                exchange.overdue = True
                task.cancel()
        if self.running:
            self._schedule()

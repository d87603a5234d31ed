"""Be the ASGI application of one process: the door for /api/v2, the pages for the rest."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from msgspec import Struct
from starlette.applications import Starlette

from kotally.api.door import Authenticate, Door
from kotally.api.engine import Engine
from kotally.api.exchange import Message, Receive, Scope, Send
from kotally.api.metrics import RequestMetrics, Snapshot, snapshot
from kotally.api.pages import Ready, Sweeps, build_pages
from kotally.api.routing import PREFIX, Route
from kotally.api.sharing import Board
from kotally.db import DatabaseUnavailable
from kotally.ledger.sweep_log import SweepStatus
from kotally.ledger.writer import WriterStats

_API = PREFIX.encode()
_API_BELOW = _API + b"/"
_SECURITY = (
    (
        b"content-security-policy",
        (
            b"default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; "
            b"base-uri 'none'; frame-ancestors 'none'; form-action 'none'"
        ),
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)


async def no_sweeps() -> list[SweepStatus]:
    """Be the sweeps of a site without any."""
    return []


class Parts(Struct, frozen=True, kw_only=True):
    """
    Hold what runs behind the site.

    `ready` raises when the process cannot work; `unavailable` are the exceptions that mean 503;
    `sweeps` says how far the sweeps are.
    """

    engine: Engine
    authenticate: Authenticate
    ready: Ready
    unavailable: tuple[type[Exception], ...] = (DatabaseUnavailable,)
    sweeps: Sweeps = no_sweeps


Run = Callable[[], AbstractAsyncContextManager[Parts]]


class Site:
    """Serve a table of routes and the pages about it."""

    def __init__(
        self, routes: Sequence[Route], run: Run, *, counts_file: Path | None = None
    ) -> None:
        """Take what opens and closes the parts, and where to share counts with siblings."""
        self._routes = routes
        self._run = run
        self.metrics = RequestMetrics()
        self._board = Board(self._counted, file=counts_file)
        self._door: Door | None = None
        self._parts: Parts | None = None
        self._pages: Starlette = build_pages(
            routes, self._board, ready=self._ready, sweeps=self._sweeps
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send API requests to the door, and all else to the pages."""
        path: bytes = scope["raw_path"]
        below = path.startswith(_API_BELOW) or path == _API
        if below and self._door is not None:
            await self._door(scope, receive, send)
        else:
            await self._pages(scope, receive, _secured(send))

    async def _ready(self) -> None:
        if self._parts is None:
            raise DatabaseUnavailable("the process is starting or stopping")
        await self._parts.ready()

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None, None]:
        """Open the parts, and close them at the end; requests come only in between."""
        async with self._run() as parts, self._board.publishing():
            self._parts = parts
            self._door = Door(
                self._routes,
                parts.engine,
                authenticate=parts.authenticate,
                unavailable=parts.unavailable,
                metrics=self.metrics,
            )
            yield
            self._parts = None

    async def _sweeps(self) -> list[SweepStatus]:
        return [] if self._parts is None else await self._parts.sweeps()

    def _counted(self) -> Snapshot:
        stats = self._parts.engine.writer.stats if self._parts is not None else WriterStats()
        return snapshot(self.metrics, stats)


def _secured(send: Send) -> Send:
    """Add the headers that every page carries."""

    async def send_secured(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *_SECURITY]
        await send(message)

    return send_secured

"""A bounded set of connections. A release sends nothing to the server: that halves the calls."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

import asyncpg

from kotally.db.faults import DatabaseUnavailable

ACQUIRE_TIMEOUT_S: Final = 5
RETRY_AFTER_MS: Final = 200  # after a failed connect, others are refused at once for this long

_Connect = Callable[[], Awaitable[asyncpg.Connection]]


class Pool:
    """Connections for one event loop, opened when first needed and again when they were lost."""

    def __init__(self, connect: _Connect, *, size: int) -> None:
        self._connect: _Connect = connect
        self._size: int = size
        self._slots: int = 0  # connections that are open or being opened
        self._idle: list[asyncpg.Connection] = []
        self._busy: set[asyncpg.Connection] = set()
        # A waiter is given a connection, or None: the right to open one of its own.
        self._waiters: deque[asyncio.Future[asyncpg.Connection | None]] = deque()
        self._closed: bool = False
        self._refusal: DatabaseUnavailable | None = None
        self._refused_at: float = 0

    async def acquire(self) -> asyncpg.Connection:
        """Return a connection that is ours until released, or raise DatabaseUnavailable."""
        connection = self._take_idle()
        if connection is None:
            if self._closed:
                raise DatabaseUnavailable("the database pool is closed")
            if self._slots < self._size:
                self._slots += 1
            else:
                connection = await self._wait()
        if connection is None:
            connection = await self._open()
        self._busy.add(connection)
        return connection

    def release(self, connection: asyncpg.Connection, *, broken: bool = False) -> None:
        """Give a connection back; `broken` ends it, because nobody knows what state it is in."""
        self._busy.discard(connection)
        if broken or self._closed or connection.is_in_transaction():
            connection.terminate()
        if connection.is_closed():
            self._pass_on(None)
        else:
            self._pass_on(connection)

    async def close(self) -> None:
        """Close every connection; those in use are ended under their users."""
        self._closed = True
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_exception(DatabaseUnavailable("the database pool is closed"))
        for connection in self._busy:
            connection.terminate()
        while self._idle:
            connection = self._idle.pop()
            self._slots -= 1
            try:
                await connection.close(timeout=1)
            except (asyncpg.InterfaceError, asyncpg.PostgresError, OSError, TimeoutError):
                connection.terminate()  # it was lost already: there is nobody to say goodbye to

    def _take_idle(self) -> asyncpg.Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
            self._slots -= 1
        return None

    async def _wait(self) -> asyncpg.Connection | None:
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            async with asyncio.timeout(ACQUIRE_TIMEOUT_S):
                return await waiter
        except BaseException as fault:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self._pass_on(waiter.result())
            if isinstance(fault, TimeoutError):
                raise DatabaseUnavailable("every database connection is in use") from fault
            raise

    async def _open(self) -> asyncpg.Connection:
        """Open a connection in a slot already counted; give the slot up when that fails."""
        now = asyncio.get_running_loop().time()
        if self._refusal is not None and now - self._refused_at < RETRY_AFTER_MS / 1000:
            self._pass_on(None)
            raise DatabaseUnavailable(str(self._refusal))
        try:
            connection = await self._connect()
        except BaseException as fault:
            if isinstance(fault, DatabaseUnavailable):
                self._refusal, self._refused_at = fault, asyncio.get_running_loop().time()
            self._pass_on(None)
            raise
        self._refusal = None
        return connection

    def _pass_on(self, connection: asyncpg.Connection | None) -> None:
        """Hand a connection, or the right to open one, to who waits longest."""
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return
        if connection is None:
            self._slots -= 1
        else:
            self._idle.append(connection)

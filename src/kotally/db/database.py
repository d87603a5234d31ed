"""How the product asks the database: plain SQL in, records or structs out."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final, LiteralString, TypeVar

import asyncpg
from msgspec import Struct

from kotally.core.clock import monotonic_ns
from kotally.db.connections import APP_ROLE, Target, connect
from kotally.db.dedicated import Dedicated
from kotally.db.faults import DatabaseBusy, DatabaseUnavailable, unavailable
from kotally.db.pool import Pool

POOL_SIZE: Final = 8
SNAPSHOT_TIMEOUT_S: Final = 3_600  # a proof or an export of everything; nothing else is so patient
STREAM_PREFETCH: Final = 1_000

_LOOK_AGAIN_S: Final = 0.05
_NS: Final = 1_000_000_000

T = TypeVar("T", bound=Struct)
_DRIVER_FAULTS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


class Queries(ABC):
    """What can be asked of a Database and of a Transaction alike; reads take either."""

    @abstractmethod
    async def fetch(self, sql: LiteralString, *args: Any) -> list[asyncpg.Record]:
        """Return every row."""

    @abstractmethod
    async def fetchrow(self, sql: LiteralString, *args: Any) -> asyncpg.Record | None:
        """Return the first row, or None."""

    @abstractmethod
    async def fetchval(self, sql: LiteralString, *args: Any) -> Any:
        """Return the first column of the first row, or None."""

    @abstractmethod
    async def execute(self, sql: LiteralString, *args: Any) -> str:
        """Run a statement and return its command tag, such as `UPDATE 1`."""

    async def rows(self, struct: type[T], sql: LiteralString, *args: Any) -> list[T]:
        """Return every row as a struct; columns and fields go together by name."""
        return [struct(**record) for record in await self.fetch(sql, *args)]

    async def one(self, struct: type[T], sql: LiteralString, *args: Any) -> T | None:
        """Return the first row as a struct, or None."""
        record = await self.fetchrow(sql, *args)
        return None if record is None else struct(**record)


class Transaction(Queries):
    """One connection inside a transaction; what writes several things asks for one."""

    def __init__(self, connection: asyncpg.Connection, *, timeout_s: int | None = None) -> None:
        self._connection: asyncpg.Connection = connection
        self._timeout_s: int | None = timeout_s

    async def fetch(self, sql: LiteralString, *args: Any) -> list[asyncpg.Record]:
        """Return every row."""
        with _telling_time():
            return await self._connection.fetch(sql, *args, timeout=self._timeout_s)

    async def fetchrow(self, sql: LiteralString, *args: Any) -> asyncpg.Record | None:
        """Return the first row, or None."""
        with _telling_time():
            return await self._connection.fetchrow(sql, *args, timeout=self._timeout_s)

    async def fetchval(self, sql: LiteralString, *args: Any) -> Any:
        """Return the first column of the first row, or None."""
        with _telling_time():
            return await self._connection.fetchval(sql, *args, timeout=self._timeout_s)

    async def execute(self, sql: LiteralString, *args: Any) -> str:
        """Run a statement and return its command tag, such as `UPDATE 1`."""
        with _telling_time():
            return await self._connection.execute(sql, *args, timeout=self._timeout_s)

    async def stream(self, sql: LiteralString, *args: Any) -> AsyncIterator[asyncpg.Record]:
        """Yield rows as they come, for answers that do not fit into memory."""
        cursor = self._connection.cursor(
            sql, *args, prefetch=STREAM_PREFETCH, timeout=self._timeout_s
        )
        async for record in cursor:
            yield record


class Database(Queries):
    """
    A pool of connections to one database; safe to share between the tasks of one event loop.

    Each call is its own transaction. Any call may raise DatabaseUnavailable, and the next may
    succeed: lost connections are opened again when needed.
    """

    def __init__(
        self,
        target: Target,
        *,
        role: str | None = APP_ROLE,
        pool_size: int = POOL_SIZE,
        pool: Pool | None = None,
    ) -> None:
        self.target: Target = target
        self.role: str | None = role
        self._pool: Pool = pool or Pool(lambda: connect(target, role=role), size=pool_size)

    async def fetch(self, sql: LiteralString, *args: Any) -> list[asyncpg.Record]:
        """Return every row."""
        async with _Lease(self._pool) as connection:
            return await connection.fetch(sql, *args)

    async def fetchrow(self, sql: LiteralString, *args: Any) -> asyncpg.Record | None:
        """Return the first row, or None."""
        async with _Lease(self._pool) as connection:
            return await connection.fetchrow(sql, *args)

    async def fetchval(self, sql: LiteralString, *args: Any) -> Any:
        """Return the first column of the first row, or None."""
        async with _Lease(self._pool) as connection:
            return await connection.fetchval(sql, *args)

    async def execute(self, sql: LiteralString, *args: Any) -> str:
        """Run a statement and return its command tag, such as `UPDATE 1`."""
        async with _Lease(self._pool) as connection:
            return await connection.execute(sql, *args)

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Transaction, None]:
        """Open a transaction (read committed): commits at the end, rolls back on an exception."""
        async with _Lease(self._pool, foreign=True) as connection, connection.transaction():
            yield Transaction(connection)

    @asynccontextmanager
    async def snapshot(self) -> AsyncGenerator[Transaction, None]:
        """Open a read-only view of one instant, without a time limit; for proofs and exports."""
        async with (
            _Lease(self._pool, foreign=True) as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            await connection.execute("set local statement_timeout = 0")
            await connection.execute("set local idle_in_transaction_session_timeout = 0")
            yield Transaction(connection, timeout_s=SNAPSHOT_TIMEOUT_S)

    @asynccontextmanager
    async def alone(self, name: str, *, patience_s: int = 0) -> AsyncGenerator[bool, None]:
        """
        Hold a name for the length of the block, and say whether it is ours.

        It is not when somebody else holds it for longer than `patience_s`. Keeps a connection of
        its own; whoever dies lets the name go.
        """
        async with _Lease(self._pool, foreign=True) as connection:
            is_ours = await _taken(connection, name, patience_s)
            try:
                yield is_ours
            finally:
                if is_ours:
                    await connection.execute(
                        "select pg_advisory_unlock(hashtextextended($1, 0))", name
                    )

    def as_of(self, at: datetime) -> Database:
        """
        Return the same pool, in which the clock of every location stands no later than an instant.

        For sweeps that come late: what they do is decided as of then, and recorded as of now.
        """
        return _Earlier(at, self.target, self._pool, role=self.role)

    def dedicated(self, name: str) -> Dedicated:
        """Return a line of its own beside the pool, for a writer that lives as long as we do."""
        return Dedicated(self.target, role=self.role, name=name)

    async def close(self) -> None:
        """Close every connection of the pool."""
        await self._pool.close()


async def _taken(connection: asyncpg.Connection, name: str, patience_s: int) -> bool:
    deadline = monotonic_ns() + patience_s * _NS
    while not await connection.fetchval(
        "select pg_try_advisory_lock(hashtextextended($1, 0))", name
    ):
        if monotonic_ns() >= deadline:
            return False
        await asyncio.sleep(_LOOK_AGAIN_S)
    return True


class _Earlier(Database):
    """A database as of an instant: each call is a transaction that begins by naming it."""

    def __init__(self, at: datetime, target: Target, pool: Pool, *, role: str | None) -> None:
        super().__init__(target, role=role, pool=pool)
        self._at: datetime = at

    async def fetch(self, sql: LiteralString, *args: Any) -> list[asyncpg.Record]:
        async with self.transaction() as tx:
            return await tx.fetch(sql, *args)

    async def fetchrow(self, sql: LiteralString, *args: Any) -> asyncpg.Record | None:
        async with self.transaction() as tx:
            return await tx.fetchrow(sql, *args)

    async def fetchval(self, sql: LiteralString, *args: Any) -> Any:
        async with self.transaction() as tx:
            return await tx.fetchval(sql, *args)

    async def execute(self, sql: LiteralString, *args: Any) -> str:
        async with self.transaction() as tx:
            return await tx.execute(sql, *args)

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Transaction, None]:
        async with super().transaction() as tx:
            await tx.execute("select set_config('kotally.as_of', $1, true)", self._at.isoformat())
            yield tx


class _Lease:
    """
    A connection for the length of a block, in which the driver's faults become ours.

    `foreign` says that the block runs code of others too, whose time-outs and network faults are
    theirs. A class, because a generator costs twice as much.
    """

    __slots__ = ("_connection", "_foreign", "_pool")

    def __init__(self, pool: Pool, *, foreign: bool = False) -> None:
        self._pool: Pool = pool
        self._foreign: bool = foreign
        self._connection: asyncpg.Connection | None = None

    async def __aenter__(self) -> asyncpg.Connection:
        self._connection = await self._pool.acquire()
        return self._connection

    async def __aexit__(self, kind: object, fault: BaseException | None, trace: object) -> None:
        connection = self._connection
        assert connection is not None
        if fault is None:
            self._pool.release(connection)
            return
        away = unavailable(fault)
        if self._foreign and not isinstance(fault, _DRIVER_FAULTS):
            away = None
        # A cancelled call or one that timed out may still have an answer on its way; a server that
        # went away or became a standby is left, even if it has not hung up yet.
        broken = not isinstance(fault, Exception) or isinstance(fault, TimeoutError)
        lost = away is not None and not isinstance(away, DatabaseBusy)
        self._pool.release(connection, broken=broken or lost)
        if away is not None:
            raise away from fault


class _telling_time:  # noqa: N801 - reads as a phrase after `with`
    """Turns the driver's time-out into DatabaseUnavailable, inside a block of others' code."""

    __slots__ = ()

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(self, kind: object, fault: BaseException | None, trace: object) -> None:
        if isinstance(fault, TimeoutError):
            raise DatabaseUnavailable("the database did not answer in time") from fault

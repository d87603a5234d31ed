"""One connection with one user: the line of a group-commit writer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, LiteralString, TypeVar

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement

from kotally.db.connections import Target, connect
from kotally.db.faults import DatabaseBusy, unavailable

T = TypeVar("T")


class Dedicated:
    """
    A connection that keeps its statements prepared and is opened again after it was lost.

    One call at a time: a second one waits. A call may raise DatabaseUnavailable; the next one
    connects again. Each call is its own transaction.
    """

    def __init__(self, target: Target, *, role: str | None, name: str) -> None:
        self._target: Target = target
        self._role: str | None = role
        self._name: str = name
        self._connection: asyncpg.Connection | None = None
        self._statements: dict[str, PreparedStatement] = {}
        self._turn: asyncio.Lock = asyncio.Lock()

    async def fetch(self, sql: LiteralString, *args: Any) -> list[asyncpg.Record]:
        """Return every row."""
        return await self._run(sql, lambda statement: statement.fetch(*args))

    async def fetchrow(self, sql: LiteralString, *args: Any) -> asyncpg.Record | None:
        """Return the first row, or None."""
        return await self._run(sql, lambda statement: statement.fetchrow(*args))

    async def fetchval(self, sql: LiteralString, *args: Any) -> Any:
        """Return the first column of the first row, or None."""
        return await self._run(sql, lambda statement: statement.fetchval(*args))

    async def close(self) -> None:
        """Close the connection; a later call would open it again."""
        async with self._turn:
            self._drop()

    async def _run(self, sql: str, call: Callable[[PreparedStatement], Awaitable[T]]) -> T:
        async with self._turn:
            try:
                return await call(await self._prepared(sql))
            except asyncpg.InvalidCachedStatementError:
                # A migration changed the result's shape. Nothing has run yet: ask once more.
                self._drop()
                return await call(await self._prepared(sql))
            except BaseException as fault:
                away = unavailable(fault)
                if not isinstance(fault, Exception) or (
                    away is not None and not isinstance(away, DatabaseBusy)
                ):
                    self._drop()
                if away is not None:
                    raise away from fault
                raise

    async def _prepared(self, sql: str) -> PreparedStatement:
        if self._connection is None or self._connection.is_closed():
            self._statements.clear()
            self._connection = await connect(
                self._target, role=self._role, application_name=self._name
            )
        statement = self._statements.get(sql)
        if statement is None:
            statement = self._statements[sql] = await self._connection.prepare(sql)
        return statement

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
        self._connection = None
        self._statements.clear()

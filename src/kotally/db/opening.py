"""From settings to a database that is ready: the embedded server or the operator's own."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import asyncpg
import msgspec

from kotally.config import Secret, Settings
from kotally.db import migrator
from kotally.db.connections import APP_ROLE, NO_LIMITS, Target, connect
from kotally.db.database import Database
from kotally.db.embedded.attach import attached
from kotally.db.embedded.layout import DATABASE, USER
from kotally.db.faults import DatabaseUnavailable


@asynccontextmanager
async def opened(
    settings: Settings, *, migrate: bool = True, role: str | None = APP_ROLE
) -> AsyncGenerator[Database, None]:
    """
    Open the database; start or join the embedded PostgreSQL when no URL is set.

    With `migrate` it is brought up to date first, otherwise one that is not is a SchemaError.
    """
    async with reached(settings) as target:
        await (migrator.migrate(target) if migrate else migrator.check(target))
        database = Database(target, role=role, pool_size=settings.pool_size)
        try:
            yield database
        finally:
            await database.close()


@asynccontextmanager
async def reached(settings: Settings) -> AsyncGenerator[Target, None]:
    """Give the address of the database; an embedded server runs at least as long as the block."""
    if settings.database_url is not None:
        yield Target(url=settings.database_url)
        return
    async with attached(settings.data, pg_bin=settings.pg_bin) as server:
        target = Target(
            host=str(server.sockets),
            user=USER,
            password=Secret(server.password),
            database=DATABASE,
            revive=server.revive,
        )
        await _ensure_database(target)
        yield target


async def _ensure_database(target: Target) -> None:
    """Make our database in a cluster that has only PostgreSQL's own."""
    try:
        connection = await connect(target, role=None)
    except DatabaseUnavailable as fault:
        if not isinstance(fault.__cause__, asyncpg.InvalidCatalogNameError):
            raise
    else:
        await connection.close()
        return
    first = msgspec.structs.replace(target, database="postgres")
    connection = await connect(first, role=None, limits=NO_LIMITS)
    try:
        await connection.execute(f"create database {DATABASE} template template0")
    except (asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):
        return  # another process of ours was first
    finally:
        await connection.close()

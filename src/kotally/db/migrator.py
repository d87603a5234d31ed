"""Bringing a database to what the code expects, or saying why that cannot be."""

from __future__ import annotations

import asyncio
from typing import Final

import asyncpg
from msgspec import Struct

from kotally.db.connections import APP_ROLE, LEDGER_ROLE, NO_LIMITS, Target, connect
from kotally.db.roles import ensure_roles
from kotally.db.sqlfiles import Migration, Repeatable, Scripts, read_scripts

SERVER_MIN: Final = 150_000
ADVISORY_KEY: Final = 7_286_420_031  # any number that nobody else locks
LOCK_WAIT_S: Final = 600  # another process may be in the middle of a long migration
LOCK_POLL_MS: Final = 50
MIGRATION_LOCK_TIMEOUT: Final = "10s"  # a migration that queues longer would stop everybody


class SchemaError(Exception):
    """The database does not fit the code; the message says which way and what to do."""


class Applied(Struct, frozen=True):
    """What a migrator did: versions taken, texts applied again."""

    migrations: tuple[int, ...]
    repeatables: tuple[str, ...]


class _Recorded(Struct, frozen=True):
    """What the database says was applied: sha256 by version and by name."""

    migrations: dict[int, str]
    repeatables: dict[str, str]


async def migrate(target: Target, scripts: Scripts | None = None) -> Applied:
    """Apply what is missing; safe to call by many at once and when nothing is."""
    scripts = read_scripts() if scripts is None else scripts
    connection = await connect(
        target, role=None, limits=NO_LIMITS, application_name="kotally migrate"
    )
    try:
        await _check_server(connection)
        if _pending(scripts, await _recorded(connection)) == ([], []):
            return Applied((), ())
        await _lock(connection)
        await _bootstrap(connection)
        migrations, repeatables = _pending(scripts, await _recorded(connection))
        for migration in migrations:
            await _apply_migration(connection, migration)
        if repeatables:
            await _apply_repeatables(connection, repeatables)
        return Applied(
            tuple(migration.version for migration in migrations),
            tuple(repeatable.name for repeatable in repeatables),
        )
    finally:
        await connection.close(timeout=1)


async def check(target: Target, scripts: Scripts | None = None) -> None:
    """Raise SchemaError unless the database is exactly what the code expects."""
    scripts = read_scripts() if scripts is None else scripts
    connection = await connect(target, role=None, application_name="kotally check")
    try:
        await _check_server(connection)
        recorded = await _recorded(connection)
    finally:
        await connection.close(timeout=1)
    migrations, repeatables = _pending(scripts, recorded)
    if migrations or repeatables:
        current = max(recorded.migrations, default=0)
        names = [f"{step.version:04}_{step.name}" for step in migrations]
        names += [text.name for text in repeatables]
        raise SchemaError(
            f"The database is at version {current:04}, and this code needs {scripts.version:04} "
            f"with {', '.join(names)}. Run: kotally migrate"
        )


def _pending(scripts: Scripts, recorded: _Recorded) -> tuple[list[Migration], list[Repeatable]]:
    """Return what is to be applied; refuse a database that knows more or other than the code."""
    newest = max(recorded.migrations, default=0)
    if newest > scripts.version:
        raise SchemaError(
            f"The database is at version {newest:04}, and this code knows only up to "
            f"{scripts.version:04}. Run the newer Kotally that migrated it."
        )
    for migration in scripts.migrations:
        seen = recorded.migrations.get(migration.version)
        if seen not in (None, migration.sha256):
            raise SchemaError(
                f"Migration {migration.version:04}_{migration.name} was changed after it was "
                "applied. Bring its old text back and put the change into a new migration."
            )
    migrations = [step for step in scripts.migrations if step.version not in recorded.migrations]
    return migrations, _changed(scripts.repeatables, recorded.repeatables, all_of=bool(migrations))


def _changed(
    repeatables: tuple[Repeatable, ...], seen: dict[str, str], *, all_of: bool
) -> list[Repeatable]:
    """Return the changed texts and those that come after them; with a new table, all of them."""
    changed: list[str] = []
    for text in repeatables:
        moved = any(name in changed for name in text.after)
        if all_of or moved or seen.get(text.name) != text.sha256:
            changed.append(text.name)
    if changed:  # grants come last, and may name any of the others
        changed += [text.name for text in repeatables if text.name == "grants"]
    return [text for text in repeatables if text.name in changed]


async def _check_server(connection: asyncpg.Connection) -> None:
    version = await connection.fetchval("select current_setting('server_version_num')::int")
    if version < SERVER_MIN:
        raise SchemaError(
            f"The server is PostgreSQL {version // 10_000}; "
            f"Kotally needs {SERVER_MIN // 10_000} or newer."
        )


async def _recorded(connection: asyncpg.Connection) -> _Recorded:
    known = await connection.fetchval("select to_regclass('kotally.repeatables') is not null")
    if not known:
        return _Recorded({}, {})
    steps = await connection.fetch("select version, sha256 from kotally.migrations")
    texts = await connection.fetch("select name, sha256 from kotally.repeatables")
    return _Recorded(dict(map(tuple, steps)), dict(map(tuple, texts)))


async def _lock(connection: asyncpg.Connection) -> None:
    """Wait until no other migrator works on this database; ends with the connection."""
    for _ in range(LOCK_WAIT_S * 1_000 // LOCK_POLL_MS):
        if await connection.fetchval("select pg_try_advisory_lock($1)", ADVISORY_KEY):
            return
        await asyncio.sleep(LOCK_POLL_MS / 1_000)
    raise SchemaError("Another process has been migrating this database for ten minutes.")


async def _bootstrap(connection: asyncpg.Connection) -> None:
    """Make the schema, the roles and the two tables in which we keep what was applied."""
    await ensure_roles(connection)
    await connection.execute(
        f"""
        create schema if not exists kotally;
        grant usage on schema kotally to {APP_ROLE}, {LEDGER_ROLE};
        create table if not exists kotally.migrations (
          version int primary key,
          name text not null,
          sha256 text not null,
          applied_at timestamptz not null default now()
        );
        create table if not exists kotally.repeatables (
          name text primary key,
          sha256 text not null,
          applied_at timestamptz not null default now()
        );
        grant select on kotally.migrations, kotally.repeatables to {APP_ROLE};
        """
    )


async def _apply_migration(connection: asyncpg.Connection, migration: Migration) -> None:
    async with connection.transaction():
        await connection.execute(f"set local lock_timeout = '{MIGRATION_LOCK_TIMEOUT}'")
        await _run(connection, f"{migration.version:04}_{migration.name}", migration.text)
        await connection.execute(
            "insert into kotally.migrations (version, name, sha256) values ($1, $2, $3)",
            migration.version,
            migration.name,
            migration.sha256,
        )


async def _apply_repeatables(connection: asyncpg.Connection, texts: list[Repeatable]) -> None:
    """Apply all texts or none, so that no caller meets half of them."""
    async with connection.transaction():
        await connection.execute(f"set local lock_timeout = '{MIGRATION_LOCK_TIMEOUT}'")
        # Functions may call each other in any order; a wrong body shows when it is first run.
        await connection.execute("set local check_function_bodies = off")
        # Only an owner that may create in the schema can be given a function in it.
        await connection.execute(f"grant create on schema kotally to {LEDGER_ROLE}")
        for text in texts:
            await _run(connection, text.name, text.text)
            await connection.execute(
                """
                insert into kotally.repeatables (name, sha256) values ($1, $2)
                on conflict (name) do update set sha256 = excluded.sha256, applied_at = now()
                """,
                text.name,
                text.sha256,
            )
        await connection.execute(f"revoke create on schema kotally from {LEDGER_ROLE}")


async def _run(connection: asyncpg.Connection, name: str, text: str) -> None:
    try:
        await connection.execute(text)
    except asyncpg.PostgresError as fault:
        fault.add_note(f"in {name}.sql{_place(fault, text)}")
        raise


def _place(fault: asyncpg.PostgresError, text: str) -> str:
    position = fault.as_dict().get("position")
    return f", line {text[: int(position)].count(chr(10)) + 1}" if position else ""

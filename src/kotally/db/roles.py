"""The roles the database knows us by, made when the login may make them."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

import asyncpg

from kotally.db.connections import APP_ROLE, LEDGER_ROLE

ROLES: Final = (LEDGER_ROLE, APP_ROLE)
GRANT_OPTIONS_SINCE: Final = 160_000  # until then, membership always inherits and can be set


class RoleError(Exception):
    """A role is missing and this login may not make it; the message holds the statements to run."""


async def ensure_roles(connection: asyncpg.Connection) -> None:
    """Make both roles and this login a member of them, or say what an administrator must run."""
    missing = await _missing(connection)
    if not missing:
        return
    try:
        for role in missing:
            await _make(connection, role)
    except asyncpg.InsufficientPrivilegeError as fault:
        raise RoleError(await _statements(connection)) from fault


async def _missing(connection: asyncpg.Connection) -> list[str]:
    """Return the roles this login cannot become."""
    rows = await connection.fetch(
        """
        select name from unnest($1::text[]) as name
        where not coalesce(
          (select pg_has_role(current_user, oid, 'member') from pg_roles where rolname = name),
          false)
        """,
        list(ROLES),
    )
    return [row["name"] for row in rows]


async def _make(connection: asyncpg.Connection, role: str) -> None:
    if not await _exists(connection, role):
        # Another database of this server may be set up at the same moment.
        with suppress(asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
            await connection.execute(f"create role {role} nologin")
    if await _is_superuser(connection):
        return
    options = ""
    if await connection.fetchval("select current_setting('server_version_num')::int") >= (
        GRANT_OPTIONS_SINCE
    ):
        options = " with inherit true, set true"
    await connection.execute(f"grant {role} to current_user{options}")


async def _exists(connection: asyncpg.Connection, role: str) -> bool:
    return await connection.fetchval(
        "select exists (select from pg_roles where rolname = $1)", role
    )


async def _is_superuser(connection: asyncpg.Connection) -> bool:
    return await connection.fetchval("select rolsuper from pg_roles where rolname = current_user")


async def _statements(connection: asyncpg.Connection) -> str:
    """Say what an administrator has to run, and nothing that is done already."""
    login = await connection.fetchval("select quote_ident(current_user)")
    missing = await _missing(connection)
    lines = [
        f"  create role {role} nologin;\n"
        for role in missing
        if not await _exists(connection, role)
    ]
    return (
        f"The login {login} may not make or take the roles that Kotally works as. Let an "
        "administrator of the server run:\n"
        f"{''.join(lines)}  grant {', '.join(missing)} to {login};"
    )

"""Making one connection: where to, as whom, with which limits and codecs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

import asyncpg
import msgspec
from msgspec import Struct

from kotally.config import Secret
from kotally.db.faults import unavailable

APP_ROLE: Final = "kotally_app"  # what the application is: reads, executes, writes no ledger table
LEDGER_ROLE: Final = "kotally_ledger"  # owns the kernel's functions; nobody signs in as it

LOCK_TIMEOUT_MS: Final = 2_000  # who waits longer for a row is told to come again
STATEMENT_TIMEOUT_MS: Final = 15_000
IDLE_IN_TRANSACTION_TIMEOUT_MS: Final = 30_000
CONNECT_TIMEOUT_S: Final = 5
COMMAND_TIMEOUT_S: Final = 20  # for a server that is gone without a word; beyond its own limit
STATEMENT_CACHE_SIZE: Final = 512  # more than the statements the product has: none is parsed twice

APP_LIMITS: Final = {
    "lock_timeout": str(LOCK_TIMEOUT_MS),
    "statement_timeout": str(STATEMENT_TIMEOUT_MS),
    "idle_in_transaction_session_timeout": str(IDLE_IN_TRANSACTION_TIMEOUT_MS),
}
NO_LIMITS: Final = {
    "lock_timeout": "0",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
}


class Target(Struct, frozen=True, kw_only=True):
    """A database and how to sign in to it: a URL, or an embedded server's socket and password."""

    url: Secret | None = None
    host: str | None = None
    user: str | None = None
    password: Secret | None = None
    database: str | None = None
    revive: Callable[[], Awaitable[None]] | None = None

    def arguments(self) -> dict[str, Any]:
        """Return what the driver's connect takes."""
        return {
            "dsn": self.url.reveal() if self.url else None,
            "host": self.host,
            "user": self.user,
            "password": self.password.reveal() if self.password else None,
            "database": self.database,
        }


async def connect(
    target: Target,
    *,
    role: str | None = APP_ROLE,
    limits: dict[str, str] = APP_LIMITS,
    application_name: str = "kotally",
) -> asyncpg.Connection:
    """
    Open one connection, or raise DatabaseUnavailable.

    `role=None` stays what the login is; the migrator does, nobody else should.
    """
    try:
        connection = await asyncpg.connect(
            **target.arguments(),
            timeout=CONNECT_TIMEOUT_S,
            command_timeout=COMMAND_TIMEOUT_S if limits is APP_LIMITS else None,
            statement_cache_size=STATEMENT_CACHE_SIZE,
            max_cached_statement_lifetime=0,
            server_settings=_session_settings(role, limits, application_name),
        )
        await _set_codecs(connection)
    except Exception as fault:
        away = unavailable(fault)
        if away is None:
            raise
        if target.revive is not None:
            await target.revive()
        raise away from fault
    return connection


def _session_settings(role: str | None, limits: dict[str, str], name: str) -> dict[str, str]:
    settings = {
        "application_name": name,
        "timezone": "UTC",
        "jit": "off",  # our statements are short: compiling one costs more than running it
        # Nothing is found by luck: every table and function is named with its schema.
        "search_path": "pg_catalog, pg_temp",
        **limits,
    }
    return settings if role is None else {**settings, "role": role}


async def _set_codecs(connection: asyncpg.Connection) -> None:
    for name in ("json", "jsonb"):
        await connection.set_type_codec(
            name, schema="pg_catalog", encoder=_json_text, decoder=msgspec.json.decode
        )


def _json_text(value: object) -> str:
    return msgspec.json.encode(value).decode()

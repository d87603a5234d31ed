"""Telling apart a database that cannot answer now from a statement that is wrong."""

from __future__ import annotations

import asyncio
from typing import Final

import asyncpg

# SQLSTATE classes and codes that say nothing about the statement itself: it may be sent again.
UNAVAILABLE_CLASSES: Final = (
    "08",  # the connection is gone or was never made
    "53",  # disk full, out of memory, too many connections
    "57P",  # shutting down, starting up, crashed
    "25006",  # a standby answered: it cannot write
    "3D000",  # the database is being made or restored
    "58",  # the server's disk or operating system failed it
    "XX001",  # a page could not be read
)
BUSY_CODES: Final = (
    "40001",  # serialization failure
    "40P01",  # deadlock: this side was chosen to give way
    "55P03",  # lock_timeout
    "57014",  # statement_timeout
)


class DatabaseUnavailable(Exception):
    """
    The database cannot answer now; nothing is wrong with the request, and it may be repeated.

    Whether a statement that was under way has committed is unknown.
    """


class DatabaseBusy(DatabaseUnavailable):
    """The database gave up waiting for a lock or for the statement itself; nothing was written."""


def unavailable(fault: BaseException) -> DatabaseUnavailable | None:
    """Return what a driver's exception means when it means that the database cannot answer now."""
    if isinstance(fault, asyncpg.PostgresError):
        code: str = fault.sqlstate or ""
        if code.startswith(BUSY_CODES):
            return DatabaseBusy(f"the database is busy: {fault}")
        if code.startswith(UNAVAILABLE_CLASSES):
            return DatabaseUnavailable(f"the database cannot answer: {fault}")
        return None
    if isinstance(fault, asyncpg.InterfaceError):
        # The driver has one class for wrong use and for a lost connection; only the text differs.
        lost = "closed" in str(fault) or "closing" in str(fault)
        return DatabaseUnavailable(f"the database connection is lost: {fault}") if lost else None
    if isinstance(fault, asyncpg.InternalClientError):
        # A dying server says so before it hangs up; the driver stumbles over the time between.
        return DatabaseUnavailable(f"the database connection is lost: {fault}")
    if isinstance(fault, (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError)):
        return DatabaseUnavailable(
            f"the database cannot be reached: {fault or type(fault).__name__}"
        )
    return None

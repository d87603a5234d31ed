"""
One database for all tests of the books; each test works in a location of its own.

That is faster than a database each, and every test so also proves the wall between locations.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Protocol

import pytest
import pytest_asyncio

from kotally.db import Database
from kotally.db.connections import Target
from tests import make
from tests.ledger.desk import NOON, Desk

Opened = Callable[..., Awaitable[Desk]]


class Maker(Protocol):
    """What this folder needs of the maker of databases."""

    async def make(self, template: str) -> Target: ...
    async def drop(self, target: Target) -> None: ...


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def ledger_target(clones: Maker, template: str) -> AsyncIterator[Target]:
    made = await clones.make(template)
    yield made
    await clones.drop(made)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def ledger_owner(ledger_target: Target) -> AsyncIterator[Database]:
    database = Database(ledger_target, role=None)
    yield database
    await database.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def ledger_db(ledger_target: Target) -> AsyncIterator[Database]:
    database = Database(ledger_target)
    yield database
    await database.close()


@pytest.fixture
def opened(ledger_db: Database, ledger_owner: Database) -> Opened:
    """Return a function that opens a desk; it takes what `make.location` takes."""

    async def open_desk(**columns: Any) -> Desk:
        columns.setdefault("clock", NOON)
        location = await make.location(ledger_owner, **columns)
        return Desk(ledger_db, ledger_owner, location)

    return open_desk


@pytest_asyncio.fixture(loop_scope="session")
async def desk(opened: Opened) -> AsyncIterator[Desk]:
    """Give a desk on 2 March 2026 at noon UTC in New York; at the end its books must be right."""
    made = await opened()
    yield made
    await made.assert_books()

"""One database for all tests of payments; each works in a location of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol

import pytest
import pytest_asyncio

from kotally.db import Database
from kotally.db.connections import Target
from kotally.ledger.writer import Writer
from tests import make
from tests.payments.till import NOON, Till

Opened = Callable[[], Awaitable[Till]]


class Maker(Protocol):
    """What this folder needs of the maker of databases."""

    async def make(self, template: str) -> Target: ...
    async def drop(self, target: Target) -> None: ...


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def till_target(clones: Maker, template: str) -> AsyncIterator[Target]:
    made = await clones.make(template)
    yield made
    await clones.drop(made)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def till_owner(till_target: Target) -> AsyncIterator[Database]:
    database = Database(till_target, role=None)
    yield database
    await database.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def till_db(till_target: Target) -> AsyncIterator[Database]:
    database = Database(till_target)
    yield database
    await database.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def till_writer(till_db: Database) -> AsyncIterator[Writer]:
    writer = Writer(till_db)
    await writer.start()
    yield writer
    await writer.stop()


@pytest.fixture
def opened(till_db: Database, till_owner: Database, till_writer: Writer) -> Opened:
    """Return a function that opens a till in a location of its own."""

    async def open_till() -> Till:
        location = await make.location(till_owner, clock=NOON)
        return Till(till_db, till_owner, till_writer, location)

    return open_till


@pytest_asyncio.fixture(loop_scope="session")
async def till(opened: Opened) -> AsyncIterator[Till]:
    """Give a till in New York on 2 March 2026; at the end its books must be right."""
    made = await opened()
    yield made
    await made.assert_books()

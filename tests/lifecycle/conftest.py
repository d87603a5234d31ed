"""One database for all tests of this folder; each studio is a location of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol

import pytest
import pytest_asyncio

from kotally.db import Database
from kotally.db.connections import Target
from kotally.ledger.writer import Writer
from tests import make
from tests.ledger import books
from tests.lifecycle.studio import START, Studio

Opened = Callable[[], Awaitable[Studio]]


class Maker(Protocol):
    """What this folder needs of the maker of databases."""

    async def make(self, template: str) -> Target: ...
    async def drop(self, target: Target) -> None: ...


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def lifecycle_target(clones: Maker, template: str) -> AsyncIterator[Target]:
    made = await clones.make(template)
    yield made
    await clones.drop(made)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def lifecycle_owner(lifecycle_target: Target) -> AsyncIterator[Database]:
    database = Database(lifecycle_target, role=None)
    yield database
    await database.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def lifecycle_db(lifecycle_target: Target) -> AsyncIterator[Database]:
    database = Database(lifecycle_target)
    yield database
    await database.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def lifecycle_writer(lifecycle_db: Database) -> AsyncIterator[Writer]:
    writer = Writer(lifecycle_db)
    await writer.start()
    yield writer
    await writer.stop()


@pytest.fixture
def opened(lifecycle_db: Database, lifecycle_owner: Database, lifecycle_writer: Writer) -> Opened:
    """Return a function that opens a studio in a location of its own."""

    async def open_studio() -> Studio:
        location = await make.location(lifecycle_owner, clock=START)
        studio = Studio(lifecycle_db, lifecycle_owner, lifecycle_writer, location)
        await studio.opens()
        return studio

    return open_studio


@pytest_asyncio.fixture(loop_scope="session")
async def studio(opened: Opened) -> AsyncIterator[Studio]:
    """Give a studio on 29 January 2026 in New York; at the end its books must be right."""
    made = await opened()
    yield made
    assert await books.faults(made.owner, made.location) == {}

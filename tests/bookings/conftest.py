"""Studios for the tests of bookings: one database, a location each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Protocol

import pytest
import pytest_asyncio

from kotally.db import Database
from kotally.db.connections import Target
from tests import make
from tests.bookings.studio import NOW, Studio

Opened = Callable[..., Awaitable[Studio]]


class Maker(Protocol):
    """What this folder needs of the maker of databases."""

    async def make(self, template: str) -> Target: ...
    async def drop(self, target: Target) -> None: ...


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def bookings_target(clones: Maker, template: str) -> AsyncIterator[Target]:
    made = await clones.make(template)
    yield made
    await clones.drop(made)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def bookings_owner(bookings_target: Target) -> AsyncIterator[Database]:
    database = Database(bookings_target, role=None)
    yield database
    await database.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def bookings_db(bookings_target: Target) -> AsyncIterator[Database]:
    database = Database(bookings_target)
    yield database
    await database.close()


@pytest.fixture
def opened(bookings_db: Database, bookings_owner: Database) -> Opened:
    """Return a function that opens a studio; it takes what `make.location` takes."""

    async def open_studio(**columns: Any) -> Studio:
        wanted: dict[str, Any] = {"clock": NOW} | columns
        location = await make.location(bookings_owner, **wanted)
        return Studio(bookings_db, bookings_owner, location)

    return open_studio


@pytest_asyncio.fixture(loop_scope="session")
async def studio(opened: Opened) -> AsyncIterator[Studio]:
    """Give a studio on Monday 2 March 2026, noon UTC, in New York; its books must stay right."""
    made = await opened()
    yield made
    await made.assert_books()

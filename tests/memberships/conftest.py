"""One database for all tests of memberships; each works in a location of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

import pytest_asyncio

from kotally.db import Database
from kotally.db.connections import Target
from kotally.ledger.writer import Writer
from tests import make
from tests.memberships.club import JANUARY, Club


class Maker(Protocol):
    """What this folder needs of the maker of databases."""

    async def make(self, template: str) -> Target: ...
    async def drop(self, target: Target) -> None: ...


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def club_target(clones: Maker, template: str) -> AsyncIterator[Target]:
    made = await clones.make(template)
    yield made
    await clones.drop(made)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def club_owner(club_target: Target) -> AsyncIterator[Database]:
    database = Database(club_target, role=None)
    yield database
    await database.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def club_db(club_target: Target) -> AsyncIterator[Database]:
    database = Database(club_target)
    yield database
    await database.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def club_writer(club_db: Database) -> AsyncIterator[Writer]:
    writer = Writer(club_db)
    await writer.start()
    yield writer
    await writer.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def club(club_db: Database, club_owner: Database, club_writer: Writer) -> AsyncIterator[Club]:
    """Give a club in New York on 1 January 2026; at the end its books must be right."""
    location = await make.location(club_owner, clock=JANUARY)
    made = Club(club_db, club_owner, club_writer, location)
    yield made
    await made.assert_books()

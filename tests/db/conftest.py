"""Databases without our schema, for the tests of what stands below it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

import pytest_asyncio

from kotally.db import Database
from kotally.db.connections import Target


class Maker(Protocol):
    """What this folder needs of the maker of databases."""

    async def make(self, template: str) -> Target: ...
    async def drop(self, target: Target) -> None: ...


@pytest_asyncio.fixture(loop_scope="session")
async def blank(clones: Maker) -> AsyncIterator[Target]:
    """Give the address of an empty database that nobody has migrated."""
    made = await clones.make("template0")
    yield made
    await clones.drop(made)


@pytest_asyncio.fixture(loop_scope="session")
async def plain(blank: Target) -> AsyncIterator[Database]:
    """Give an empty database with a pool of two connections, as its owner."""
    database = Database(blank, role=None, pool_size=2)
    yield database
    await database.close()

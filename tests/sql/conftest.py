"""One migrated database, seen by its owner, for questions to the catalogue."""

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


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def catalogue(clones: Maker, template: str) -> AsyncIterator[Database]:
    made = await clones.make(template)
    database = Database(made, role=None)
    yield database
    await database.close()
    await clones.drop(made)

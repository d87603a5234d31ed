"""Databases and clusters without our schema, for the tests of what stands below it."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator, Iterator
from typing import Protocol

import pytest
import pytest_asyncio

from kotally.db import Database
from kotally.db.connections import Target
from tests.db.machine import Machine, empty_directory


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


@pytest.fixture
def new() -> Iterator[Machine]:
    """Give a data directory without a cluster."""
    made = Machine(empty_directory())
    yield made
    made.end()


@pytest.fixture(scope="session")
def seed() -> Iterator[Machine]:
    """Give a cluster to copy, because making one takes a second."""
    made = Machine(empty_directory())
    made.start("stay").ended()
    made.stop()
    yield made
    made.end()


@pytest.fixture
def machine(seed: Machine) -> Iterator[Machine]:
    """Give a data directory with a cluster that is not running."""
    made = Machine(empty_directory())
    made.directory.chmod(0o711)
    subprocess.run(["cp", "-a", str(seed.root), str(made.root)], check=True)
    yield made
    made.end()

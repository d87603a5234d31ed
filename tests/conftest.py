"""
What every test can ask for: a database of its own, and connections to it as anybody.

One embedded cluster serves a whole run, shared by the workers; each test that asks for `db` gets
a copy of a migrated template. KOTALLY_TEST_DATABASE_URL names another server to use instead; its
login must be allowed to make databases and roles.
"""

from __future__ import annotations

import fcntl
import hashlib
import itertools
import os
import shutil
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest
import pytest_asyncio

from kotally.config import Secret, Settings
from kotally.db import Database
from kotally.db.connections import NO_LIMITS, Target, connect
from kotally.db.migrator import migrate
from kotally.db.opening import reached
from kotally.db.sqlfiles import read_scripts

DATA = pytest.StashKey[Path]()
URL_VARIABLE = "KOTALLY_TEST_DATABASE_URL"
# Ordinary tests do not survive a power cut, and need not: this halves their time.
FAST = (
    "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\nmax_wal_size = 256MB\n"
    # Two workers with fifty callers each, beside what the other tests hold open.
    "max_connections = 400\n"
)
STOP_WAIT_S = 20

_numbers = itertools.count(1)

Connect = Callable[[str | None], Awaitable[asyncpg.Connection]]


def pytest_configure(config: pytest.Config) -> None:
    """Choose one data directory for the whole run."""
    worker = getattr(config, "workerinput", None)
    if worker is not None:
        config.stash[DATA] = Path(worker["kotally_data"])
        return
    # Not below pytest's own directory: that one is closed to the user the server runs as.
    data = config.stash[DATA] = Path(tempfile.mkdtemp(prefix="kotally-tests-"))
    (data / "postgres").mkdir()
    (data / "postgres" / "local.conf").write_text(FAST)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist where the cluster is."""
    node.workerinput["kotally_data"] = str(node.config.stash[DATA])


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the cluster of the run and remove it."""
    if hasattr(config, "workerinput") or DATA not in config.stash:
        return
    data = config.stash[DATA]
    stop_supervisor(data)
    shutil.rmtree(data, ignore_errors=True)


def stop_supervisor(directory: Path) -> None:
    """Tell a supervisor that nobody will come again, and wait until it has stopped the server."""
    lock = directory / "postgres" / "supervisor.lock"
    if not lock.exists():
        return
    with lock.open() as file:
        for attempt in range(STOP_WAIT_S * 20):
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                pid = lock.read_text().strip()
                if attempt == 0 and pid:
                    with suppress(ProcessLookupError):  # it may just have stopped by itself
                        os.kill(int(pid), signal.SIGTERM)
                time.sleep(0.05)
            else:
                return


@pytest.fixture(scope="session")
def directory(pytestconfig: pytest.Config) -> Path:
    """Return the data directory of the run's cluster."""
    return pytestconfig.stash[DATA]


@pytest.fixture
def data_directory() -> Iterator[Path]:
    """Give a new KOTALLY_DATA for a test that starts the product itself; stops what it started."""
    made = Path(tempfile.mkdtemp(prefix="kotally-data-"))
    (made / "postgres").mkdir()
    (made / "postgres" / "local.conf").write_text(FAST)
    yield made
    stop_supervisor(made)
    shutil.rmtree(made, ignore_errors=True)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server(directory: Path) -> AsyncIterator[Target]:
    """Give the owner's way into the server of this run."""
    url = os.environ.get(URL_VARIABLE)
    settings = Settings(data=directory, database_url=Secret(url) if url else None)
    async with reached(settings) as target:
        yield target


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def template(server: Target) -> str:
    """Return the name of a migrated database to make copies of; made once for all workers."""
    scripts = read_scripts()
    texts = [*scripts.migrations, *scripts.repeatables]
    digest = hashlib.sha256(msgspec.json.encode([text.sha256 for text in texts])).hexdigest()[:12]
    name = f"kotally_template_{digest}"
    connection = await connect(server, role=None, limits=NO_LIMITS)
    try:
        await connection.execute("select pg_advisory_lock(hashtext($1))", name)
        if await connection.fetchval(
            "select datistemplate from pg_database where datname=$1", name
        ):
            return name
        await connection.execute(f"drop database if exists {name}")
        await connection.execute(f"create database {name} template template0")
        await migrate(msgspec.structs.replace(server, database=name), scripts)
        await connection.execute(f"alter database {name} is_template true")
    finally:
        await connection.close()
    return name


class Clones:
    """Makes databases from a template and drops them."""

    def __init__(self, server: Target) -> None:
        self._server = server

    async def make(self, template: str) -> Target:
        """Make a fresh copy of a template."""
        name = f"kotally_test_{os.getpid()}_{next(_numbers)}"
        await self._run(f"create database {name} template {template} strategy wal_log")
        return msgspec.structs.replace(self._server, database=name)

    async def drop(self, target: Target) -> None:
        """Drop a copy, whoever may still be connected to it."""
        await self._run(f"drop database {target.database} with (force)")

    async def _run(self, sql: str) -> None:
        connection = await connect(self._server, role=None, limits=NO_LIMITS)
        try:
            await connection.execute(sql)
        finally:
            await connection.close()


@pytest.fixture(scope="session")
def clones(server: Target) -> Clones:
    """Return the maker of databases, for fixtures of a wider scope than one test."""
    return Clones(server)


@pytest_asyncio.fixture(loop_scope="session")
async def target(clones: Clones, template: str) -> AsyncIterator[Target]:
    """Give the address of a migrated, empty database of this test."""
    made = await clones.make(template)
    yield made
    await clones.drop(made)


@pytest_asyncio.fixture(loop_scope="session")
async def db(target: Target) -> AsyncIterator[Database]:
    """Give this test's database as the application sees it."""
    database = Database(target)
    yield database
    await database.close()


@pytest_asyncio.fixture(loop_scope="session")
async def connected(target: Target) -> AsyncIterator[Connect]:
    """Give a function that connects to this test's database as a role; None is the owner."""
    async with AsyncExitStack() as stack:

        async def open_as(role: str | None) -> asyncpg.Connection:
            connection = await connect(target, role=role)
            stack.push_async_callback(connection.close)
            return connection

        yield open_as


@pytest_asyncio.fixture(loop_scope="session")
async def owner(connected: Connect) -> asyncpg.Connection:
    """Return a connection to this test's database as its owner."""
    return await connected(None)


@pytest_asyncio.fixture(loop_scope="session")
async def owner_db(target: Target) -> AsyncIterator[Database]:
    """Give this test's database as its owner sees it; for arranging what nobody else may."""
    database = Database(target, role=None)
    yield database
    await database.close()

"""A data directory with a location full of credits, to copy for each test that kills something."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from kotally.config import Settings
from kotally.core.ids import new_id
from kotally.db import Database, opened
from kotally.ledger.acts import Key, digest
from kotally.ledger.writer import Writer
from kotally.payments import grants
from kotally.payments.grants import Purchase
from kotally.products import products
from kotally.products.products import Product, Terms
from kotally.workspaces import api_clients, locations, workspaces
from kotally.workspaces.api_clients import Issued
from kotally.workspaces.workspaces import Workspace
from tests.crash.served import EACH, LOCATION, MEMBERS, PRODUCT, Service
from tests.db.machine import Machine, empty_directory

# What a killed process has written is with the operating system: only a machine would lose it.
SETTINGS = "fsync = off\n"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def seed() -> AsyncIterator[tuple[Machine, str]]:
    """Give a data directory with a location, members full of credits, and a token."""
    made = Machine(empty_directory())
    made.root.mkdir()
    (made.root / "local.conf").write_text(SETTINGS)
    async with opened(Settings(data=made.directory)) as db:
        token = await _furnish(db)
    await asyncio.to_thread(made.stop)
    yield made, token
    made.end()


@pytest.fixture
def service(seed: tuple[Machine, str]) -> Iterator[Service]:
    """Give a service that is not running, on a copy of the seed."""
    machine, token = seed
    copy = Machine(empty_directory())
    yield from _lent(copy, machine, token)


def _lent(copy: Machine, seed: Machine, token: str) -> Iterator[Service]:
    copy.directory.chmod(0o711)
    subprocess.run(["cp", "-a", str(seed.root), str(copy.root)], check=True)
    lent = Service(copy, token)
    yield lent
    if lent.popen is not None:
        lent.kill()
    copy.end()
    shutil.rmtree(copy.directory, ignore_errors=True)


async def _furnish(db: Database) -> str:
    workspace = await workspaces.create(
        db, name="Studio", owner_email="owner@example.com", password="correct horse"
    )
    assert isinstance(workspace, Workspace)
    await locations.create(db, workspace.id, name="Main", timezone="UTC", location_id=LOCATION)
    terms = Terms(name="Many", credits=EACH)
    made = await products.create(db, LOCATION, type="package", terms=terms, product_id=PRODUCT)
    assert isinstance(made, Product)
    writer = Writer(db)
    await writer.start()
    for member in MEMBERS:
        await _sell(db, writer, member)
    await writer.stop()
    issued = await api_clients.create(
        db, LOCATION, name="Crash", scopes=["deduct", "summary"], rate=1_000_000
    )
    assert isinstance(issued, Issued)
    return issued.token


async def _sell(db: Database, writer: Writer, member: str) -> None:
    purchase = Purchase(
        location_id=LOCATION,
        external_contact_id=member,
        product_config_id=PRODUCT,
        external_payment_id=member,
        provider="tests",
        event_type="payment_confirmed",
    )
    hash_, body = digest("grant", purchase)
    key = Key(member, hash_, body, new_id(), "api", "tests")
    assert (await grants.grant(db, writer, purchase, key=key)).done

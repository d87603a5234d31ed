"""A workspace, a location and a client to start from."""

from __future__ import annotations

import pytest_asyncio

from kotally.db import Database
from kotally.workspaces import api_clients, locations, workspaces
from kotally.workspaces.api_clients import Issued
from kotally.workspaces.locations import Location
from kotally.workspaces.workspaces import Workspace


@pytest_asyncio.fixture(loop_scope="session")
async def workspace(db: Database) -> Workspace:
    made = await workspaces.create(
        db, name="Studio", owner_email="owner@example.com", password="correct horse"
    )
    assert isinstance(made, Workspace)
    return made


@pytest_asyncio.fixture(loop_scope="session")
async def location(db: Database, workspace: Workspace) -> Location:
    made = await locations.create(
        db, workspace.id, name="Main", timezone="America/New_York", location_id="loc_1"
    )
    assert isinstance(made, Location)
    return made


@pytest_asyncio.fixture(loop_scope="session")
async def sandbox(db: Database, workspace: Workspace) -> Location:
    made = await locations.create(
        db, workspace.id, name="Try", timezone="America/New_York", sandbox=True
    )
    assert isinstance(made, Location)
    return made


@pytest_asyncio.fixture(loop_scope="session")
async def issued(db: Database, location: Location) -> Issued:
    made = await api_clients.create(db, location.id, name="Shop", scopes=["summary", "grant"])
    assert isinstance(made, Issued)
    return made

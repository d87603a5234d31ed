"""Two locations to sell in."""

from __future__ import annotations

import pytest_asyncio

from kotally.db import Database
from kotally.workspaces import locations, workspaces
from kotally.workspaces.locations import Location
from kotally.workspaces.workspaces import Workspace


@pytest_asyncio.fixture(loop_scope="session")
async def location(db: Database) -> Location:
    workspace = await workspaces.create(
        db, name="Studio", owner_email="owner@example.com", password="correct horse"
    )
    assert isinstance(workspace, Workspace)
    for location_id in ("loc_1", "loc_2"):
        made = await locations.create(
            db, workspace.id, name=location_id, timezone="UTC", location_id=location_id
        )
    found = await locations.find(db, "loc_1")
    assert isinstance(made, Location)
    assert isinstance(found, Location)
    return found

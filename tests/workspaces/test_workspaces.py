"""Workspaces: an owner each, found by id or name, billed as told."""

from __future__ import annotations

from typing import Any

import pytest

from kotally.core.ids import new_id
from kotally.db import Database
from kotally.workspaces import passwords, workspaces
from kotally.workspaces.refusals import Refused
from kotally.workspaces.workspaces import Workspace

OWNER: dict[str, Any] = {"owner_email": "Owner@Example.com", "password": "correct horse"}


async def made(db: Database, **changes: Any) -> Workspace:
    workspace = await workspaces.create(db, **{"name": "Studio", **OWNER, **changes})
    assert isinstance(workspace, Workspace)
    return workspace


async def test_a_new_workspace_is_billing_active_and_has_an_owner(db: Database) -> None:
    workspace = await made(db)

    owner = await db.fetchrow("select * from kotally.users")
    assert owner is not None
    assert workspace.billing_status == "active"
    assert (owner["workspace_id"], owner["role"]) == (workspace.id, "owner")
    assert owner["email"] == "Owner@Example.com"
    assert "correct horse" not in owner["password_hash"]
    assert await passwords.fits(owner["password_hash"], "correct horse")
    assert not await passwords.fits(owner["password_hash"], "wrong horse")


async def test_a_taken_email_makes_no_workspace_either(db: Database) -> None:
    await made(db)

    refused = await workspaces.create(
        db, name="Other", owner_email="owner@example.COM", password="correct horse"
    )

    assert isinstance(refused, Refused)
    assert refused.code == "TAKEN"
    assert await db.fetchval("select count(*) from kotally.workspaces") == 1


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("name", "  ", "empty"),
        ("name", "x" * 201, "201"),
        ("name", "a\x00b", "printed"),
        ("name", "a\udcffb", "printed"),
        ("owner_email", "nobody", "email"),
        ("owner_email", "a@b@c", "email"),
        ("owner_email", "a b@c.de", "email"),
        ("password", "seven77", "at least 8"),
        ("password", "x" * 1_001, "at most"),
    ],
)
async def test_a_wrong_field_is_refused_by_name(
    db: Database, field: str, value: str, says: str
) -> None:
    refused = await workspaces.create(db, **{"name": "Studio", **OWNER, field: value})

    assert isinstance(refused, Refused)
    assert (refused.code, says in refused.message) == ("INVALID", True)
    assert await db.fetchval("select count(*) from kotally.users") == 0


async def test_a_workspace_is_found_by_id_and_by_its_only_name(db: Database) -> None:
    first = await made(db)
    twin = await made(db, name="Twin", owner_email="a@b.de")
    await made(db, name="Twin", owner_email="b@b.de")

    assert await workspaces.find(db, "Studio") == first
    assert await workspaces.find(db, str(twin.id).upper()) == twin
    refused = await workspaces.find(db, "Twin")
    assert isinstance(refused, Refused)
    assert "by its id" in refused.message
    missing = await workspaces.find(db, "Nothing")
    assert isinstance(missing, Refused)
    assert missing.code == "NOT_FOUND"
    assert len(await workspaces.listed(db)) == 3


async def test_billing_is_set(db: Database) -> None:
    workspace = await made(db)

    changed = await workspaces.set_billing(db, workspace.id, "suspended")
    missing = await workspaces.set_billing(db, new_id(), "suspended")

    assert isinstance(changed, Workspace)
    assert changed.billing_status == "suspended"
    assert isinstance(missing, Refused)


async def test_a_damaged_hash_fits_no_password() -> None:
    assert not await passwords.fits("no hash", "correct horse")

"""API clients: tokens shown once, scopes that exist, rotation with an overlap."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kotally.core.ids import new_id
from kotally.db import Database
from kotally.workspaces import api_clients
from kotally.workspaces.api_clients import ApiClient, Issued, digest
from kotally.workspaces.locations import Location
from kotally.workspaces.refusals import Refused

TOKEN = re.compile(
    r"ktly_([0-9a-f-]{36})_([0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f-]{16})"
)


async def test_a_token_names_its_client_and_only_a_digest_is_kept(
    db: Database, issued: Issued
) -> None:
    parts = TOKEN.fullmatch(issued.token)

    row = await db.fetchrow("select * from kotally.api_clients")
    assert parts is not None
    assert row is not None
    assert parts[1] == str(issued.client.id)
    assert row["secret_hash"] == digest(parts[2])
    assert parts[2] not in str(dict(row))
    assert issued.client.scopes == ["grant", "summary"]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"name": " "}, "name"),
        ({"scopes": []}, "at least one scope"),
        ({"scopes": ["grant", "batch"]}, "'batch'"),
        ({"rate": 0}, "1000000"),
        ({"rate": 1_000_001}, "1000000"),
        ({"expires_at": datetime(2030, 1, 1)}, "offset"),  # noqa: DTZ001 - what a person types has none
    ],
)
async def test_a_wrong_client_is_refused(
    db: Database, location: Location, changes: dict[str, Any], says: str
) -> None:
    fields: dict[str, Any] = {"name": "Shop", "scopes": ["grant"]}
    refused = await api_clients.create(db, location.id, **(fields | changes))

    assert isinstance(refused, Refused)
    assert says in refused.message


async def test_a_client_needs_its_location(db: Database) -> None:
    refused = await api_clients.create(db, "loc_none", name="Shop", scopes=["grant"])

    assert isinstance(refused, Refused)
    assert refused.code == "NOT_FOUND"


async def test_a_rotation_keeps_the_old_secret_for_the_overlap(
    db: Database, issued: Issued
) -> None:
    rotated = await api_clients.rotate(db, issued.client.id, overlap_hours=24)

    assert isinstance(rotated, Issued)
    assert rotated.token != issued.token
    until = rotated.client.previous_valid_until
    assert until is not None
    assert timedelta(hours=23) < until - datetime.now(UTC) <= timedelta(hours=24)


async def test_a_rotation_without_overlap_forgets_the_old_secret(
    db: Database, issued: Issued
) -> None:
    await api_clients.rotate(db, issued.client.id, overlap_hours=24)
    rotated = await api_clients.rotate(db, issued.client.id)

    assert isinstance(rotated, Issued)
    assert rotated.client.previous_valid_until is None


@pytest.mark.parametrize("hours", [-1, 169])
async def test_an_overlap_is_a_week_at_most(db: Database, issued: Issued, hours: int) -> None:
    refused = await api_clients.rotate(db, issued.client.id, overlap_hours=hours)

    assert isinstance(refused, Refused)


async def test_a_deactivated_client_stays_so(db: Database, issued: Issued) -> None:
    first = await api_clients.deactivate(db, issued.client.id)
    again = await api_clients.deactivate(db, issued.client.id)

    assert isinstance(first, ApiClient)
    assert first.deactivated_at is not None
    assert first == again
    assert isinstance(await api_clients.rotate(db, issued.client.id), Refused)
    assert await api_clients.listed(db, "loc_1") == [first]
    assert await api_clients.listed(db, "loc_2") == []


async def test_an_unknown_client_is_refused(db: Database) -> None:
    assert isinstance(await api_clients.deactivate(db, new_id()), Refused)

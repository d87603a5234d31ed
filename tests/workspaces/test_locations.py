"""Locations: ids, zones that exist, statuses, and clocks that only go forward."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kotally.core import clock
from kotally.core.ids import new_id
from kotally.db import Database
from kotally.workspaces import clocks, locations
from kotally.workspaces.clocks import Advanced
from kotally.workspaces.locations import Location
from kotally.workspaces.refusals import Refused
from kotally.workspaces.timezones import suggestion
from kotally.workspaces.workspaces import Workspace


async def test_a_location_gets_an_id_and_real_time(db: Database, workspace: Workspace) -> None:
    made = await locations.create(db, workspace.id, name="Main", timezone="Europe/Berlin")

    assert isinstance(made, Location)
    assert made.id.startswith("loc_")
    assert (made.status, made.is_sandbox, made.cancel_window_minutes) == ("active", False, 720)
    assert abs(made.now - clock.now()) < timedelta(seconds=10)
    assert await locations.find(db, made.id) != made  # time goes on


async def test_an_id_is_given_once(db: Database, location: Location) -> None:
    again = await locations.create(
        db, location.workspace_id, name="Other", timezone="UTC", location_id=location.id
    )

    assert isinstance(again, Refused)
    assert again.code == "TAKEN"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"name": ""}, "name"),
        ({"timezone": "Europe/Belrin"}, "did you mean Europe/Berlin?"),
        ({"timezone": "Mars/Olympus"}, "America/New_York"),
        ({"timezone": "localtime"}, "no time zone"),
        ({"timezone": "+02:00"}, "no time zone"),  # S14.1: never an offset as a zone
        ({"timezone": "UTC+2"}, "no time zone"),
        ({"timezone": "../etc/passwd"}, "no time zone"),
        ({"location_id": "loc 1"}, "letters"),
        ({"location_id": "x" * 65}, "64"),
        ({"location_id": ""}, "letters"),
        ({"clock_at": datetime(2026, 1, 1, tzinfo=UTC)}, "--sandbox"),
    ],
)
async def test_a_wrong_location_is_refused(
    db: Database, workspace: Workspace, changes: dict[str, Any], says: str
) -> None:
    fields: dict[str, Any] = {"name": "Main", "timezone": "UTC"}
    refused = await locations.create(db, workspace.id, **(fields | changes))

    assert isinstance(refused, Refused)
    assert says in refused.message


async def test_an_unknown_workspace_has_no_locations(db: Database) -> None:
    refused = await locations.create(db, new_id(), name="Main", timezone="UTC")

    assert isinstance(refused, Refused)
    assert refused.code == "NOT_FOUND"


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("europe/berlin", "Europe/Berlin"),
        ("Berlin", "Europe/Berlin"),
        ("new york", "America/New_York"),
        ("Amerika/New_York", "America/New_York"),
        ("utc", "UTC"),
        ("qqqqqqqq", None),
    ],
)
def test_the_nearest_zone_is_suggested(said: str, meant: str | None) -> None:
    assert suggestion(said) == meant


async def test_a_status_is_set(db: Database, location: Location) -> None:
    changed = await locations.set_status(db, location.id, "disconnected")

    assert isinstance(changed, Location)
    assert changed.status == "disconnected"
    assert [found.id for found in await locations.listed(db, location.workspace_id)] == ["loc_1"]
    assert await locations.listed(db, new_id()) == []


async def test_a_sandbox_stands_still(db: Database, sandbox: Location) -> None:
    again = await locations.find(db, sandbox.id)

    assert again == sandbox


async def test_a_sandbox_can_start_in_the_past(db: Database, workspace: Workspace) -> None:
    at = datetime(2026, 1, 31, 12, tzinfo=UTC)

    made = await locations.create(
        db, workspace.id, name="Old", timezone="UTC", sandbox=True, clock_at=at
    )

    assert isinstance(made, Location)
    assert made.now == at


async def test_days_are_local_days(db: Database, workspace: Workspace) -> None:
    """Over the start of daylight saving time a day has 23 hours (S14.2)."""
    made = await locations.create(
        db,
        workspace.id,
        name="Old",
        timezone="America/New_York",
        sandbox=True,
        clock_at=datetime(2026, 3, 7, 13, tzinfo=UTC),
    )
    assert isinstance(made, Location)

    moved = await clocks.advance_days(db, made.id, 1)

    assert isinstance(moved, Advanced)
    assert moved.before == made.now
    assert moved.location.now == datetime(2026, 3, 8, 12, tzinfo=UTC)


async def test_a_time_without_offset_is_local(db: Database, sandbox: Location) -> None:
    moved = await clocks.advance_to(db, sandbox.id, datetime(2030, 7, 1, 8))  # noqa: DTZ001 - what a person types has none

    assert isinstance(moved, Advanced)
    assert moved.location.now == datetime(2030, 7, 1, 12, tzinfo=UTC)


async def test_a_clock_never_goes_back_or_stays(db: Database, sandbox: Location) -> None:
    for at in (sandbox.now, sandbox.now - timedelta(days=1)):
        refused = await clocks.advance_to(db, sandbox.id, at)

        assert isinstance(refused, Refused)
        assert "forward" in refused.message


@pytest.mark.parametrize("days", [-1, 0, 3_661])
async def test_days_have_limits(db: Database, sandbox: Location, days: int) -> None:
    assert isinstance(await clocks.advance_days(db, sandbox.id, days), Refused)


async def test_the_end_of_time_is_refused(db: Database, sandbox: Location) -> None:
    assert isinstance(
        await clocks.advance_to(db, sandbox.id, datetime(9999, 1, 1, tzinfo=UTC)), Refused
    )


async def test_real_time_is_not_ours_to_move(db: Database, location: Location) -> None:
    refused = await clocks.advance_days(db, location.id, 1)

    assert isinstance(refused, Refused)
    assert "--sandbox" in refused.message
    assert isinstance(await clocks.advance_days(db, "loc_none", 1), Refused)
    assert isinstance(await clocks.advance_to(db, "loc_none", location.now), Refused)

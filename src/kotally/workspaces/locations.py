"""Locations: each is a ledger, with a time zone, a status and sometimes a clock of its own."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final, Literal, get_args
from uuid import UUID

from msgspec import Struct

from kotally.core.ids import public_id
from kotally.db import Queries
from kotally.workspaces.refusals import Refused, invalid, not_found, text_fault
from kotally.workspaces.timezones import zone_fault

LocationStatus = Literal["pending", "active", "disconnected"]

LOCATION_STATUSES: Final[tuple[LocationStatus, ...]] = get_args(LocationStatus)
PUBLIC_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
PUBLIC_ID_FORM: Final = "use 1 to 64 letters, digits, _ or -"


class Location(Struct, frozen=True, kw_only=True):
    """One site. `now` is its own time: real, or of a sandbox's clock."""

    id: str
    workspace_id: UUID
    name: str
    timezone: str
    status: LocationStatus
    is_sandbox: bool
    cancel_window_minutes: int
    now: datetime
    created_at: datetime


async def create(
    db: Queries,
    workspace_id: UUID,
    *,
    name: str,
    timezone: str,
    location_id: str | None = None,
    sandbox: bool = False,
    clock_at: datetime | None = None,
) -> Location | Refused:
    """
    Create an active location; without an id it gets one like `loc_7k2m9x4c1d0a`.

    A sandbox stands still at `clock_at`, or at the moment of its making, until it is advanced.
    """
    name = name.strip()
    if fault := text_fault("name", name) or zone_fault(timezone):
        return fault
    if location_id is not None and not PUBLIC_ID.fullmatch(location_id):
        return invalid(f"{location_id!r} cannot be a location's id; {PUBLIC_ID_FORM}.")
    if clock_at is not None and not sandbox:
        return invalid("Only a sandbox has a clock of its own; create it with --sandbox.")
    if not await db.fetchval("select true from kotally.workspaces where id = $1", workspace_id):
        return not_found(
            f"There is no workspace {workspace_id}; `kotally workspace list` shows all."
        )
    made = await db.fetchval(
        """
        insert into kotally.locations (id, workspace_id, name, timezone, is_sandbox, clock_at)
        values ($1, $2, $3, $4, $5,
                case when $5 then coalesce($6, date_trunc('milliseconds', clock_timestamp())) end)
        on conflict (id) do nothing
        returning id
        """,
        location_id or public_id("loc"),
        workspace_id,
        name,
        timezone,
        sandbox,
        clock_at,
    )
    if made is None:
        return Refused("TAKEN", f"There is a location {location_id} already; choose another id.")
    return await find(db, made)


async def find(db: Queries, location_id: str) -> Location | Refused:
    """Find a location by its id."""
    found = await db.one(
        Location,
        """
        select id, workspace_id, name, timezone, status, is_sandbox, cancel_window_minutes,
               kotally.location_now(id) as now, created_at
          from kotally.locations where id = $1
        """,
        location_id,
    )
    return found or _unknown(location_id)


async def listed(db: Queries, workspace_id: UUID | None = None) -> list[Location]:
    """List the locations of a workspace, or all; by id."""
    return await db.rows(
        Location,
        """
        select id, workspace_id, name, timezone, status, is_sandbox, cancel_window_minutes,
               kotally.location_now(id) as now, created_at
          from kotally.locations where $1::uuid is null or workspace_id = $1 order by id
        """,
        workspace_id,
    )


async def set_status(db: Queries, location_id: str, status: LocationStatus) -> Location | Refused:
    """Open or close a location to API clients; within two seconds every process obeys."""
    await db.execute("update kotally.locations set status = $2 where id = $1", location_id, status)
    return await find(db, location_id)


def _unknown(location_id: str) -> Refused:
    return not_found(
        f"There is no location {location_id!r}; `kotally location list` shows all of them."
    )

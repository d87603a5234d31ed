"""Move the clock of a sandbox location; a real location has real time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from msgspec import Struct

from kotally.core.calendar import iso
from kotally.db import Queries
from kotally.workspaces import locations
from kotally.workspaces.locations import Location
from kotally.workspaces.refusals import Refused, invalid
from kotally.workspaces.timezones import zone

DAYS_MAX: Final = 3_660  # ten years a step
YEAR_MAX: Final = 9_000  # dates beyond are no dates to Python or to people


class Advanced(Struct, frozen=True):
    """What moving a clock came to."""

    location: Location
    before: datetime


async def advance_days(db: Queries, location_id: str, days: int) -> Advanced | Refused:
    """Move a sandbox's clock on by local days: the same time of day, whatever daylight saving."""
    return await _advance(db, location_id, days=days)


async def advance_to(db: Queries, location_id: str, to: datetime) -> Advanced | Refused:
    """Move a sandbox's clock on to an instant; without an offset, it is the location's own time."""
    return await _advance(db, location_id, to=to)


def target(
    location: Location, *, days: int | None = None, to: datetime | None = None
) -> datetime | Refused:
    """Return the instant so many local days on, or the one named, in the location's own time."""
    if not location.is_sandbox:
        return Refused(
            "NOT_ALLOWED",
            f"{location.id} has real time; only a location created with --sandbox can be advanced.",
        )
    place = zone(location.timezone)
    if to is not None:
        at = to if to.tzinfo is not None else to.replace(tzinfo=place)
    elif days is None or not 1 <= days <= DAYS_MAX:
        return invalid(f"A clock moves by 1 to {DAYS_MAX} days at a time, not by {days}.")
    else:
        # Wall-clock arithmetic: the same time of day, whatever daylight saving does between.
        at = location.now.astimezone(place) + timedelta(days=days)
    if at.year > YEAR_MAX:
        return invalid(f"The clock cannot go beyond the year {YEAR_MAX}.")
    at = at.astimezone(UTC)
    if at <= location.now:
        return Refused(
            "NOT_ALLOWED",
            f"The clock only goes forward: it stands at {iso(location.now)} already.",
        )
    return at


async def _advance(
    db: Queries, location_id: str, *, days: int | None = None, to: datetime | None = None
) -> Advanced | Refused:
    location = await locations.find(db, location_id)
    if isinstance(location, Refused):
        return location
    at = target(location, days=days, to=to)
    return at if isinstance(at, Refused) else await _set(db, location, at)


async def set_to(db: Queries, location_id: str, at: datetime) -> Advanced | Refused:
    """Move a sandbox's clock on to an instant, and do nothing else."""
    location = await locations.find(db, location_id)
    return location if isinstance(location, Refused) else await _set(db, location, at)


async def _set(db: Queries, location: Location, at: datetime) -> Advanced | Refused:
    """Set the clock unless somebody else has moved it past the instant meanwhile."""
    if not location.is_sandbox:
        return Refused(
            "NOT_ALLOWED",
            f"{location.id} has real time; only a location created with --sandbox can be advanced.",
        )
    if at.year > YEAR_MAX:
        return invalid(f"The clock cannot go beyond the year {YEAR_MAX}.")
    moved = await db.execute(
        "update kotally.locations set clock_at = $2 where id = $1 and is_sandbox and clock_at < $2",
        location.id,
        at,
    )
    after = await locations.find(db, location.id)
    if isinstance(after, Refused):
        return after
    if moved != "UPDATE 1":
        return Refused(
            "NOT_ALLOWED",
            f"The clock only goes forward: it stands at {iso(after.now)} already.",
        )
    return Advanced(after, location.now)

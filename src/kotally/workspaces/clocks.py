"""Move the clock of a sandbox location; a real location has real time."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from msgspec import Struct

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
    location = await locations.find(db, location_id)
    if isinstance(location, Refused):
        return location
    if not 1 <= days <= DAYS_MAX:
        return invalid(f"A clock moves by 1 to {DAYS_MAX} days at a time, not by {days}.")
    at: datetime = await db.fetchval(
        "select ($1::timestamptz at time zone $2 + make_interval(days => $3)) at time zone $2",
        location.now,
        location.timezone,
        days,
    )
    return await _set(db, location, at)


async def advance_to(db: Queries, location_id: str, to: datetime) -> Advanced | Refused:
    """Move a sandbox's clock on to an instant; without an offset, it is the location's own time."""
    location = await locations.find(db, location_id)
    if isinstance(location, Refused):
        return location
    if to.tzinfo is None:
        to = to.replace(tzinfo=zone(location.timezone))
    return await _set(db, location, to)


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
            f"The clock only goes forward: it stands at {after.now.isoformat()} already.",
        )
    return Advanced(after, location.now)

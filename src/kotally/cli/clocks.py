"""`kotally clock`: the time of a location, and moving that of a sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kotally.cli.arguments import Arguments, Commands, command, location_option, noun, time, whole
from kotally.cli.locations import facts
from kotally.cli.running import accepted, on_database
from kotally.cli.said import Said

if TYPE_CHECKING:
    from datetime import datetime

    from kotally.db import Database


def declare(commands: Commands) -> None:
    """Declare the commands."""
    verbs = noun(commands, "clock", "The clock of a location.")
    show = command(verbs, "show", on_database(_show), about="Show what time it is there.")
    location_option(show)
    advance = command(
        verbs, "advance", on_database(_advance), about="Move a sandbox's clock forward."
    )
    location_option(advance)
    way = advance.add_mutually_exclusive_group(required=True)
    way.add_argument("--days", metavar="N", type=whole, help="by local days, same time of day")
    way.add_argument(
        "--to", metavar="ISO", type=time, help="to a time; without an offset, the location's own"
    )


async def _show(db: Database, arguments: Arguments) -> Said:
    from kotally.workspaces import locations

    location = accepted(await locations.find(db, arguments.location))
    kind = "its own clock" if location.is_sandbox else "real time"
    return Said(facts(location), [f"{_local(location.now, location.timezone)} ({kind})"])


async def _advance(db: Database, arguments: Arguments) -> Said:
    """Move the clock through every due instant and say what happened, line by line."""
    from kotally.worker import travel
    from kotally.workspaces import clocks, locations
    from kotally.workspaces.refusals import Refused

    before = accepted(await locations.find(db, arguments.location))
    to = accepted(clocks.target(before, days=arguments.days, to=arguments.to))
    happenings: list[travel.Happening] = []
    async for each in travel.advance(db, before.id, to):
        if isinstance(each, Refused):
            accepted(each)
        else:
            happenings.append(each)
    after = accepted(await locations.find(db, before.id))
    return Said(
        {
            **facts(after),
            "before": before.now,
            "happened": [
                {"at": each.at, "sweep": each.sweep, "line": each.line} for each in happenings
            ],
        },
        [
            f"In {after.id} it was {_local(before.now, after.timezone)}",
            *(f"  {_local(each.at, after.timezone)}  {each.line}" for each in happenings),
            f"and is now {_local(after.now, after.timezone)}.",
        ],
    )


def _local(at: datetime, timezone: str) -> str:
    """Show an instant with the location's zone (S14.6)."""
    from kotally.workspaces.timezones import zone

    return f"{at.astimezone(zone(timezone)):%a %d %b %Y %H:%M:%S %Z} {timezone}"

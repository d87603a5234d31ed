"""`kotally location`: the sites of a workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kotally.cli import screen
from kotally.cli.acts import fresh_key, said_of
from kotally.cli.arguments import Arguments, Commands, choice_option, command, noun
from kotally.cli.running import accepted, on_database
from kotally.cli.said import Said

if TYPE_CHECKING:
    from kotally.db import Database
    from kotally.workspaces.locations import Location

STATUSES = ("pending", "active", "disconnected")


def declare(commands: Commands) -> None:
    """Declare the commands."""
    verbs = noun(commands, "location", "Locations: each is a ledger with its own time zone.")
    create = command(verbs, "create", on_database(_create), about="Create a location.")
    create.add_argument("--workspace", metavar="W", required=True, help="its id or its name")
    create.add_argument("--name", metavar="N", required=True, help="what the site is called")
    create.add_argument("--timezone", metavar="TZ", required=True, help="such as America/New_York")
    create.add_argument("--id", metavar="loc_1", help="an id of your own; made up without it")
    create.add_argument(
        "--sandbox",
        action="store_true",
        help="for trying out: its clock stands still until `kotally clock advance`",
    )
    found = command(verbs, "list", on_database(_list), about="List the locations.")
    found.add_argument("--workspace", metavar="W", help="only those of this workspace")
    status = command(
        verbs, "set-status", on_database(_set_status), about="Open or close a location."
    )
    status.add_argument("--location", metavar="L", required=True, help="the location's id")
    choice_option(status, "--status", STATUSES)
    rezone = command(
        verbs,
        "set-timezone",
        on_database(_set_timezone),
        about="Move a location to another time zone; dates to come stay the same dates.",
    )
    rezone.add_argument("--location", metavar="L", required=True, help="the location's id")
    rezone.add_argument("--timezone", metavar="TZ", required=True, help="such as Europe/Berlin")
    rezone.add_argument("--preview", action="store_true", help="say what would happen, do nothing")


async def _create(db: Database, arguments: Arguments) -> Said:
    from kotally.workspaces import locations, workspaces

    workspace = accepted(await workspaces.find(db, arguments.workspace))
    made = accepted(
        await locations.create(
            db,
            workspace.id,
            name=arguments.name,
            timezone=arguments.timezone,
            location_id=arguments.id,
            sandbox=arguments.sandbox,
        )
    )
    kind = "Sandbox location" if made.is_sandbox else "Location"
    return Said(
        facts(made),
        [
            f"{kind} {made.name} is made: {made.id}",
            (
                f'Next: kotally product create --location {made.id} --name "10 Class Pack" '
                "--type package --credits 10"
            ),
        ],
    )


async def _list(db: Database, arguments: Arguments) -> Said:
    from kotally.workspaces import locations, workspaces

    workspace_id = None
    if arguments.workspace is not None:
        workspace_id = accepted(await workspaces.find(db, arguments.workspace)).id
    found = await locations.listed(db, workspace_id)
    rows = [
        (each.id, each.name, each.timezone, each.status, "sandbox" if each.is_sandbox else "")
        for each in found
    ]
    return Said(
        {"locations": [facts(each) for each in found]},
        screen.table(("LOCATION", "NAME", "TIME ZONE", "STATUS", ""), rows)
        if rows
        else ["There is no location yet."],
    )


async def _set_status(db: Database, arguments: Arguments) -> Said:
    from kotally.workspaces import locations

    changed = accepted(await locations.set_status(db, arguments.location, arguments.status))
    return Said(facts(changed), [f"Location {changed.id} is {changed.status} now."])


async def _set_timezone(db: Database, arguments: Arguments) -> Said:
    from kotally.bookings import overdue
    from kotally.memberships import zones
    from kotally.workspaces import locations

    accepted(await locations.find(db, arguments.location))
    await overdue.bring_location_up_to_date(db, arguments.location)
    outcome = await zones.change_zone(
        db,
        arguments.location,
        arguments.timezone,
        key=fresh_key("set-timezone"),
        preview=arguments.preview,
    )
    return said_of(outcome, preview=arguments.preview)


def facts(location: Location) -> dict[str, object]:
    """Return what `--json` shows of a location."""
    return {
        "location_id": location.id,
        "workspace_id": location.workspace_id,
        "name": location.name,
        "timezone": location.timezone,
        "status": location.status,
        "is_sandbox": location.is_sandbox,
        "now": location.now,
    }

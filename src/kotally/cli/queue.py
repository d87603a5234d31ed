"""`kotally queue`: what a person has to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kotally.cli import screen
from kotally.cli.acts import fresh_key, said_of
from kotally.cli.arguments import Arguments, Commands, command, location_option, noun, uuid
from kotally.cli.running import accepted, on_database
from kotally.cli.said import Said

if TYPE_CHECKING:
    from kotally.db import Database

SHOWN_MAX = 1_000


def declare(commands: Commands) -> None:
    """Declare the commands."""
    verbs = noun(commands, "queue", "The work queue: what a person has to look at.")
    found = command(verbs, "list", on_database(_list), about="List the work queue.")
    location_option(found)
    found.add_argument("--status", choices=("open", "settled", "all"), default="open")
    for verb, about in (
        ("resolve", "Say that something was done about an item."),
        ("dismiss", "Say that nothing has to be done about an item."),
    ):
        settle = command(verbs, verb, on_database(_settle), about=about)
        location_option(settle)
        settle.add_argument("--item", metavar="ID", type=uuid, required=True, help="its id")
        settle.add_argument("--note", metavar="TEXT", required=True, help="what was done, or why")


async def _list(db: Database, arguments: Arguments) -> Said:
    import msgspec

    from kotally.workspaces import locations, work_items

    accepted(await locations.find(db, arguments.location))
    shown = await work_items.listed(
        db, arguments.location, status=arguments.status, limit=SHOWN_MAX
    )
    items = [msgspec.json.decode(item) for item in shown.items]
    if not items:
        return Said({"work_items": []}, ["Nothing waits for anybody."])
    names = ("id", "kind", "status", "external_contact_id", "raised_at", "note")
    rows = [[each[name] or "" for name in names] for each in items]
    head = ("ITEM", "KIND", "STATUS", "CONTACT", "SINCE", "NOTE")
    return Said({"work_items": items}, screen.table(head, rows))


async def _settle(db: Database, arguments: Arguments) -> Said:
    from kotally.workspaces import locations, work_items

    accepted(await locations.find(db, arguments.location))
    outcome = await work_items.settle(
        db,
        arguments.location,
        arguments.item,
        outcome="resolved" if arguments.verb == "resolve" else "dismissed",
        note=arguments.note,
        key=fresh_key(f"queue-{arguments.verb}"),
    )
    return said_of(outcome, preview=False)

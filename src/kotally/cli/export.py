"""`kotally export`: the ledger of a location as a file for others."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

from kotally.cli import screen
from kotally.cli.arguments import Arguments, Commands, choice_option, command, location_option
from kotally.cli.running import accepted, on_database
from kotally.cli.said import Failure, Said

if TYPE_CHECKING:
    from kotally.db import Database

FORMATS = ("csv", "beancount")


def declare(commands: Commands) -> None:
    """Declare the command."""
    parser = command(
        commands,
        "export",
        on_database(_export),
        about="Write a location's ledger as CSV or as a beancount journal.",
    )
    location_option(parser)
    choice_option(parser, "--format", FORMATS)
    parser.add_argument(
        "--output", metavar="FILE", type=Path, help="where to; else to the terminal"
    )


async def _export(db: Database, arguments: Arguments) -> Said:
    from kotally.exchange import export
    from kotally.workspaces import locations

    location = accepted(await locations.find(db, arguments.location))
    write = export.csv if arguments.format == "csv" else export.beancount
    facts: dict[str, object] = {"location_id": location.id, "format": arguments.format}
    async with aclosing(write(db, location.id)) as pieces:
        if arguments.output is not None:
            await _to_file(pieces, arguments.output)
            said = f"The ledger of {location.id} is in {arguments.output}."
            return Said({**facts, "file": str(arguments.output)}, [said])
        if getattr(arguments, "json", False):
            # One JSON object is promised, so here the whole of it is held in memory.
            return Said({**facts, "content": "".join([piece async for piece in pieces])}, [])
        async for piece in pieces:
            screen.write(piece)
    return Said(facts, [])


async def _to_file(pieces: AsyncIterator[str], path: Path) -> None:
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            async for piece in pieces:
                file.write(piece)
    except OSError as fault:
        raise Failure(f"Cannot write the export: {fault}") from fault

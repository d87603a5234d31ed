"""`kotally export`: the ledger of a location as a file for others."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

from kotally.cli import screen
from kotally.cli.arguments import Arguments, Commands, choice_option, command, location_option
from kotally.cli.running import accepted, on_database
from kotally.cli.said import Failure, Said

if TYPE_CHECKING:
    from kotally.db import Database

FORMATS = ("csv", "beancount")
CHUNK_LINES = 1_000  # written at once: a line at a time would be slow, all of them too large


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
    lines = (export.csv if arguments.format == "csv" else export.beancount)(db, location.id)
    facts: dict[str, object] = {"location_id": location.id, "format": arguments.format}
    if arguments.output is not None:
        count = await _to_file(lines, arguments.output)
        said = f"{count} lines are in {arguments.output}."
        return Said({**facts, "lines": count, "file": str(arguments.output)}, [said])
    if getattr(arguments, "json", False):
        # One JSON object is promised, so here the whole of it is held in memory.
        return Said({**facts, "content": "".join([chunk async for chunk in _chunks(lines)])}, [])
    async for chunk in _chunks(lines):
        screen.write(chunk)
    return Said(facts, [])


async def _to_file(lines: AsyncIterator[str], path: Path) -> int:
    count = 0
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            async for chunk in _chunks(lines):
                count += chunk.count("\n")
                file.write(chunk)
    except OSError as fault:
        raise Failure(f"Cannot write the export: {fault}") from fault
    return count


async def _chunks(lines: AsyncIterator[str]) -> AsyncIterator[str]:
    """Gather lines; each ends with a line feed here, whether it came with one or not."""
    held: list[str] = []
    async for line in lines:
        held.append(line if line.endswith("\n") else f"{line}\n")
        if len(held) >= CHUNK_LINES:
            yield "".join(held)
            held.clear()
    if held:
        yield "".join(held)

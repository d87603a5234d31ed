"""`kotally serve`: run the web application and say what to do next."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from kotally.cli import screen
from kotally.cli.arguments import Arguments, Commands, command, whole
from kotally.cli.running import settings
from kotally.cli.said import Failure, Said

if TYPE_CHECKING:
    from kotally.config import Settings
    from kotally.db import Database

PORT_MAX = 65_535
PROCESSES_MAX = 64


def declare(commands: Commands) -> None:
    """Declare the command."""
    parser = command(commands, "serve", _serve, about="Run Kotally until Ctrl-C.")
    parser.add_argument("--host", metavar="H", help="the address to listen on (127.0.0.1)")
    parser.add_argument("--port", metavar="P", type=whole, help="the port to listen on (8000)")
    parser.add_argument("--data", metavar="DIR", type=Path, help="the data directory (.kotally)")
    parser.add_argument("--processes", metavar="N", type=whole, help="web processes (1)")


def _serve(arguments: Arguments) -> Said:
    import asyncio

    from kotally.server import serve

    chosen = _chosen(arguments)
    as_json: bool = getattr(arguments, "json", False)
    running: set[asyncio.Task[None]] = set()

    def announce(address: str) -> None:
        if as_json:
            screen.show_object({"ok": True, "url": address, "data": str(chosen.data)})
            return
        screen.write(f"Kotally is ready at {address}\n")
        # The server answers already; looking up what is next keeps nobody waiting.
        task = asyncio.get_running_loop().create_task(_say_next(chosen, address))
        running.add(task)
        task.add_done_callback(running.discard)

    serve(chosen, announce)
    return Said({}, [])


def _chosen(arguments: Arguments) -> Settings:
    """Return the settings with what the command line says instead."""
    import msgspec

    chosen: dict[str, object] = {}
    if arguments.host is not None:
        chosen["host"] = arguments.host
    if arguments.port is not None:
        chosen["port"] = _between("--port", arguments.port, least=0, most=PORT_MAX)
    if arguments.processes is not None:
        chosen["processes"] = _between(
            "--processes", arguments.processes, least=1, most=PROCESSES_MAX
        )
    if arguments.data is not None:
        path = arguments.data.expanduser().absolute()
        if path.exists() and not path.is_dir():
            raise Failure(f"--data: {path} is a file; name a directory.")
        chosen["data"] = path
    return msgspec.structs.replace(settings(), **chosen)


def _between(option: str, number: int, *, least: int, most: int) -> int:
    if not least <= number <= most:
        raise Failure(f"{option} must be from {least} to {most}, not {number}.")
    return number


async def _say_next(chosen: Settings, address: str) -> None:
    """Print what is still to be made, or how to call what is there."""
    from kotally.db import DatabaseUnavailable, opened

    try:
        async with opened(chosen, migrate=False) as db:
            lines = await _next_lines(db, _program(chosen), address)
    except DatabaseUnavailable:
        return  # the server's own log says more about this
    screen.write("\n".join(lines) + "\n")


async def _next_lines(db: Database, program: str, address: str) -> list[str]:
    row = await db.fetchrow(
        """
        select (select w.id from kotally.workspaces w order by w.id limit 1) as workspace,
               (select l.id from kotally.locations l order by l.created_at limit 1) as location,
               (select c.location_id from kotally.api_clients c
                 where c.deactivated_at is null order by c.id limit 1) as called
        """
    )
    assert row is not None
    ending = [f"The API is described at {address}/api/docs. Ctrl-C stops."]
    if row["called"] is not None:
        return [
            "Look up a contact with the token of an API client:",
            (
                f'  curl -H "Authorization: Bearer $TOKEN" '
                f'"{address}/api/v2/contacts/CONTACT/summary?location_id={row["called"]}"'
            ),
            *ending,
        ]
    steps: list[str] = []
    if row["workspace"] is None:
        steps.append(
            f"echo 'a-good-password' | {program} workspace create --name 'My Studio' "
            "--owner-email me@example.com --password-stdin"
        )
    if row["location"] is None:
        workspace = row["workspace"] or "'My Studio'"
        steps.append(
            f"{program} location create --workspace {workspace} --name Main "
            "--timezone America/New_York --id loc_1"
        )
    location = row["location"] or "loc_1"
    steps += [
        (
            f"{program} product create --location {location} --name '10 Class Pack' --type package "
            "--credits 10 --expiry-days 90 --id pc_pack"
        ),
        (
            f"{program} client create --location {location} --name 'My program' "
            "--scope grant --scope check --scope deduct --scope restore --scope summary"
        ),
    ]
    return ["Next, in another terminal:", *(f"  {step}" for step in steps), *ending]


def _program(chosen: Settings) -> str:
    """Return how a person calls us from here, with the same data."""
    called = Path(sys.argv[0])
    name = "kotally"
    if shutil.which("kotally") is None and called.name == "kotally":
        here = Path.cwd()
        name = str(called.relative_to(here) if called.is_relative_to(here) else called)
    if settings().data != chosen.data and chosen.database_url is None:
        return f"KOTALLY_DATA={chosen.data} {name}"
    return name

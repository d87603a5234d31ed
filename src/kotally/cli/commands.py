"""The list of all commands."""

from __future__ import annotations

from kotally import __version__
from kotally.cli import (
    adjustments,
    api_clients,
    bookings,
    books,
    clocks,
    demo,
    export,
    freezes,
    locations,
    migrate,
    payments,
    products,
    queue,
    serve,
    sharing,
    work,
    workspaces,
)
from kotally.cli.arguments import Parser

ABOUT = "Credits, memberships and bookings for studios, kept as a ledger."
MORE = """
Settings come from the environment: KOTALLY_DATA names the data directory (.kotally in the current
directory), KOTALLY_DATABASE_URL another PostgreSQL to use instead of the embedded one. Every
command works while a server runs and when none does.
"""


def parser() -> Parser:
    """Build the parser of every command line."""
    top = Parser(prog="kotally", description=ABOUT, epilog=MORE)
    top.add_argument("--version", action="version", version=f"kotally {__version__}")
    top.add_argument("--json", action="store_true", help="print one JSON object")
    commands = top.go_on("noun", "COMMAND")
    for each in (
        serve,
        work,
        migrate,
        workspaces,
        locations,
        products,
        queue,
        freezes,
        bookings,
        payments,
        adjustments,
        sharing,
        api_clients,
        clocks,
        books,
        export,
        demo,
    ):
        each.declare(commands)
    return top

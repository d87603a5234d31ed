"""Run a command: read the arguments, open the database, turn what goes wrong into a sentence."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from kotally.cli import screen
from kotally.cli.arguments import Arguments, NothingAsked, Run, UsageFault
from kotally.cli.said import Failure, Said

if TYPE_CHECKING:
    from kotally.config import Settings
    from kotally.db import Database
    from kotally.workspaces.refusals import Refused

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130

EXPECTED = {
    "kotally.cli.said": "Failure",
    "kotally.config": "ConfigError",
    "kotally.db.embedded.layout": "EmbeddedFailure",
    "kotally.db.faults": "DatabaseUnavailable",
    "kotally.db.migrator": "SchemaError",
    "kotally.db.roles": "RoleError",
    "kotally.db.sqlfiles": "SqlError",
    "kotally.server.process": "PortTaken",
}

T = TypeVar("T")
Act = Callable[["Database", Arguments], Awaitable[Said]]


def run(arguments: Sequence[str] | None) -> int:
    """Run one command line and return its exit code."""
    from kotally.cli.commands import parser

    words = list(sys.argv[1:] if arguments is None else arguments)
    as_json = "--json" in words
    try:
        found = parser().parse_args(words)
        said: Said = found.run(found)
        screen.show(said, as_json=as_json)
    except NothingAsked as fault:
        screen.show_failure(str(fault) if as_json else fault.help, as_json=as_json)
        return EXIT_USAGE
    except UsageFault as fault:
        screen.show_failure(str(fault), as_json=as_json)
        return EXIT_USAGE
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has seen enough; nothing more can be said to them.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
    except Exception as fault:  # noqa: BLE001 - the last door: every fault ends as a sentence here
        _show_fault(fault, as_json=as_json)
        return EXIT_FAILED
    return 0 if said.ok else EXIT_FAILED


def on_database(act: Act) -> Run:
    """Make a command of an act on the database, which is brought up to date first."""

    def run_act(arguments: Arguments) -> Said:
        import uvloop

        return uvloop.run(_opened(act, arguments))

    return run_act


def settings() -> Settings:
    """Read the settings of this command from the environment."""
    from kotally.config import Settings

    return Settings.from_env()


def accepted(answer: T | Refused) -> T:
    """Return what was made or found, or leave the command with the reason against it."""
    from kotally.workspaces.refusals import Refused

    if isinstance(answer, Refused):
        raise Failure(answer.message)
    return answer


async def _opened(act: Act, arguments: Arguments) -> Said:
    from kotally.db import opened

    async with opened(settings()) as db:
        return await act(db, arguments)


def _show_fault(fault: Exception, *, as_json: bool) -> None:
    if not _is_expected(fault):
        # A fault of ours: whoever reports it needs to say where.
        traceback.print_exception(fault)
        screen.show_failure(f"kotally failed: {type(fault).__name__}: {fault}", as_json=as_json)
        return
    screen.show_failure(_sentence(fault), as_json=as_json)


def _sentence(fault: Exception) -> str:
    """Say what went wrong as a sentence; a database that is away also needs to be told which."""
    said = str(fault) or type(fault).__name__
    if not _is_away(fault):
        return said
    return (
        f"{said[0].upper()}{said[1:]}. Check that PostgreSQL runs and that KOTALLY_DATABASE_URL "
        "names it, then try again."
    )


def _is_away(fault: Exception) -> bool:
    module = sys.modules.get("kotally.db.faults")
    return module is not None and isinstance(fault, module.DatabaseUnavailable)


def _is_expected(fault: Exception) -> bool:
    """Tell whether the message says all an operator needs; what was never loaded was not raised."""
    return any(
        isinstance(fault, getattr(sys.modules[module], name))
        for module, name in EXPECTED.items()
        if module in sys.modules
    )

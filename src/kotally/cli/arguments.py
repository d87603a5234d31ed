"""How commands and their arguments are declared and read."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, NoReturn, Protocol
from uuid import UUID

from kotally.cli.said import Said

Arguments = argparse.Namespace
Run = Callable[[Arguments], Said]

_WHOLE = re.compile(r"-?[0-9]{1,18}")


class UsageFault(Exception):
    """The command line was not understood."""


class NothingAsked(UsageFault):
    """The command line ends before it says what to do; `help` is what could come next."""

    def __init__(self, parser: Parser) -> None:
        super().__init__(f"A command is missing. `{parser.prog} --help` shows all of them.")
        self.help = parser.format_help()


class Parser(argparse.ArgumentParser):
    """Read a command line; a fault is raised instead of ending the process."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - these are argparse's own
        super().__init__(allow_abbrev=False, **options)

    def go_on(self, dest: str, metavar: str) -> Commands:
        """Return where the words that must follow are declared; without one, help is shown."""

        def nothing_asked(_: Arguments) -> NoReturn:
            raise NothingAsked(self)

        self.set_defaults(run=nothing_asked)
        return self.add_subparsers(dest=dest, metavar=metavar)

    def error(self, message: str) -> NoReturn:
        """Raise what argparse has to say, and where to read more."""
        sentence = message[:1].upper() + message[1:].rstrip(".")
        raise UsageFault(f"{sentence}. `{self.prog} --help` shows how it is used.")


class Commands(Protocol):
    """Be where commands are declared; what `add_subparsers` returns has no public name."""

    def add_parser(self, name: str, *, help: str, description: str) -> Parser:  # noqa: A002 - argparse's word
        """Declare one and return its parser."""
        ...


def noun(commands: Commands, name: str, about: str) -> Commands:
    """Declare a noun, such as `workspace`, and return where its verbs are declared."""
    parser = commands.add_parser(name, help=about, description=about)
    parser.add_argument(
        "--json", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS
    )
    return parser.go_on("verb", "VERB")


def command(commands: Commands, name: str, run: Run, *, about: str) -> Parser:
    """Declare a command; every one of them takes `--json`."""
    parser = commands.add_parser(name, help=about, description=about)
    # Without a default here, `kotally --json workspace list` means the same.
    parser.add_argument(
        "--json", action="store_true", default=argparse.SUPPRESS, help="print one JSON object"
    )
    parser.set_defaults(run=run)
    return parser


def location_option(parser: Parser, *, required: bool = True) -> None:
    """Take `--location`."""
    what = "the location's id" if required else "only this location; without it, all of them"
    parser.add_argument("--location", metavar="L", required=required, help=what)


def choice_option(parser: Parser, name: str, choices: Iterable[str]) -> None:
    """Take one of a few words; it must be given."""
    words = tuple(choices)
    parser.add_argument(name, choices=words, metavar="|".join(words), required=True)


def whole(text: str) -> int:
    """Read a whole number; limits are the business of who uses it."""
    if not _WHOLE.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at most 18 digits")
    return int(text)


def uuid(text: str) -> UUID:
    """Read an id that we made."""
    try:
        return UUID(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a uuid; give the id that Kotally made"
        ) from None


def time(text: str) -> datetime:
    """Read an ISO 8601 time; without an offset it stays as it was written."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        form = "write a time like 2027-01-31T18:30:00Z"
        raise argparse.ArgumentTypeError(f"{text!r} is not ISO 8601; {form}") from None


def instant(text: str) -> datetime:
    """Read an ISO 8601 time with its offset."""
    at = time(text)
    if at.tzinfo is None:
        form = "write it like 2027-01-31T18:30:00Z"
        raise argparse.ArgumentTypeError(f"{text!r} has no offset; {form}")
    return at.astimezone(UTC)

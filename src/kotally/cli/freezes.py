"""`kotally membership freeze`, `resume` and others: pauses of a membership, and closed days."""

from __future__ import annotations

import argparse
from datetime import date
from typing import TYPE_CHECKING

from kotally.cli import memberships
from kotally.cli.acts import fresh_key, said_of
from kotally.cli.arguments import (
    Arguments,
    Commands,
    Parser,
    command,
    location_option,
    noun,
    uuid,
)
from kotally.cli.memberships import acted, preview_option
from kotally.cli.running import accepted, on_database
from kotally.cli.said import Said

if TYPE_CHECKING:
    from kotally.db import Database


def declare(commands: Commands) -> None:
    """Declare the commands about memberships, with those about freezes, and about closures."""
    _declare_freezes(memberships.declare(commands))
    _declare_closures(commands)


def _declare_freezes(verbs: Commands) -> None:
    freeze = command(verbs, "freeze", on_database(_freeze), about="Freeze it for some days.")
    resume = command(verbs, "resume", on_database(_resume), about="Return early from a freeze.")
    extend = command(verbs, "freeze-extend", on_database(_extend), about="Make a freeze longer.")
    cancel = command(verbs, "freeze-cancel", on_database(_cancel), about="Take a freeze back.")
    for parser in (freeze, resume, extend, cancel):
        location_option(parser)
        parser.add_argument(
            "--membership", metavar="ID", type=uuid, required=True, help="the entitlement's id"
        )
        preview_option(parser)
    freeze.add_argument("--from", dest="starts_on", metavar="DATE", type=day, help="today if out")
    resume.add_argument("--on", metavar="DATE", type=day, help="the first good day; today if out")
    for parser in (freeze, extend):
        parser.add_argument(
            "--resume",
            dest="resumes_on",
            metavar="DATE",
            type=day,
            required=True,
            help="the first day that it is good again",
        )
        _limits_options(parser)
    freeze.add_argument(
        "--mode", choices=("shift", "prorate", "keep"), help="the plan's own if out"
    )
    freeze.add_argument("--note", metavar="TEXT", help="why")


def _declare_closures(commands: Commands) -> None:
    verbs = noun(commands, "closure", "Days on which a location is closed.")
    create = command(
        verbs, "create", on_database(_close), about="Let credits live longer by the closed days."
    )
    undo = command(verbs, "undo", on_database(_undo), about="Take a closure back, once.")
    for parser in (create, undo):
        location_option(parser)
        preview_option(parser)
    for option, name, about in (
        ("--from", "starts_on", "the first closed day"),
        ("--reopen", "reopens_on", "the first day that it is open again"),
    ):
        create.add_argument(option, dest=name, metavar="DATE", type=day, required=True, help=about)
    create.add_argument("--note", metavar="TEXT", required=True, help="why")
    create.add_argument(
        "--product", metavar="P", action="append", help="only credits of it; repeat for more"
    )
    undo.add_argument("--closure", metavar="ID", type=uuid, required=True, help="its id")


def day(text: str) -> date:
    """Read a date."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        form = "write a date like 2027-01-31"
        raise argparse.ArgumentTypeError(f"{text!r} is not a date; {form}") from None


def _limits_options(parser: Parser) -> None:
    parser.add_argument(
        "--keep",
        metavar="ID",
        type=uuid,
        action="append",
        default=[],
        help="a booking or hold inside that stays; repeat for more",
    )
    parser.add_argument("--override", metavar="TEXT", help="why the plan's limits do not count")


async def _freeze(db: Database, arguments: Arguments) -> Said:
    from kotally.memberships import freezes
    from kotally.memberships.freezes import Wish

    wish = Wish(
        starts_on=arguments.starts_on,
        resumes_on=arguments.resumes_on,
        mode=arguments.mode,
        keep=frozenset(arguments.keep),
        override_reason=arguments.override,
        note=arguments.note,
    )
    return await acted(db, arguments, freezes.freeze, wish=wish)


async def _resume(db: Database, arguments: Arguments) -> Said:
    from kotally.memberships import freezes

    return await acted(db, arguments, freezes.resume, on=arguments.on)


async def _extend(db: Database, arguments: Arguments) -> Said:
    from kotally.memberships import freezes

    return await acted(
        db,
        arguments,
        freezes.extend,
        resumes_on=arguments.resumes_on,
        keep=frozenset(arguments.keep),
        override_reason=arguments.override,
    )


async def _cancel(db: Database, arguments: Arguments) -> Said:
    from kotally.memberships import freezes

    return await acted(db, arguments, freezes.cancel)


async def _close(db: Database, arguments: Arguments) -> Said:
    from kotally.bookings import overdue
    from kotally.memberships import closures
    from kotally.memberships.closures import Closing
    from kotally.workspaces import locations

    accepted(await locations.find(db, arguments.location))
    await overdue.bring_location_up_to_date(db, arguments.location)
    closing = Closing(
        starts_on=arguments.starts_on,
        reopens_on=arguments.reopens_on,
        note=arguments.note,
        product_config_ids=arguments.product,
    )
    outcome = await closures.close(
        db,
        arguments.location,
        closing=closing,
        key=fresh_key("closure"),
        preview=arguments.preview,
    )
    return said_of(outcome, preview=arguments.preview)


async def _undo(db: Database, arguments: Arguments) -> Said:
    from kotally.bookings import overdue
    from kotally.memberships import closures
    from kotally.workspaces import locations

    accepted(await locations.find(db, arguments.location))
    await overdue.bring_location_up_to_date(db, arguments.location)
    outcome = await closures.undo(
        db,
        arguments.location,
        arguments.closure,
        key=fresh_key("undo closure"),
        preview=arguments.preview,
    )
    return said_of(outcome, preview=arguments.preview)

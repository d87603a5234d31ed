"""`kotally credits`: correct, approve, and give away by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kotally.cli.acts import fresh_key, said_of
from kotally.cli.arguments import (
    Arguments,
    Commands,
    Parser,
    choice_option,
    command,
    location_option,
    noun,
    uuid,
    whole,
)
from kotally.cli.running import on_database
from kotally.cli.said import Failure, Said

if TYPE_CHECKING:
    from kotally.db import Database
    from kotally.ledger.acts import Key


def declare(commands: Commands) -> None:
    """Declare the commands."""
    verbs = noun(commands, "credits", "Credits: correct, approve, give away.")
    adjust = command(verbs, "adjust", on_database(_adjust), about="Correct a contact's credits.")
    adjust.add_argument("--contact", metavar="C", required=True, help="the contact's id")
    adjust.add_argument(
        "--amount", metavar="N", type=whole, required=True, help="to give, or below 0 to take"
    )
    choice_option(adjust, "--reason", ("goodwill", "correction", "opening_balance"))
    choice_option(adjust, "--role", ("owner", "admin"))
    adjust.add_argument("--product", metavar="P", help="whose rules given credits have")
    adjust.add_argument("--expires-in-days", metavar="N", type=whole, default=90)
    for name, act in (("approve", _approve), ("reject", _reject)):
        decide = command(verbs, name, on_database(act), about=f"{name.title()} a correction.")
        decide.add_argument("--approval", metavar="ID", type=uuid, required=True)
        _shared(decide)
    give = command(verbs, "transfer", on_database(_transfer), about="Give credits away.")
    give.add_argument("--from", metavar="C", required=True, dest="giver", help="the contact's id")
    give.add_argument("--to", metavar="C", required=True, dest="taker", help="the contact's id")
    give.add_argument("--amount", metavar="N", type=whole, required=True)
    give.add_argument("--override", action="store_true", help="even what is not to be given away")
    undo = command(verbs, "undo-transfer", on_database(_undo), about="Take a transfer back.")
    undo.add_argument("--transfer", metavar="ID", type=uuid, required=True)
    for parser in (adjust, give):
        parser.add_argument("--note", metavar="TEXT", required=True, help="why")
    for parser in (adjust, give, undo):
        _shared(parser)


def _shared(parser: Parser) -> None:
    location_option(parser)
    parser.add_argument("--by", metavar="NAME", required=True, help="who does this")
    parser.add_argument("--preview", action="store_true", help="say what would happen, do nothing")


def _key(arguments: Arguments, operation: str) -> Key:
    import msgspec

    return msgspec.structs.replace(fresh_key(operation), actor=f"cli:{arguments.by}"[:255])


async def _adjust(db: Database, arguments: Arguments) -> Said:
    from kotally.bookings import overdue
    from kotally.payments import adjustments

    if arguments.amount == 0:
        raise Failure("An amount of 0 corrects nothing; give a number above or below it.")
    if arguments.expires_in_days < 1:
        raise Failure("Given credits live for at least a day; give --expires-in-days 1 or more.")
    wish = adjustments.Wish(
        contact=arguments.contact,
        amount=arguments.amount,
        reason=arguments.reason,
        note=arguments.note,
        product_config_id=arguments.product,
        expires_in_days=arguments.expires_in_days,
    )
    await overdue.bring_up_to_date(db, arguments.location, arguments.contact)
    outcome = await adjustments.adjust(
        db,
        arguments.location,
        wish,
        role=arguments.role,
        key=_key(arguments, "adjustment"),
        preview=arguments.preview,
    )
    return said_of(outcome, preview=arguments.preview)


async def _approve(db: Database, arguments: Arguments) -> Said:
    return await _decide(db, arguments, approved=True)


async def _reject(db: Database, arguments: Arguments) -> Said:
    return await _decide(db, arguments, approved=False)


async def _decide(db: Database, arguments: Arguments, *, approved: bool) -> Said:
    from kotally.bookings import overdue
    from kotally.payments import adjustments

    await overdue.bring_owner_up_to_date(db, arguments.location, arguments.approval)
    outcome = await adjustments.decide(
        db,
        arguments.location,
        arguments.approval,
        approved=approved,
        key=_key(arguments, "decide"),
        preview=arguments.preview,
    )
    return said_of(outcome, preview=arguments.preview)


async def _transfer(db: Database, arguments: Arguments) -> Said:
    from kotally.bookings import overdue
    from kotally.payments import transfers

    if arguments.amount < 1:
        raise Failure("Give at least one credit.")
    gift = transfers.Gift(
        from_contact=arguments.giver,
        to_contact=arguments.taker,
        amount=arguments.amount,
        note=arguments.note,
        override=arguments.override,
    )
    for contact in (arguments.giver, arguments.taker):
        await overdue.bring_up_to_date(db, arguments.location, contact)
    outcome = await transfers.transfer(
        db,
        arguments.location,
        gift,
        key=_key(arguments, "transfer"),
        preview=arguments.preview,
    )
    return said_of(outcome, preview=arguments.preview)


async def _undo(db: Database, arguments: Arguments) -> Said:
    from kotally.bookings import overdue
    from kotally.payments import undoing

    await overdue.bring_owner_up_to_date(db, arguments.location, arguments.transfer)
    outcome = await undoing.undo(
        db,
        arguments.location,
        arguments.transfer,
        key=_key(arguments, "undo"),
        preview=arguments.preview,
    )
    return said_of(outcome, preview=arguments.preview)

"""`kotally payment`: what the staff does after a payment."""

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
from kotally.cli.said import Said

if TYPE_CHECKING:
    from kotally.db import Database


def declare(commands: Commands) -> None:
    """Declare the commands."""
    verbs = noun(commands, "payment", "Payments: refund, dispute, quote, unblock.")
    refund = command(
        verbs, "refund", on_database(_refund), about="Take back the credits of a refund."
    )
    dispute = command(
        verbs, "dispute", on_database(_dispute), about="Report what became of a dispute."
    )
    quote = command(verbs, "quote", on_database(_quote), about="Say what a refund would be.")
    unblock = command(
        verbs, "unblock", on_database(_unblock), about="Lift the block after a refund."
    )
    unblock.add_argument("--note", metavar="TEXT", required=True, help="what was decided")
    for parser in (refund, dispute, quote, unblock):
        _payment_option(parser)
    for parser in (refund, dispute, unblock):
        parser.add_argument(
            "--preview", action="store_true", help="say what would happen, do nothing"
        )
    figure = refund.add_mutually_exclusive_group()
    figure.add_argument("--cents", metavar="N", type=whole, help="this refund alone")
    figure.add_argument("--total-cents", metavar="N", type=whole, help="all refunds so far")
    refund.add_argument("--credits", metavar="N", type=whole, help="to have taken back in all")
    refund.add_argument("--shortfall", choices=("debt", "write_off", "block"))
    choice_option(dispute, "--event", ("opened", "won", "lost"))
    quote.add_argument("--drop-in-cents", metavar="N", type=whole, help="what one class costs")
    quote.add_argument("--fee-cents", metavar="N", type=whole, help="what is kept")


def _payment_option(parser: Parser) -> None:
    location_option(parser)
    parser.add_argument(
        "--payment", metavar="ID", type=uuid, required=True, help="the payment_id of the grant"
    )


async def _refund(db: Database, arguments: Arguments) -> Said:
    from kotally.bookings import overdue
    from kotally.payments import refunds
    from kotally.payments.refunds import Refund

    await overdue.bring_owner_up_to_date(db, arguments.location, arguments.payment)
    wanted = Refund(
        amount_cents=arguments.cents,
        refunded_total_cents=arguments.total_cents,
        credits=arguments.credits,
        shortfall=arguments.shortfall,
    )
    outcome = await refunds.refund(
        db,
        arguments.location,
        arguments.payment,
        wanted=wanted,
        key=fresh_key("refund"),
        preview=arguments.preview,
    )
    return said_of(outcome, preview=arguments.preview)


async def _dispute(db: Database, arguments: Arguments) -> Said:
    from kotally.bookings import overdue
    from kotally.payments import disputes

    await overdue.bring_owner_up_to_date(db, arguments.location, arguments.payment)
    outcome = await disputes.dispute(
        db,
        arguments.location,
        arguments.payment,
        event=arguments.event,
        key=fresh_key("dispute"),
        preview=arguments.preview,
    )
    return said_of(outcome, preview=arguments.preview)


async def _quote(db: Database, arguments: Arguments) -> Said:
    from kotally.bookings import overdue
    from kotally.payments import quotes

    await overdue.bring_owner_up_to_date(db, arguments.location, arguments.payment)
    outcome = await quotes.quote(
        db,
        arguments.location,
        arguments.payment,
        drop_in_cents=arguments.drop_in_cents,
        fee_cents=arguments.fee_cents,
        key=fresh_key("quote"),
    )
    return said_of(outcome, preview=True)


async def _unblock(db: Database, arguments: Arguments) -> Said:
    from kotally.bookings import overdue
    from kotally.payments import unblocking

    await overdue.bring_owner_up_to_date(db, arguments.location, arguments.payment)
    outcome = await unblocking.lift(
        db,
        arguments.location,
        arguments.payment,
        note=arguments.note,
        key=fresh_key("unblock"),
        preview=arguments.preview,
    )
    return said_of(outcome, preview=arguments.preview)

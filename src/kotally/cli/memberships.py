"""`kotally membership`: what the staff does with memberships."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from kotally.cli import screen
from kotally.cli.acts import fresh_key, said_of
from kotally.cli.arguments import (
    Arguments,
    Commands,
    Parser,
    command,
    location_option,
    noun,
    uuid,
    whole,
)
from kotally.cli.running import accepted, on_database
from kotally.cli.said import Said

if TYPE_CHECKING:
    from kotally.db import Database
    from kotally.ledger.acts import Outcome


def declare(commands: Commands) -> Commands:
    """Declare the commands, and return where more verbs of memberships are declared."""
    verbs = noun(commands, "membership", "Memberships: renew, change, cancel.")
    found = command(verbs, "list", on_database(_list), about="List the memberships of a contact.")
    location_option(found)
    found.add_argument("--contact", metavar="C", required=True, help="the contact's id")
    _declare_acts(verbs)
    migrate = command(
        verbs, "migrate", on_database(_migrate), about="Move a product's members to a version."
    )
    location_option(migrate)
    migrate.add_argument("--product", metavar="P", required=True, help="the product's id")
    migrate.add_argument("--version", metavar="N", type=whole, help="the current one without it")
    preview_option(migrate)
    return verbs


def _declare_acts(verbs: Commands) -> None:
    renew = command(
        verbs, "renew", on_database(_renew), about="Confirm the next period without a payment."
    )
    change = command(verbs, "change", on_database(_change), about="Change the plan.")
    cancel = command(verbs, "cancel", on_database(_cancel), about="Cancel a membership.")
    uncancel = command(verbs, "uncancel", on_database(_uncancel), about="Take a cancellation back.")
    failed = command(
        verbs, "payment-failed", on_database(_fail), about="Note a payment that failed."
    )
    for parser in (renew, change, cancel, uncancel, failed):
        location_option(parser)
        parser.add_argument(
            "--membership", metavar="ID", type=uuid, required=True, help="the entitlement's id"
        )
        preview_option(parser)
    renew.add_argument(
        "--period", metavar="N", type=whole, help="which one is meant; a confirmed one stays"
    )
    way = change.add_mutually_exclusive_group(required=True)
    way.add_argument("--product", metavar="P", help="the product to change to")
    way.add_argument("--remove", action="store_true", help="remove the change that waits")
    change.add_argument("--version", metavar="N", type=whole, help="the current one without it")
    change.add_argument("--when", choices=("now", "next_period"))
    change.add_argument("--strategy", choices=("difference", "reset", "usage"))
    change.add_argument("--paid", action="store_true", help="wait for no payment")
    failed.add_argument("--product", metavar="P", help="what it was for")
    failed.add_argument("--reason", metavar="TEXT", help="why it failed")
    cancel.add_argument("--now", action="store_true", help="at once, not at the period's end")
    cancel.add_argument("--reason", metavar="TEXT", help="why")
    cancel.add_argument("--override", metavar="TEXT", help="why notice and term do not count")


def preview_option(parser: Parser) -> None:
    """Take `--preview`."""
    parser.add_argument("--preview", action="store_true", help="say what would happen, do nothing")


async def _renew(db: Database, arguments: Arguments) -> Said:
    from kotally.memberships import renewals

    return await acted(db, arguments, renewals.renew, number=arguments.period)


async def _fail(db: Database, arguments: Arguments) -> Said:
    from kotally.memberships import failed_payments

    failure = failed_payments.Failure(product_config_id=arguments.product, reason=arguments.reason)
    return await acted(db, arguments, failed_payments.note, failure=failure)


async def _uncancel(db: Database, arguments: Arguments) -> Said:
    from kotally.memberships import cancellations

    return await acted(db, arguments, cancellations.uncancel)


async def _cancel(db: Database, arguments: Arguments) -> Said:
    from kotally.memberships import cancellations
    from kotally.memberships.cancellations import Wish

    wish = Wish(
        at="now" if arguments.now else "period_end",
        reason=arguments.reason,
        override=arguments.override,
    )
    return await acted(db, arguments, cancellations.cancel, wish=wish)


async def _change(db: Database, arguments: Arguments) -> Said:
    from kotally.memberships import changes
    from kotally.memberships.changes import Wanted

    if arguments.remove:
        return await acted(db, arguments, changes.remove)
    wanted = Wanted(
        product_config_id=arguments.product,
        version=arguments.version,
        when=arguments.when,
        strategy=arguments.strategy,
        payment_expected=False if arguments.paid else None,
    )
    return await acted(db, arguments, changes.change, wanted=wanted)


async def _migrate(db: Database, arguments: Arguments) -> Said:
    from kotally.bookings import overdue
    from kotally.memberships import migrations
    from kotally.workspaces import locations

    accepted(await locations.find(db, arguments.location))
    await overdue.bring_location_up_to_date(db, arguments.location)
    outcome = await migrations.migrate(
        db,
        arguments.location,
        arguments.product,
        version=arguments.version,
        key=fresh_key("migrate"),
        preview=arguments.preview,
    )
    return said_of(outcome, preview=arguments.preview)


async def _list(db: Database, arguments: Arguments) -> Said:
    from kotally.workspaces import locations

    accepted(await locations.find(db, arguments.location))
    rows = await db.fetch(
        """
        select m.id, m.product_config_id, m.status, m.period_number, m.period_ends_at, m.ends_at
          from kotally.memberships m
          join kotally.contacts c on c.location_id = $1 and c.id = m.contact_id
         where m.location_id = $1 and c.external_id = $2
         order by m.id
        """,
        arguments.location,
        arguments.contact,
    )
    found = [dict(row) for row in rows]
    if not found:
        return Said({"memberships": []}, [f"{arguments.contact} has no membership."])
    head = ("MEMBERSHIP", "PRODUCT", "STATUS", "PERIOD", "UNTIL", "ENDS")
    cells = [
        [
            *(each[name] for name in ("id", "product_config_id", "status", "period_number")),
            screen.time(each["period_ends_at"]),
            screen.time(each["ends_at"]),
        ]
        for each in found
    ]
    return Said({"memberships": found}, screen.table(head, cells))


async def acted(
    db: Database,
    arguments: Arguments,
    act: Callable[..., Awaitable[Outcome]],
    **wishes: Any,  # noqa: ANN401 - what the act takes beside the membership
) -> Said:
    """Act on the membership that the command line names, and say what came of it."""
    from kotally.bookings import overdue
    from kotally.workspaces import locations

    accepted(await locations.find(db, arguments.location))
    await overdue.bring_owner_up_to_date(db, arguments.location, arguments.membership)
    outcome = await act(
        db,
        arguments.location,
        arguments.membership,
        key=fresh_key(arguments.verb),
        preview=arguments.preview,
        **wishes,
    )
    return said_of(outcome, preview=arguments.preview)

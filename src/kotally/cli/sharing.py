"""`kotally sharing`: who may use a member's credits, and using them for somebody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kotally.cli import screen
from kotally.cli.acts import fresh_key, said_of
from kotally.cli.arguments import (
    Arguments,
    Commands,
    Parser,
    command,
    instant,
    location_option,
    noun,
    uuid,
    whole,
)
from kotally.cli.running import accepted, on_database
from kotally.cli.said import Failure, Said

if TYPE_CHECKING:
    from kotally.bookings.company import Company
    from kotally.db import Database

COUNT_MAX = 1_000_000


def declare(commands: Commands) -> None:
    """Declare the commands."""
    verbs = noun(commands, "sharing", "Sharing: who may use a member's credits, and guests.")
    allow = command(
        verbs, "allow", on_database(_allow), about="Let somebody use a member's credits."
    )
    remove = command(
        verbs, "remove", on_database(_remove), about="Let somebody use them no more; bookings stay."
    )
    for parser in (allow, remove):
        location_option(parser)
        parser.add_argument("--owner", metavar="C", required=True, help="whose credits they are")
        parser.add_argument("--user", metavar="C", required=True, help="who may use them")
        parser.add_argument("--entitlement", metavar="ID", type=uuid, help="only this one")
        _preview_option(parser)
    for name in ("name", "email", "phone"):
        allow.add_argument(f"--{name}", metavar="TEXT", help="of a user who is not known yet")
    found = command(verbs, "list", on_database(_list), about="List who may use whose credits.")
    location_option(found)
    found.add_argument("--contact", metavar="C", required=True, help="the contact's id")
    _declare_use(verbs)


def _declare_use(verbs: Commands) -> None:
    use = command(
        verbs, "use", on_database(_use), about="Use credits for somebody else, or named lots."
    )
    location_option(use)
    use.add_argument("--contact", metavar="C", required=True, help="whose credits pay")
    use.add_argument("--amount", metavar="N", type=whole, default=1, help="how many (1)")
    use.add_argument("--product", metavar="P", help="only this product pays")
    use.add_argument("--calendar", metavar="C", help="the calendar of the appointment")
    use.add_argument("--reference", metavar="R", help="the booking's reference")
    use.add_argument("--at", metavar="T", type=instant, help="when the appointment begins")
    use.add_argument("--hold", action="store_true", help="only reserve the credits")
    company_options(use)
    _preview_option(use)


def company_options(parser: Parser) -> None:
    """Take who comes instead of the contact, and the lots that pay."""
    who = parser.add_mutually_exclusive_group()
    who.add_argument("--for", dest="beneficiary", metavar="C", help="who comes instead")
    who.add_argument("--guest", metavar="C", help="who comes instead, as a guest")
    for name in ("name", "email", "phone"):
        parser.add_argument(f"--guest-{name}", metavar="TEXT", help="to know the guest by")
    parser.add_argument("--booked-by", metavar="NAME", help="who asked for it")
    parser.add_argument(
        "--lot", dest="lots", metavar="ID", type=uuid, action="append", help="pays; in this order"
    )
    parser.add_argument("--why", metavar="TEXT", help="why these lots")


def company_of(arguments: Arguments) -> Company:
    """Read who comes instead, and the lots that pay."""
    from kotally.bookings.company import Company
    from kotally.bookings.meeting import Somebody

    if bool(arguments.lots) != bool(arguments.why):
        raise Failure("Lots are named with --lot and --why together: the reason is kept.")
    known_by = (arguments.guest, arguments.guest_email, arguments.guest_phone)
    guest = None
    if any(known_by) or arguments.guest_name:
        if arguments.beneficiary:
            raise Failure("Somebody comes with --for or as a guest, not both.")
        if not any(known_by):
            raise Failure("A guest is known by --guest, --guest-email or --guest-phone.")
        guest = Somebody(
            reference=arguments.guest,
            email=arguments.guest_email,
            name=arguments.guest_name,
            phone=arguments.guest_phone,
        )
    return Company(
        beneficiary=arguments.beneficiary,
        guest=guest,
        booked_by=arguments.booked_by,
        lots=arguments.lots or [],
        lots_reason=arguments.why,
    )


def _preview_option(parser: Parser) -> None:
    parser.add_argument("--preview", action="store_true", help="say what would happen, do nothing")


async def _allow(db: Database, arguments: Arguments) -> Said:
    from kotally.bookings.meeting import Somebody
    from kotally.payments import sharing
    from kotally.workspaces import locations

    location = accepted(await locations.find(db, arguments.location))
    user = Somebody(
        reference=arguments.user,
        email=arguments.email,
        name=arguments.name,
        phone=arguments.phone,
    )
    outcome = await sharing.share(
        db,
        location.id,
        arguments.owner,
        user=user,
        entitlement_id=arguments.entitlement,
        key=fresh_key("share"),
        preview=arguments.preview,
    )
    return said_of(outcome, preview=arguments.preview)


async def _remove(db: Database, arguments: Arguments) -> Said:
    from kotally.payments import sharing
    from kotally.workspaces import locations

    location = accepted(await locations.find(db, arguments.location))
    outcome = await sharing.unshare(
        db,
        location.id,
        arguments.owner,
        user=arguments.user,
        entitlement_id=arguments.entitlement,
        key=fresh_key("unshare"),
        preview=arguments.preview,
    )
    return said_of(outcome, preview=arguments.preview)


async def _list(db: Database, arguments: Arguments) -> Said:
    import msgspec

    from kotally.payments import sharing
    from kotally.workspaces import locations

    location = accepted(await locations.find(db, arguments.location))
    found = await sharing.shares_of(db, location.id, arguments.contact)
    if found is None:
        raise Failure(f"There is no contact {arguments.contact!r} in {location.id}.")
    shares = msgspec.json.decode(found)
    rows = [
        [
            *(each["owner_contact_id"], each["user_contact_id"], each["entitlement_id"] or "all"),
            *(each["since"], each["uses"]),
        ]
        for each in (*shares["users"], *shares["owners"])
    ]
    if not rows:
        return Said(shares, [f"{arguments.contact} shares with nobody, nor anybody with them."])
    head = ("OWNER", "USER", "OF", "SINCE", "USES")
    return Said(shares, screen.table(head, rows))


async def _use(db: Database, arguments: Arguments) -> Said:
    from kotally.bookings import overdue
    from kotally.payments import using
    from kotally.workspaces import locations

    if not 1 <= arguments.amount <= COUNT_MAX:
        raise Failure(f"--amount is a number from 1 to {COUNT_MAX}, not {arguments.amount}.")
    location = accepted(await locations.find(db, arguments.location))
    wanted = using.Use(
        contact=arguments.contact,
        company=company_of(arguments),
        amount=arguments.amount,
        product_config_id=arguments.product,
        calendar_id=arguments.calendar,
        external_ref=arguments.reference,
        appointment_at=arguments.at,
        is_hold=arguments.hold,
    )
    await overdue.bring_company_up_to_date(
        db, location.id, wanted.contact, beneficiary=wanted.company.beneficiary
    )
    outcome = await using.use(
        db, location.id, wanted, key=fresh_key("use"), preview=arguments.preview
    )
    return said_of(outcome, preview=arguments.preview)

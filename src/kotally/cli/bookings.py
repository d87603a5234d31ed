"""`kotally booking`: what the staff does with bookings."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from kotally.cli import screen
from kotally.cli.acts import fresh_key, said_of
from kotally.cli.arguments import (
    Arguments,
    Commands,
    Parser,
    choice_option,
    command,
    instant,
    location_option,
    noun,
    uuid,
    whole,
)
from kotally.cli.running import accepted, on_database
from kotally.cli.said import Failure, Said
from kotally.cli.sharing import company_of, company_options

if TYPE_CHECKING:
    from kotally.db import Database
    from kotally.ledger.acts import Outcome

CORRECTIONS = ("attended", "no_show", "late_cancelled", "waived")
COUNT_MAX = 1_000_000
SETTLEMENTS = ("paid", "waived", "written_off")


def declare(commands: Commands) -> Commands:
    """Declare the commands, and return where more verbs of bookings are declared."""
    verbs = noun(commands, "booking", "Bookings: place, settle, move, correct.")
    found = command(verbs, "list", on_database(_list), about="List the open bookings of a contact.")
    location_option(found)
    found.add_argument("--contact", metavar="C", required=True, help="the contact's id")
    _declare_place(verbs)
    _declare_endings(verbs)
    _declare_classes(verbs)
    return verbs


def _declare_place(verbs: Commands) -> None:
    place = command(verbs, "place", on_database(_place), about="Book a place.")
    location_option(place)
    _preview_option(place)
    place.add_argument("--contact", metavar="C", required=True, help="the contact's id")
    place.add_argument("--reference", metavar="R", required=True, help="the booking's reference")
    place.add_argument("--class", dest="class_ref", metavar="C", help="the class others book too")
    place.add_argument("--product", metavar="P", help="only this product pays")
    place.add_argument("--calendar", metavar="C", help="the calendar of the appointment")
    place.add_argument("--units", metavar="N", type=whole, default=1, help="places (1)")
    place.add_argument("--waitlist", action="store_true", help="wait for a free place")
    place.add_argument("--unfunded", action="store_true", help="book even without credits")
    company_options(place)
    _time_options(place)


def _declare_endings(verbs: Commands) -> None:
    cancel = command(verbs, "cancel", on_database(_cancel), about="Cancel a booking.")
    attend = command(verbs, "attend", on_database(_attend), about="Somebody came.")
    no_show = command(verbs, "no-show", on_database(_no_show), about="Somebody did not come.")
    move = command(verbs, "move", on_database(_move), about="Move a booking to another time.")
    correct = command(verbs, "correct", on_database(_correct), about="Settle a booking anew.")
    for parser in (cancel, attend, no_show, move, correct):
        location_option(parser)
        parser.add_argument(
            "--booking", metavar="ID", type=uuid, required=True, help="the booking's id"
        )
        _preview_option(parser)
    attend.add_argument("--units", metavar="N", type=whole, help="places used; all without it")
    no_show.add_argument("--now", action="store_true", help="post it now, without the delay")
    _time_options(move)
    choice_option(correct, "--to", CORRECTIONS)
    correct.add_argument("--note", metavar="TEXT", required=True, help="why")


def _declare_classes(verbs: Commands) -> None:
    cancel = command(verbs, "cancel-class", on_database(_cancel_class), about="Cancel a class.")
    promote = command(verbs, "promote", on_database(_promote), about="Move the waiting list up.")
    for parser in (cancel, promote):
        parser.add_argument(
            "--class", dest="class_ref", metavar="C", required=True, help="the class's reference"
        )
    promote.add_argument("--places", metavar="N", type=whole, default=1, help="free places (1)")
    undo = command(verbs, "undo-class", on_database(_undo), about="Undo a class's cancellation.")
    undo.add_argument(
        "--cancellation", metavar="ID", type=uuid, required=True, help="what cancelling answered"
    )
    fee = command(verbs, "settle-fee", on_database(_settle_fee), about="Close a fee.")
    fee.add_argument("--fee", metavar="ID", type=uuid, required=True, help="the fee's id")
    choice_option(fee, "--as", SETTLEMENTS)
    for parser in (cancel, promote, undo, fee):
        location_option(parser)
        _preview_option(parser)


def _preview_option(parser: Parser) -> None:
    parser.add_argument("--preview", action="store_true", help="say what would happen, do nothing")


def _time_options(parser: Parser) -> None:
    parser.add_argument("--at", metavar="T", type=instant, required=True, help="when it begins")
    parser.add_argument("--minutes", metavar="N", type=whole, default=60, help="how long (60)")


async def _place(db: Database, arguments: Arguments) -> Said:
    from kotally.bookings import placing
    from kotally.bookings.wishes import Wish

    wish = Wish(
        external_contact_id=arguments.contact,
        external_ref=arguments.reference,
        starts_at=arguments.at,
        ends_at=arguments.at + timedelta(minutes=arguments.minutes),
        class_ref=arguments.class_ref,
        product_config_id=arguments.product,
        calendar_id=arguments.calendar,
        units=arguments.units,
        waitlist=arguments.waitlist,
        allow_unfunded=arguments.unfunded,
        company=company_of(arguments),
    )
    return await _acted(db, arguments, placing.place, subject=wish)


async def _cancel(db: Database, arguments: Arguments) -> Said:
    from kotally.bookings import settling

    return await _acted(db, arguments, settling.cancel, subject=arguments.booking)


async def _attend(db: Database, arguments: Arguments) -> Said:
    from kotally.bookings import settling

    return await _acted(
        db, arguments, settling.attend, subject=arguments.booking, units=arguments.units
    )


async def _no_show(db: Database, arguments: Arguments) -> Said:
    from kotally.bookings import settling

    return await _acted(
        db, arguments, settling.no_show, subject=arguments.booking, at_once=arguments.now
    )


async def _move(db: Database, arguments: Arguments) -> Said:
    from kotally.bookings import rescheduling
    from kotally.bookings.rescheduling import Move

    move = Move(starts_at=arguments.at, ends_at=arguments.at + timedelta(minutes=arguments.minutes))
    return await _acted(
        db, arguments, rescheduling.reschedule, subject=arguments.booking, move=move
    )


async def _correct(db: Database, arguments: Arguments) -> Said:
    from kotally.bookings import corrections

    wishes = {"to": arguments.to, "note": arguments.note}
    return await _acted(db, arguments, corrections.correct, subject=arguments.booking, **wishes)


async def _cancel_class(db: Database, arguments: Arguments) -> Said:
    from kotally.bookings import classes

    return await _acted(db, arguments, classes.cancel_class, subject=arguments.class_ref)


async def _undo(db: Database, arguments: Arguments) -> Said:
    from kotally.bookings import classes

    return await _acted(db, arguments, classes.undo, subject=arguments.cancellation)


async def _promote(db: Database, arguments: Arguments) -> Said:
    from kotally.bookings import waitlist

    wishes = {"places": arguments.places}
    return await _acted(db, arguments, waitlist.promote, subject=arguments.class_ref, **wishes)


async def _settle_fee(db: Database, arguments: Arguments) -> Said:
    from kotally.bookings import fees

    settlement = getattr(arguments, "as")
    return await _acted(db, arguments, fees.settle, subject=arguments.fee, settlement=settlement)


async def _list(db: Database, arguments: Arguments) -> Said:
    from kotally.bookings import records
    from kotally.workspaces import contacts, locations

    location = accepted(await locations.find(db, arguments.location))
    contact = await contacts.find(db, location.id, arguments.contact)
    if contact is None:
        raise Failure(f"There is no contact {arguments.contact!r} in {location.id}.")
    found = await records.of_contact(
        db, location.id, contact.id, since=location.now - timedelta(days=1), is_person=True
    )
    if not found:
        return Said({"bookings": []}, [f"{arguments.contact} has no open booking."])
    head = ("BOOKING", "REFERENCE", "STATUS", "CREDITS", "BEGINS", "FREE UNTIL")
    cells = [
        [
            *(each.id, each.external_ref, each.status, each.credits),
            *(screen.time(each.starts_at), screen.time(each.free_until)),
        ]
        for each in found
    ]
    said = [records.answer_of(each) for each in found]
    return Said({"bookings": said}, screen.table(head, cells))


async def _bring_up_to_date(db: Database, location_id: str, subject: object) -> None:
    """Do what is due of whom an act concerns: a wish, a class, a booking, or what has an id."""
    from kotally.bookings import overdue
    from kotally.bookings.wishes import Wish

    if isinstance(subject, Wish):
        contact = subject.external_contact_id
        await overdue.bring_company_up_to_date(
            db, location_id, contact, beneficiary=subject.company.beneficiary
        )
    elif isinstance(subject, UUID):
        await overdue.bring_booking_up_to_date(db, location_id, subject)
        await overdue.bring_owner_up_to_date(db, location_id, subject)
    else:
        await overdue.bring_class_up_to_date(db, location_id, str(subject))


async def _acted(
    db: Database,
    arguments: Arguments,
    act: Callable[..., Awaitable[Outcome]],
    *,
    subject: object,
    **wishes: Any,  # noqa: ANN401 - what the act takes beside its subject
) -> Said:
    from kotally.workspaces import locations

    for name in ("units", "minutes", "places"):
        count = getattr(arguments, name, None)
        if count is not None and not 1 <= count <= COUNT_MAX:
            raise Failure(f"--{name} is a number from 1 to {COUNT_MAX}, not {count}.")
    location = accepted(await locations.find(db, arguments.location))
    await _bring_up_to_date(db, location.id, subject)
    outcome = await act(
        db,
        location.id,
        subject,
        key=fresh_key(arguments.verb),
        preview=arguments.preview,
        **wishes,
    )
    return said_of(outcome, preview=arguments.preview)

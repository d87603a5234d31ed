"""Every act of the engine, by the name of the function and plain arguments."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from kotally.bookings import (
    classes,
    corrections,
    fees,
    overdue,
    placing,
    rescheduling,
    settling,
    waitlist,
    wishes,
)
from kotally.bookings.company import Company
from kotally.bookings.meeting import Somebody
from kotally.ledger.acts import Operation, Outcome, act
from kotally.memberships import (
    cancellations,
    changes,
    closures,
    extensions,
    freezes,
    migrations,
    past_uses,
    renewals,
)
from kotally.payments import (
    adjustments,
    disputes,
    grants,
    refunds,
    sharing,
    transfers,
    undoing,
    using,
)
from kotally.payments.purchases import Purchase
from kotally.payments.using import Use
from tests.lifecycle.studio import PRICE, How, Studio

AN_HOUR = timedelta(hours=1)


def asked(how: How) -> dict[str, Any]:
    return {"key": how.key, "preview": how.preview}


async def _payment(studio: Studio, place: int) -> UUID:
    id_ = studio.id("payment", place)
    await overdue.bring_owner_up_to_date(studio.db, studio.location, id_)
    return id_


async def _membership(studio: Studio, place: int) -> UUID:
    id_ = studio.id("membership", place)
    await overdue.bring_owner_up_to_date(studio.db, studio.location, id_)
    return id_


async def _caught_up(studio: Studio, *members: str) -> None:
    for member in members:
        await overdue.bring_up_to_date(studio.db, studio.location, member)


# What a payment buys.


async def pay(studio: Studio, how: How, *, member: str, product: str, payment: str) -> Outcome:
    purchase = Purchase(
        location_id=studio.location,
        external_contact_id=member,
        product_config_id=product,
        external_payment_id=payment,
        provider="stripe",
        event_type="payment_confirmed",
        amount_cents=PRICE,
        currency="USD",
    )
    return await grants.grant(studio.db, studio.writer, purchase, key=how.key)


async def refund(studio: Studio, how: How, *, payment: int, cents: int, ref: str) -> Outcome:
    wanted = refunds.Refund(amount_cents=cents, external_refund_id=ref)
    id_ = await _payment(studio, payment)
    return await refunds.refund(studio.db, studio.location, id_, wanted=wanted, **asked(how))


async def dispute(studio: Studio, how: How, *, payment: int, event: Any) -> Outcome:
    id_ = await _payment(studio, payment)
    return await disputes.dispute(studio.db, studio.location, id_, event=event, **asked(how))


async def adjust(studio: Studio, how: How, *, member: str, amount: int, role: Any) -> Outcome:
    await _caught_up(studio, member)
    wish = adjustments.Wish(contact=member, amount=amount, reason="goodwill", note="Sorry.")
    return await adjustments.adjust(studio.db, studio.location, wish, role=role, **asked(how))


async def decide(studio: Studio, how: How, *, approval: int, approved: bool) -> Outcome:
    id_ = studio.id("approval", approval)
    key = msgspec.structs.replace(how.key, actor="staff:zoe")
    await overdue.bring_owner_up_to_date(studio.db, studio.location, id_)
    return await adjustments.decide(
        studio.db, studio.location, id_, approved=approved, key=key, preview=how.preview
    )


async def give(studio: Studio, how: How, *, giver: str, taker: str, amount: int) -> Outcome:
    await _caught_up(studio, giver, taker)
    gift = transfers.Gift(from_contact=giver, to_contact=taker, amount=amount, note="A gift.")
    return await transfers.transfer(studio.db, studio.location, gift, **asked(how))


async def take_back(studio: Studio, how: How, *, transfer: int) -> Outcome:
    id_ = studio.id("transfer", transfer)
    await overdue.bring_owner_up_to_date(studio.db, studio.location, id_)
    return await undoing.undo(studio.db, studio.location, id_, **asked(how))


async def share(studio: Studio, how: How, *, giver: str, taker: str) -> Outcome:
    return await sharing.share(
        studio.db, studio.location, giver, user=Somebody(reference=taker), **asked(how)
    )


async def unshare(studio: Studio, how: How, *, giver: str, taker: str) -> Outcome:
    return await sharing.unshare(studio.db, studio.location, giver, user=taker, **asked(how))


async def use_shared(
    studio: Studio, how: How, *, member: str, amount: int, is_hold: bool
) -> Outcome:
    await overdue.bring_location_up_to_date(studio.db, studio.location)
    wanted = Use(contact=member, amount=amount, is_hold=is_hold)
    return await using.use(studio.db, studio.location, wanted, **asked(how))


async def bring_guest(studio: Studio, how: How, *, giver: str, taker: str) -> Outcome:
    await _caught_up(studio, giver, taker)
    wanted = Use(contact=giver, company=Company(guest=Somebody(reference=taker)))
    return await using.use(studio.db, studio.location, wanted, **asked(how))


# What the kernel does for whoever calls the API.


async def spend(
    studio: Studio, how: How, *, operation: Operation, member: str, **fields: Any
) -> Outcome:
    """Carry out an act of the kernel; `args` is a mapping, `hold` the place of a hold."""
    if "hold" in fields:
        fields["hold_id"] = studio.id("hold", fields.pop("hold"))
    if "args" in fields:
        fields["args"] = msgspec.json.encode(fields["args"]).decode()
    made = act(operation, how.key, external_contact_id=member, **fields)
    return await overdue.submit(studio.db, studio.writer, studio.location, act=made)


# Bookings.


async def book(studio: Studio, how: How, *, member: str, starts_at: datetime, **w: Any) -> Outcome:
    wish = wishes.Wish(
        external_contact_id=member, starts_at=starts_at, ends_at=starts_at + AN_HOUR, **w
    )
    await overdue.bring_up_to_date(studio.db, studio.location, member)
    return await placing.place(studio.db, studio.location, wish, **asked(how))


async def _booking(studio: Studio, place: int) -> UUID:
    id_ = studio.id("booking", place)
    await overdue.bring_booking_up_to_date(studio.db, studio.location, id_)
    return id_


async def unbook(studio: Studio, how: How, *, booking: int) -> Outcome:
    id_ = await _booking(studio, booking)
    return await settling.cancel(studio.db, studio.location, id_, **asked(how))


async def attend(studio: Studio, how: How, *, booking: int, units: int | None) -> Outcome:
    id_ = await _booking(studio, booking)
    return await settling.attend(studio.db, studio.location, id_, units=units, **asked(how))


async def miss(studio: Studio, how: How, *, booking: int, at_once: bool) -> Outcome:
    id_ = await _booking(studio, booking)
    return await settling.no_show(studio.db, studio.location, id_, at_once=at_once, **asked(how))


async def correct(studio: Studio, how: How, *, booking: int, to: Any) -> Outcome:
    id_ = await _booking(studio, booking)
    return await corrections.correct(
        studio.db, studio.location, id_, to=to, note="Seen.", **asked(how)
    )


async def move(studio: Studio, how: How, *, booking: int, starts_at: datetime) -> Outcome:
    id_ = await _booking(studio, booking)
    wanted = rescheduling.Move(starts_at=starts_at, ends_at=starts_at + AN_HOUR)
    return await rescheduling.reschedule(studio.db, studio.location, id_, move=wanted, **asked(how))


async def call_off(studio: Studio, how: How, *, class_ref: str) -> Outcome:
    await overdue.bring_class_up_to_date(studio.db, studio.location, class_ref)
    return await classes.cancel_class(studio.db, studio.location, class_ref, **asked(how))


async def call_on(studio: Studio, how: How, *, cancelled: int) -> Outcome:
    id_ = studio.id("cancelled class", cancelled)
    await overdue.bring_owner_up_to_date(studio.db, studio.location, id_)
    return await classes.undo(studio.db, studio.location, id_, **asked(how))


async def promote(studio: Studio, how: How, *, class_ref: str) -> Outcome:
    await overdue.bring_class_up_to_date(studio.db, studio.location, class_ref)
    return await waitlist.promote(studio.db, studio.location, class_ref, **asked(how))


async def settle_fee(studio: Studio, how: How, *, fee: int, settlement: Any) -> Outcome:
    id_ = studio.id("fee", fee)
    return await fees.settle(studio.db, studio.location, id_, settlement=settlement, **asked(how))


# Memberships.


async def renew(studio: Studio, how: How, *, membership: int) -> Outcome:
    id_ = await _membership(studio, membership)
    return await renewals.renew(studio.db, studio.location, id_, **asked(how))


async def freeze(
    studio: Studio, how: How, *, membership: int, starts_on: date, days: int, **wish: Any
) -> Outcome:
    wanted = freezes.Wish(starts_on=starts_on, resumes_on=starts_on + timedelta(days=days), **wish)
    id_ = await _membership(studio, membership)
    return await freezes.freeze(studio.db, studio.location, id_, wish=wanted, **asked(how))


async def resume(studio: Studio, how: How, *, membership: int) -> Outcome:
    id_ = await _membership(studio, membership)
    return await freezes.resume(studio.db, studio.location, id_, **asked(how))


async def extend_freeze(studio: Studio, how: How, *, membership: int, resumes_on: date) -> Outcome:
    id_ = await _membership(studio, membership)
    return await freezes.extend(
        studio.db, studio.location, id_, resumes_on=resumes_on, **asked(how)
    )


async def cancel_freeze(studio: Studio, how: How, *, membership: int) -> Outcome:
    id_ = await _membership(studio, membership)
    return await freezes.cancel(studio.db, studio.location, id_, **asked(how))


async def change(studio: Studio, how: How, *, membership: int, **wanted: Any) -> Outcome:
    id_ = await _membership(studio, membership)
    return await changes.change(
        studio.db, studio.location, id_, wanted=changes.Wanted(**wanted), **asked(how)
    )


async def remove_change(studio: Studio, how: How, *, membership: int) -> Outcome:
    id_ = await _membership(studio, membership)
    return await changes.remove(studio.db, studio.location, id_, **asked(how))


async def cancel(studio: Studio, how: How, *, membership: int, at: Any) -> Outcome:
    id_ = await _membership(studio, membership)
    wish = cancellations.Wish(at=at)
    return await cancellations.cancel(studio.db, studio.location, id_, wish=wish, **asked(how))


async def uncancel(studio: Studio, how: How, *, membership: int) -> Outcome:
    id_ = await _membership(studio, membership)
    return await cancellations.uncancel(studio.db, studio.location, id_, **asked(how))


async def migrate(studio: Studio, how: How, *, product: str) -> Outcome:
    await overdue.bring_location_up_to_date(studio.db, studio.location)
    return await migrations.migrate(studio.db, studio.location, product, **asked(how))


# Expiries.


async def extend(studio: Studio, how: How, *, lot: int, valid_to: date) -> Outcome:
    id_ = studio.id("lot", lot)
    await overdue.bring_owner_up_to_date(studio.db, studio.location, id_)
    return await extensions.extend_lot(
        studio.db, studio.location, id_, valid_to=valid_to, reason="Was ill.", **asked(how)
    )


async def close(studio: Studio, how: How, *, starts_on: date, days: int) -> Outcome:
    await overdue.bring_location_up_to_date(studio.db, studio.location)
    closing = closures.Closing(
        starts_on=starts_on, reopens_on=starts_on + timedelta(days=days), note="Flood."
    )
    return await closures.close(studio.db, studio.location, closing=closing, **asked(how))


async def undo_closure(studio: Studio, how: How, *, closure: int) -> Outcome:
    id_ = studio.id("closure", closure)
    await overdue.bring_location_up_to_date(studio.db, studio.location)
    return await closures.undo(studio.db, studio.location, id_, **asked(how))


async def use_past(studio: Studio, how: How, *, member: str, at: datetime, ref: str) -> Outcome:
    await _caught_up(studio, member)
    past = past_uses.Past(
        external_contact_id=member, appointment_at=at, reason="Forgotten.", external_ref=ref
    )
    return await past_uses.record(studio.db, studio.location, past=past, **asked(how))

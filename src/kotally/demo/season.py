"""Six months of one studio, lived day by day on its own clock, by the product's own functions."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Struct

from kotally.core.dice import Dice
from kotally.db import Database
from kotally.demo.cast import Member, Studio
from kotally.demo.desk import Desk
from kotally.demo.people import Person, people
from kotally.demo.regulars import Regulars
from kotally.demo.whims import Sale, Whims
from kotally.ledger.acts import Act, act
from kotally.ledger.writer import Writer
from kotally.payments.grants import Purchase
from kotally.worker import travel

WEEK_DAYS: Final = 7
LOOK_AHEAD_DAYS: Final = 3
FIRST_CLASS_HOUR: Final = 7
LAST_CLASS_HOUR: Final = 20
OPENS_AT_HOUR: Final = 6
CANCELS_PERCENT: Final = 9
PAYS_LATE_PERCENT: Final = 3
GRANTS_AT_ONCE: Final = 50
PACK_GAP_DAYS: Final = 2


class _Booking(Struct, frozen=True):
    member: Member
    reference: str
    calendar: str
    starts_at: datetime


class Season:
    """The life of one studio."""

    def __init__(
        self, db: Database, writer: Writer, studio: Studio, *, members: Sequence[Member], dice: Dice
    ) -> None:
        self._db: Database = db
        self._writer: Writer = writer
        self._studio: Studio = studio
        self._dice: Dice = dice
        self._zone: ZoneInfo = ZoneInfo(studio.timezone)
        self._bookings: list[_Booking] = []
        self._people: list[Person] = people(list(members))
        self._payments: int = 0
        self._desk: Desk = Desk(db, writer, studio.id)
        book_ahead = [person for person in self._people if person.member.books_ahead]
        self._regulars: Regulars = Regulars(self._desk, book_ahead, dice)
        self._whims: Whims = Whims(self._desk, self._people, dice, offers=studio.offers)

    async def live(self, first: datetime, day: int) -> None:
        """Live one day: the clock moves, payments come in, members book and cancel."""
        morning = (first.astimezone(self._zone) + timedelta(days=day)).replace(
            hour=OPENS_AT_HOUR, minute=0, second=0, microsecond=0
        )
        async for happening in travel.advance(self._db, self._studio.id, morning):
            assert isinstance(happening, travel.Happening), happening
        await self._sell(day, morning)
        await self._cancel(morning)
        await self._book(day, morning)
        await self._regulars.live(day, morning)
        await self._whims.live(day, morning)

    async def _sell(self, day: int, now: datetime) -> None:
        buyers = [person for person in self._people if person.pays_on == day]
        purchases = [self._purchase(person, now) for person in buyers]
        for start in range(0, len(purchases), GRANTS_AT_ONCE):
            some = slice(start, start + GRANTS_AT_ONCE)
            granted = await asyncio.gather(*map(self._desk.sell, purchases[some]))
            for person, purchase, grant in zip(buyers[some], purchases[some], granted, strict=True):
                self._sold(person, purchase, grant)
        for person in buyers:
            person.pays_on = day + self._next_payment(person)

    def _sold(self, person: Person, purchase: Purchase, grant: dict[str, Any] | None) -> None:
        if grant is None:
            return
        if person.offer.type == "membership":
            person.membership_id = UUID(grant["entitlement_id"])
        else:
            sale = Sale(
                UUID(grant["payment_id"]), purchase.external_payment_id, person.offer.price_cents
            )
            self._whims.sold(sale)

    def _purchase(self, person: Person, now: datetime) -> Purchase:
        self._payments += 1
        member = person.member
        return Purchase(
            location_id=self._studio.id,
            external_contact_id=member.external_id,
            product_config_id=person.offer.id,
            external_payment_id=f"pay_{self._payments:05}",
            provider="demo",
            event_type="payment_confirmed",
            amount_cents=person.offer.price_cents,
            currency=self._studio.currency,
            paid_at=now,
            email=member.email,
            name=member.name,
        )

    def _next_payment(self, person: Person) -> int:
        """Return in how many days the member pays again."""
        if person.offer.type == "membership":
            # A month less a day, so that the next period is paid before it begins; some are late.
            return 33 if self._dice.chance(PAYS_LATE_PERCENT) else 30
        weeks = person.offer.terms.credits // person.member.classes_a_week
        return max(weeks * WEEK_DAYS + self._dice.between(-PACK_GAP_DAYS, 10), 1)

    async def _book(self, day: int, now: datetime) -> None:
        eager = [
            person.member
            for person in self._people
            if person.is_here(day)
            and not person.member.books_ahead
            and self._dice.between(1, WEEK_DAYS) <= person.member.classes_a_week
        ]
        bookings = [self._plan_booking(member, day, now) for member in eager]
        acts = [self._deduction(booking) for booking in bookings]
        outcomes = await self._writer.submit_all(self._studio.id, acts)
        self._bookings += [
            booking for booking, out in zip(bookings, outcomes, strict=True) if out.done
        ]

    def _plan_booking(self, member: Member, day: int, now: datetime) -> _Booking:
        ahead = timedelta(days=self._dice.between(0, LOOK_AHEAD_DAYS))
        hour = self._dice.between(FIRST_CLASS_HOUR, LAST_CLASS_HOUR)
        return _Booking(
            member=member,
            reference=f"booking_{day:03}_{member.external_id}",
            calendar=self._dice.pick(member.calendars),
            starts_at=(now + ahead).replace(hour=hour),
        )

    async def _cancel(self, now: datetime) -> None:
        """Let some give up a place: in time it comes back, too late it is gone."""
        coming = [booking for booking in self._bookings if booking.starts_at > now]
        quitters = [booking for booking in coming if self._dice.chance(CANCELS_PERCENT)]
        left = {id(booking) for booking in quitters}
        self._bookings = [booking for booking in coming if id(booking) not in left]
        acts = [self._restore(booking) for booking in quitters]
        await self._writer.submit_all(self._studio.id, acts)

    def _deduction(self, booking: _Booking) -> Act:
        return act(
            "deduct",
            self._desk.key("deduct", booking.reference),
            external_contact_id=booking.member.external_id,
            calendar_id=booking.calendar,
            amount=1,
            appointment_at=booking.starts_at,
            external_ref=booking.reference,
        )

    def _restore(self, booking: _Booking) -> Act:
        return act(
            "restore",
            self._desk.key("restore", booking.reference),
            external_contact_id=booking.member.external_id,
            calendar_id=booking.calendar,
            amount=1,
            external_ref=booking.reference,
        )

"""Six months of one studio, lived day by day on its own clock, by the product's own functions."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from kotally.core.dice import Dice
from kotally.core.ids import new_id
from kotally.db import Database
from kotally.demo.cast import Member, Studio
from kotally.ledger.acts import Act, Key, act, digest
from kotally.ledger.writer import Writer
from kotally.payments import grants
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
        self._members: Sequence[Member] = members
        self._dice: Dice = dice
        self._zone: ZoneInfo = ZoneInfo(studio.timezone)
        self._bookings: list[_Booking] = []
        self._pays_on: dict[str, int] = {m.external_id: m.joins_on_day for m in members}
        self._payments: int = 0

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

    async def _sell(self, day: int, now: datetime) -> None:
        buyers = [m for m in self._members if self._pays_on[m.external_id] == day]
        purchases = [self._purchase(member, now) for member in buyers]
        for start in range(0, len(purchases), GRANTS_AT_ONCE):
            await asyncio.gather(
                *(self._grant(purchase) for purchase in purchases[start : start + GRANTS_AT_ONCE])
            )
        for member in buyers:
            self._pays_on[member.external_id] = day + self._next_payment(member)

    def _purchase(self, member: Member, now: datetime) -> Purchase:
        self._payments += 1
        return Purchase(
            location_id=self._studio.id,
            external_contact_id=member.external_id,
            product_config_id=member.offer.id,
            external_payment_id=f"pay_{self._payments:05}",
            provider="demo",
            event_type="payment_confirmed",
            amount_cents=member.offer.price_cents,
            currency=self._studio.currency,
            paid_at=now,
            email=member.email,
            name=member.name,
        )

    def _next_payment(self, member: Member) -> int:
        """Return in how many days the member pays again."""
        if member.offer.type == "membership":
            # A month less a day, so that the next period is paid before it begins; some are late.
            return 33 if self._dice.chance(PAYS_LATE_PERCENT) else 30
        weeks = member.offer.terms.credits // member.classes_a_week
        return max(weeks * WEEK_DAYS + self._dice.between(-PACK_GAP_DAYS, 10), 1)

    async def _grant(self, purchase: Purchase) -> None:
        key = self._key("grant", purchase.external_payment_id, purchase)
        await grants.grant(self._db, self._writer, purchase, key=key)

    async def _book(self, day: int, now: datetime) -> None:
        eager = [
            member
            for member in self._members
            if member.joins_on_day <= day
            and self._dice.between(1, WEEK_DAYS) <= member.classes_a_week
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
            self._key("deduct", booking.reference, booking.reference),
            external_contact_id=booking.member.external_id,
            calendar_id=booking.calendar,
            amount=1,
            appointment_at=booking.starts_at,
            external_ref=booking.reference,
        )

    def _restore(self, booking: _Booking) -> Act:
        return act(
            "restore",
            self._key("restore", f"cancel_{booking.reference}", booking.reference),
            external_contact_id=booking.member.external_id,
            calendar_id=booking.calendar,
            amount=1,
            external_ref=booking.reference,
        )

    def _key(self, operation: str, request_id: str, request: object) -> Key:
        hash_, body = digest(operation, request)
        return Key(request_id, hash_, body, new_id(), "api", "demo")

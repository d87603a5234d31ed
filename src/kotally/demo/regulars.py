"""Those who book classes: they come, cancel too late, do not show up; the studio cancels too."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from msgspec import Struct

from kotally.bookings.wishes import Wish
from kotally.core.dice import Dice
from kotally.demo.desk import Desk
from kotally.demo.people import Person

WEEK_DAYS: Final = 7
CLASS_HOURS: Final = (7, 12, 18, 19)
CLASS_LENGTH: Final = timedelta(hours=1)
LOOK_AHEAD_DAYS: Final = 4
GIVES_UP_PERCENT: Final = 4  # a day, so some of it is too late
ILL_TEACHER_EVERY_DAYS: Final = 13
AT_ONCE: Final = 6  # fewer than the pool has connections


class _Place(Struct, frozen=True):
    id: UUID
    person: Person
    class_ref: str
    starts_at: datetime


class Regulars:
    """The members who book ahead, and their places."""

    def __init__(self, desk: Desk, people: Sequence[Person], dice: Dice) -> None:
        self._desk: Desk = desk
        self._people: Sequence[Person] = people
        self._dice: Dice = dice
        self._places: list[_Place] = []

    async def live(self, day: int, now: datetime) -> None:
        """Say who missed yesterday's classes, give up places, and take new ones."""
        await self._miss(now)
        await self._give_up()
        if day % ILL_TEACHER_EVERY_DAYS == ILL_TEACHER_EVERY_DAYS - 1:
            await self._call_off()
        await self._book(day, now)

    async def _miss(self, now: datetime) -> None:
        over = [place for place in self._places if place.starts_at <= now]
        self._places = [place for place in self._places if place.starts_at > now]
        missed = [p for p in over if not self._dice.chance(p.person.member.reliability)]
        await _together([self._desk.miss(place.id) for place in missed])

    async def _give_up(self) -> None:
        given = [place for place in self._places if self._dice.chance(GIVES_UP_PERCENT)]
        left = {place.id for place in given}
        self._places = [place for place in self._places if place.id not in left]
        await _together([self._desk.cancel(place.id) for place in given])

    async def _call_off(self) -> None:
        if not self._places:
            return
        class_ref = self._dice.pick(self._places).class_ref
        self._places = [place for place in self._places if place.class_ref != class_ref]
        await self._desk.call_off(class_ref)

    async def _book(self, day: int, now: datetime) -> None:
        eager = [
            person
            for person in self._people
            if person.is_here(day)
            and self._dice.between(1, WEEK_DAYS) <= person.member.classes_a_week
        ]
        wishes = [self._wish(person, day, now) for person in eager]
        found = await _together([self._desk.book(wish) for wish in wishes])
        self._places += [
            _Place(id_, person, wish.class_ref or "", wish.starts_at)
            for id_, person, wish in zip(found, eager, wishes, strict=True)
            if id_ is not None
        ]

    def _wish(self, person: Person, day: int, now: datetime) -> Wish:
        ahead = timedelta(days=self._dice.between(0, LOOK_AHEAD_DAYS))
        starts_at = (now + ahead).replace(hour=self._dice.pick(CLASS_HOURS))
        calendar = self._dice.pick(person.member.calendars)
        return Wish(
            external_contact_id=person.member.external_id,
            external_ref=f"booking_{day:03}_{person.member.external_id}",
            class_ref=f"{calendar}_{starts_at:%Y%m%d_%H}",
            calendar_id=calendar,
            starts_at=starts_at,
            ends_at=starts_at + CLASS_LENGTH,
        )


async def _together(acts: Sequence[Coroutine[Any, Any, Any]]) -> list[Any]:
    """Do a few acts at a time; what came of them, in their order."""
    found: list[Any] = []
    for start in range(0, len(acts), AT_ONCE):
        found += await asyncio.gather(*acts[start : start + AT_ONCE])
    return found

"""What members change their minds about: holidays, larger and smaller plans, money back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from msgspec import Struct

from kotally.core.dice import Dice
from kotally.demo.cast import Offer
from kotally.demo.desk import Desk
from kotally.demo.people import Person

THOUSAND: Final = 1_000
FREEZES_PER_THOUSAND: Final = 4  # a membership and a day
RETURNS_EARLY_PERCENT: Final = 4
CHANGES_PER_THOUSAND: Final = 3
REFUNDS_PERCENT: Final = 3  # of the packs sold
SHORTEST_FREEZE_DAYS: Final = 7
LONGEST_FREEZE_DAYS: Final = 28


class Sale(Struct, frozen=True):
    """A payment that may be given back."""

    payment_id: UUID
    reference: str
    cents: int


class Whims:
    """Changes of mind in one studio."""

    def __init__(
        self, desk: Desk, people: Sequence[Person], dice: Dice, *, offers: Sequence[Offer]
    ) -> None:
        self._desk: Desk = desk
        self._people: Sequence[Person] = people
        self._dice: Dice = dice
        self._plans: list[Offer] = [offer for offer in offers if offer.type == "membership"]
        self._regretted: list[Sale] = []

    def sold(self, sale: Sale) -> None:
        """Hear of a pack that was sold; a few of them come back, in part or in whole."""
        if self._dice.chance(REFUNDS_PERCENT):
            self._regretted.append(sale)

    async def live(self, day: int, now: datetime) -> None:
        """Let members come and go."""
        for person in self._people:
            if person.membership_id is None:
                continue
            if person.back_on > day:
                await self._come_back(person, day, now)
            elif self._throw(FREEZES_PER_THOUSAND):
                await self._freeze(person, day, now)
            elif self._throw(CHANGES_PER_THOUSAND):
                await self._change(person)
        if self._regretted and self._dice.chance(30):
            await self._give_back(self._regretted.pop(0))

    async def _freeze(self, person: Person, day: int, now: datetime) -> None:
        assert person.membership_id is not None, "only a membership can be frozen"
        starts_on = now.date() + timedelta(days=1)
        days = self._dice.between(SHORTEST_FREEZE_DAYS, LONGEST_FREEZE_DAYS)
        frozen = await self._desk.freeze(
            person.membership_id, starts_on=starts_on, resumes_on=starts_on + timedelta(days=days)
        )
        if frozen is not None:
            person.back_on = day + 1 + days
            person.pays_on += days

    async def _come_back(self, person: Person, day: int, now: datetime) -> None:
        assert person.membership_id is not None, "only a membership can be frozen"
        if self._dice.chance(RETURNS_EARLY_PERCENT):
            await self._desk.resume(person.membership_id, now)
            person.pays_on = max(person.pays_on - (person.back_on - day), day)
            person.back_on = day

    async def _change(self, person: Person) -> None:
        """Take the other plan: the larger one now, the smaller one with the next period."""
        assert person.membership_id is not None, "only a membership can be changed"
        other = self._dice.pick([plan for plan in self._plans if plan.id != person.offer.id])
        larger = other.terms.credits > person.offer.terms.credits
        if await self._desk.change(person.membership_id, other.id, paid=larger) is not None:
            person.offer = other

    async def _give_back(self, sale: Sale) -> None:
        half = self._dice.chance(50)
        await self._desk.refund(
            sale.payment_id,
            cents=sale.cents // 2 if half else sale.cents,
            name=f"re_{sale.reference}",
        )

    def _throw(self, per_thousand: int) -> bool:
        return self._dice.between(1, THOUSAND) <= per_thousand

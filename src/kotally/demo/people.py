"""The members of a demo studio as they live: what they have bought, and what becomes of them."""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

from kotally.demo.cast import Member, Offer


class Person(Struct, kw_only=True):
    """A member on some day; days are counted from the first of the demo."""

    member: Member
    offer: Offer
    pays_on: int
    membership_id: UUID | None = None
    back_on: int = 0

    def is_here(self, day: int) -> bool:
        """Tell whether they have joined and are not frozen."""
        return self.member.joins_on_day <= day and self.back_on <= day


def people(members: list[Member]) -> list[Person]:
    """Meet the members, before they have bought anything."""
    return [
        Person(member=member, offer=member.offer, pays_on=member.joins_on_day) for member in members
    ]

"""For whom credits are wanted, and by what right (S1.6, S12.4, S12.5)."""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

from kotally.bookings import lending
from kotally.bookings.lending import For
from kotally.bookings.meeting import Somebody, is_same_person, meet
from kotally.ledger.scenes import Declined, Scene


class Company(Struct, frozen=True, kw_only=True):
    """
    Who comes instead of the contact whose credits pay, and which of them.

    `guest` comes as a guest, `beneficiary` because the credits are shared; with neither it is the
    contact who comes. `lots` are those that staff named, `lots_reason` is why.
    """

    beneficiary: str | None = None
    guest: Somebody | None = None
    booked_by: str | None = None
    lots: list[UUID] = []
    lots_reason: str | None = None


async def met(scene: Scene, contact_id: UUID, company: Company) -> For:
    """Say for whom it is: whoever comes is met, and is locked by the caller."""
    named = For(lots=company.lots, lots_reason=company.lots_reason)
    who = company.guest
    if who is None and company.beneficiary is not None:
        who = Somebody(reference=company.beneficiary)
    if who is None:
        return named
    person_id = await meet(scene, who)
    is_guest = company.guest is not None
    if is_guest and await is_same_person(scene, contact_id, person_id):
        raise Declined("GUEST_IS_OWNER", contact_id=contact_id)
    if person_id == contact_id:
        return named
    return For(
        beneficiary_id=person_id,
        booked_by=company.booked_by or scene.key.actor,
        is_guest=is_guest,
        lots=company.lots,
        lots_reason=company.lots_reason,
    )


async def demand_allowed(scene: Scene, owner_id: UUID, whose: For) -> None:
    """Refuse credits of somebody who does not lend them, and lots that are not there."""
    if whose.beneficiary_id is not None and whose.is_guest:
        await lending.demand_welcome(scene, owner_id, whose.beneficiary_id)
    elif whose.beneficiary_id is not None:
        await lending.demand_shared(scene, owner_id, whose.beneficiary_id)
    if whose.lots:
        await lending.demand_lots(scene, owner_id, whose.lots)

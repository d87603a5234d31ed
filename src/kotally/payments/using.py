"""A use that a plain deduction cannot say: for somebody else, or from named lots (S1.6, S12.4)."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from kotally.bookings import lending
from kotally.bookings.blocks import demand_unblocked
from kotally.bookings.company import Company, demand_allowed, met
from kotally.bookings.lending import For, Lender
from kotally.bookings.placing import demand_active
from kotally.core.ids import new_id
from kotally.db import Database
from kotally.ledger.acts import Act, Key, Operation, Outcome
from kotally.ledger.scenes import Declined, Done, Scene, play
from kotally.payments import people


class Use(Struct, frozen=True, kw_only=True):
    """
    What is used, whose, and for whom.

    The credits are the contact's; when nobody comes instead and no lots are named, credits that
    others share pay if the own ones do not. `is_hold` sets the credits aside.
    """

    contact: str
    company: Company = Company()
    amount: int = 1
    product_config_id: str | None = None
    calendar_id: str | None = None
    external_ref: str | None = None
    appointment_at: datetime | None = None
    is_hold: bool = False


class _Taken(Struct, frozen=True):
    """What the kernel said of it."""

    code: str
    answer: dict[str, Any]

    @property
    def done(self) -> bool:
        return self.code in {"held", "deducted"}


async def use(
    db: Database, location_id: str, wanted: Use, *, key: Key, preview: bool = False
) -> Outcome:
    """
    Use credits: of a contact for another or for a guest, of whoever shares, or of named lots.

    One owner pays for all of it. Codes: `used`, `guest_brought`, CONTACT_NOT_FOUND, NOT_SHARED,
    GUEST_IS_OWNER, GUESTS_NOT_ALLOWED, GUEST_NOT_NEW, GUEST_VISITS_USED, LOT_NOT_USABLE,
    BOOKING_BLOCKED, PAST_DUE and the refusals of a deduction.
    """

    async def work(scene: Scene) -> Done:
        await demand_active(scene)
        owner = Lender(await people.contact_of(scene, wanted.contact), wanted.contact)
        whose = await met(scene, owner.id, wanted.company)
        is_plain = whose.beneficiary_id is None and not whose.lots
        lenders = (
            await lending.lenders_of(scene.tx, scene.location_id, owner.id) if is_plain else []
        )
        person_id = whose.beneficiary_id or owner.id
        await scene.lock(sorted({owner.id, person_id, *(each.id for each in lenders)}))
        await demand_allowed(scene, owner.id, whose)
        at = max(wanted.appointment_at or scene.now, scene.now)
        await demand_unblocked(scene, person_id, owner_id=owner.id, at=at)
        taken = await _take(scene, owner, wanted, whose=whose)
        if taken.code in lending.SHORT:
            return await _borrowed(scene, taken, wanted, user_id=person_id, lenders=lenders)
        if not taken.done:
            raise Declined(taken.code, **taken.answer)
        return _done(taken, owner.id, whose)

    return await play(db, location_id, "use", key=key, work=work, preview=preview)


async def _borrowed(
    scene: Scene, own: _Taken, wanted: Use, *, user_id: UUID, lenders: list[Lender]
) -> Done:
    """
    Let the first lender pay that can (S1.1).

    Else it is as the own credits said, or as a lender's do if there are none of one's own.
    """
    said = own
    booked_by = wanted.company.booked_by or scene.key.actor
    whose = For(beneficiary_id=user_id, booked_by=booked_by)
    for lender in lenders:
        taken = await _take(scene, lender, wanted, whose=whose)
        if taken.done:
            return _done(taken, lender.id, whose)
        if said.code == "NO_ENTITLEMENT":
            said = taken
    raise Declined(said.code, **said.answer)


async def _take(scene: Scene, owner: Lender, wanted: Use, *, whose: For) -> _Taken:
    """Take the credits of a use from their owner, who is locked, and keep for whom."""
    operation: Operation = "hold" if wanted.is_hold else "deduct"
    key = scene.key
    act = Act(
        operation,
        new_id(),
        key.request_id or str(key.correlation_id),
        key.digest,
        key.body,
        key.correlation_id,
        key.source,
        key.actor,
        external_contact_id=owner.external_id,
        product_config_id=wanted.product_config_id,
        calendar_id=wanted.calendar_id,
        amount=wanted.amount,
        appointment_at=wanted.appointment_at,
        external_ref=wanted.external_ref,
        args=whose.args(),
    )
    row = await scene.tx.fetchrow(
        "select o.code, o.answer from kotally.place_hold($1, $2::kotally.act, $3, $4, $5) o",
        scene.location_id,
        msgspec.structs.astuple(act),
        owner.id,
        scene.parts(),
        scene.now,
    )
    assert row is not None, "the kernel answers every act"
    taken = _Taken(row["code"], msgspec.json.decode(row["answer"]))
    if taken.done:
        await lending.record(
            scene,
            whose,
            hold_id=UUID(taken.answer["hold_id"]),
            owner_id=owner.id,
            entitlement_id=UUID(taken.answer["entitlement_id"]),
        )
    return taken


def _done(taken: _Taken, owner_id: UUID, whose: For) -> Done:
    facts: dict[str, Any] = {
        "owner_id": owner_id,
        "beneficiary_id": whose.beneficiary_id or owner_id,
        "booked_by": whose.booked_by,
        "is_guest": whose.is_guest,
        "status": taken.code,
    }
    return Done("guest_brought" if whose.is_guest else "used", taken.answer | facts)

"""Guests: a member brings somebody on a guest pass, or on credits that allow it (S12.5)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from kotally.db import Database
from kotally.ledger.acts import Key, Outcome
from kotally.ledger.scenes import Declined, Done, Scene, play
from kotally.payments import people
from kotally.payments.using import Taken, Use, record, take
from kotally.products.policies import Sharing
from kotally.products.rules import read_rules


async def bring(
    db: Database, location_id: str, owner: str, *, wanted: Use, key: Key, preview: bool = False
) -> Outcome:
    """
    Pay for a guest, who is a contact, with the owner's credits that are good for guests.

    Codes: `guest_brought`, CONTACT_NOT_FOUND, GUESTS_NOT_ALLOWED, GUEST_NOT_NEW,
    GUEST_VISITS_USED and the refusals of a deduction.
    """

    async def work(scene: Scene) -> Done:
        owner_id = await people.contact_of(scene, owner)
        guest_id = await people.contact_of(scene, wanted.beneficiary)
        if owner_id == guest_id:
            raise Declined("GUESTS_NOT_ALLOWED", contact_id=owner_id)
        await scene.lock([owner_id, guest_id])
        taken = await _first_that_pays(scene, (owner_id, guest_id), wanted)
        await record(scene, taken, wanted, whose=(owner_id, guest_id), is_guest=True)
        return Done(
            "guest_brought", taken.answer | {"owner_id": owner_id, "beneficiary_id": guest_id}
        )

    return await play(db, location_id, "guest", key=key, work=work, preview=preview)


async def _first_that_pays(scene: Scene, whose: tuple[UUID, UUID], wanted: Use) -> Taken:
    """Try the products in burn order; the last reason against it is told if none pays."""
    owner_id, guest_id = whose
    products: dict[str, Sharing] = {}
    for lot in await people.spendable(scene, owner_id):
        products.setdefault(lot.product_config_id, read_rules(lot.product_rules).sharing)
    allowed = {id_: rule for id_, rule in products.items() if rule.guests}
    if not allowed:
        raise Declined("GUESTS_NOT_ALLOWED", contact_id=owner_id)
    against: tuple[str, dict[str, Any]] = ("GUESTS_NOT_ALLOWED", {})
    for product_config_id, rule in allowed.items():
        refused = await _refusal(scene, guest_id, product_config_id, rule=rule)
        if refused is not None:
            against = refused
            continue
        taken = await take(scene, owner_id, wanted, product_config_id=product_config_id)
        if taken.done:
            return taken
        against = taken.code, taken.answer
    raise Declined(against[0], **against[1])


async def _refusal(
    scene: Scene, guest_id: UUID, product_config_id: str, *, rule: Sharing
) -> tuple[str, dict[str, Any]] | None:
    """Say why a guest may not come on a product: a member already, or too often."""
    row = await scene.tx.fetchrow(
        """
        select exists (
                 select from kotally.payments p
                  where p.location_id = $1 and p.contact_id = $2)
               or exists (
                 select from kotally.holds h
                  where h.location_id = $1 and h.contact_id = $2 and h.is_live) as is_member,
               (select count(*) from kotally.shared_uses u
                  join kotally.entitlements e on e.location_id = $1 and e.id = u.entitlement_id
                  join kotally.holds h on h.location_id = $1 and h.id = u.hold_id
                 where u.location_id = $1 and u.beneficiary_id = $2 and u.is_guest and h.is_live
                   and e.product_config_id = $3) as visits
        """,
        scene.location_id,
        guest_id,
        product_config_id,
    )
    assert row is not None, "it selects one row"
    if rule.new_guests_only and row["is_member"]:
        return "GUEST_NOT_NEW", {"contact_id": guest_id}
    if rule.visits_per_guest is not None and row["visits"] >= rule.visits_per_guest:
        return "GUEST_VISITS_USED", {
            "contact_id": guest_id,
            "allowed": rule.visits_per_guest,
            "visits": row["visits"],
        }
    return None

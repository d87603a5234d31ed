"""Giving credits to another contact, and taking that back within a day (S12.3)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from msgspec import Struct

from kotally.core.calendar import iso
from kotally.core.ids import new_id
from kotally.db import Database
from kotally.ledger.acts import Key, Outcome
from kotally.ledger.plans import Entry, LotFields
from kotally.ledger.scenes import Declined, Done, Scene, play
from kotally.payments import people
from kotally.payments.choosing import Named, choose
from kotally.payments.people import Spendable

UNDO_HOURS: Final = 24
_KEPT_CLASSES: Final = ("goodwill", "promo")


class Gift(Struct, frozen=True, kw_only=True):
    """
    What is given: `amount` credits, of `lots` or of what would be spent next.

    With `override` and its reason even credits that are not to be given away.
    """

    from_contact: str
    to_contact: str
    amount: int
    note: str
    lots: list[Named] = []
    override: bool = False


async def transfer(
    db: Database, location_id: str, gift: Gift, *, key: Key, preview: bool = False
) -> Outcome:
    """
    Move available credits to another contact, with the same expiry, coverage and share of cost.

    Codes: `transferred`, CONTACT_NOT_FOUND, TRANSFER_TO_SELF, NOT_TRANSFERABLE,
    INSUFFICIENT_CREDITS, LOTS_DO_NOT_ADD_UP.
    """

    async def work(scene: Scene) -> Done:
        giver = await people.contact_of(scene, gift.from_contact)
        taker = await people.contact_of(scene, gift.to_contact)
        if giver == taker:
            raise Declined("TRANSFER_TO_SELF", contact_id=giver)
        await scene.lock([giver, taker])
        chosen = _allowed(await people.spendable(scene, giver), gift)
        transfer_id = await _move(scene, (giver, taker), gift, chosen=chosen)
        return Done(
            "transferred",
            {
                "transfer_id": transfer_id,
                "from_contact_id": giver,
                "to_contact_id": taker,
                "amount": gift.amount,
                "from_balance_after": await scene.balance(giver),
                "to_balance_after": await scene.balance(taker),
                "undo_until": iso(scene.now + timedelta(hours=UNDO_HOURS)),
            },
        )

    return await play(db, location_id, "transfer", key=key, work=work, preview=preview)


def transferable(lot: Spendable) -> bool:
    """Say whether a lot may be given away: no goodwill, no intro offer, none a rule keeps."""
    rules = lot.product_rules
    return (
        lot.lot_class not in _KEPT_CLASSES
        and not rules.get("intro")
        and rules.get("sharing", {}).get("transferable", True)
    )


def _allowed(lots: list[Spendable], gift: Gift) -> list[tuple[Spendable, int]]:
    usable = [lot for lot in lots if not lot.is_blocked]
    good = usable if gift.override else [lot for lot in usable if transferable(lot)]
    named = {each.lot_id for each in gift.lots}
    kept = [lot for lot in usable if lot not in good]
    available = sum(lot.available for lot in good)
    if named & {lot.id for lot in kept} or (kept and not named and available < gift.amount):
        raise Declined("NOT_TRANSFERABLE", available=available, kept=[lot.id for lot in kept])
    return choose(good, gift.amount, gift.lots)


async def _move(
    scene: Scene,
    whose: tuple[UUID, UUID],
    gift: Gift,
    *,
    chosen: list[tuple[Spendable, int]],
) -> UUID:
    giver, taker = whose
    transfer_id = new_id()
    entitlements: dict[UUID, UUID] = {}
    children: list[LotFields] = []
    for parent, part in chosen:
        if parent.entitlement_id not in entitlements:
            entitlements[parent.entitlement_id] = await _entitle(scene, taker, parent)
        children.append(
            _child(parent, part, taker, entitlement_id=entitlements[parent.entitlement_id])
        )
    out = [Entry(parent.id, "available", "transferred", part) for parent, part in chosen]
    came = [
        Entry(child["id"], "issued", "available", part)
        for child, (_, part) in zip(children, chosen, strict=True)
    ]
    facts = {"transfer_id": transfer_id, "note": gift.note}
    await scene.post(
        [
            scene.posting(giver, "transfer", "transferred_out", entries=out, metadata=facts),
            scene.posting(taker, "transfer", "transferred_in", entries=came, metadata=facts),
        ],
        children,
    )
    await _record(scene, transfer_id, whose, amount=gift.amount)
    for (parent, part), child in zip(chosen, children, strict=True):
        await _record_lot(scene, transfer_id, parent, child=child, amount=part)
    return transfer_id


def _child(parent: Spendable, amount: int, taker: UUID, *, entitlement_id: UUID) -> LotFields:
    child: LotFields = {
        "id": new_id(),
        "contact_id": taker,
        "entitlement_id": entitlement_id,
        "product_config_id": parent.product_config_id,
        "product_version": parent.product_version,
        "payment_id": parent.payment_id,
        "period_number": parent.period_number,
        "parent_lot_id": parent.id,
        "class": "transfer",
        "priority": parent.priority,
        "effective_at": parent.effective_at,
        "expires_at": parent.expires_at,
        "coverage": parent.coverage,
        "coverage_width": parent.coverage_width,
        "cost_minor": parent.cost_minor * amount // max(parent.issued, 1),
        "currency": parent.currency,
        "unit_cost": parent.unit_cost,
        "cancel_window_minutes": parent.cancel_window_minutes,
        "restore_grace_days": parent.restore_grace_days,
    }
    return {name: value for name, value in child.items() if value is not None}


async def _entitle(scene: Scene, taker: UUID, parent: Spendable) -> UUID:
    entitlement_id = new_id()
    await people.entitle(
        scene,
        taker,
        entitlement_id=entitlement_id,
        product=(parent.product_config_id, parent.product_version),
        starts_at=parent.effective_at,
        ends_at=parent.expires_at,
    )
    return entitlement_id


async def _record(
    scene: Scene, transfer_id: UUID, whose: tuple[UUID, UUID], *, amount: int
) -> None:
    await scene.tx.execute(
        """
        insert into kotally.transfers (
          location_id, id, from_contact_id, to_contact_id, amount, made_at)
        values ($1, $2, $3, $4, $5, $6)
        """,
        scene.location_id,
        transfer_id,
        *whose,
        amount,
        scene.now,
    )


async def _record_lot(
    scene: Scene, transfer_id: UUID, parent: Spendable, *, child: dict[str, Any], amount: int
) -> None:
    await scene.tx.execute(
        """
        insert into kotally.transferred_lots (
          location_id, transfer_id, lot_id, child_id, payment_id, entitlement_id, amount)
        values ($1, $2, $3, $4, $5, $6, $7)
        """,
        scene.location_id,
        transfer_id,
        parent.id,
        child["id"],
        parent.payment_id,
        child["entitlement_id"],
        amount,
    )

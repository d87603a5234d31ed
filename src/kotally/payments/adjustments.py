"""Corrections by hand, with a reason, a note and limits (S12.1, S12.2)."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

import msgspec
from msgspec import Struct

from kotally.bookings import waiting
from kotally.core.calendar import end_of_validity, iso, local_date
from kotally.core.ids import new_id
from kotally.db import Database
from kotally.ledger.acts import Key, Outcome
from kotally.ledger.plans import Entry, LotFields
from kotally.ledger.scenes import Declined, Done, Scene, play
from kotally.payments import limits, people
from kotally.payments.choosing import Named, choose
from kotally.payments.limits import Role
from kotally.workspaces import approvals

Reason = Literal["goodwill", "correction", "opening_balance"]
EXPIRY_DAYS: Final = 90
HOUSE_PRODUCT: Final = "adjustments"  # what credits belong to that no product is named for


class Wish(Struct, frozen=True, kw_only=True):
    """
    A correction: `amount` above zero gives credits, below zero takes them.

    Given credits are of a product, or of none and then good for every calendar; they expire after
    `expires_in_days`. Taken ones are those of `lots`, or what would be spent next.
    """

    contact: str
    amount: int
    reason: Reason
    note: str
    product_config_id: str | None = None
    expires_in_days: int = EXPIRY_DAYS
    lots: list[Named] = []


async def adjust(
    db: Database,
    location_id: str,
    wish: Wish,
    *,
    role: Role,
    key: Key,
    preview: bool = False,
) -> Outcome:
    """
    Correct a contact's credits, or ask for it when it is above the limits of the role.

    Codes: `adjusted`, `approval_requested`, CONTACT_NOT_FOUND, CONFIG_NOT_FOUND,
    INSUFFICIENT_CREDITS, LOTS_DO_NOT_ADD_UP.
    """

    async def work(scene: Scene) -> Done:
        contact_id = await people.contact_of(scene, wish.contact)
        await scene.lock([contact_id])
        over = await limits.exceeded(scene, wish.amount, role=role)
        if over is None:
            return Done("adjusted", await carry_out(scene, contact_id, wish))
        approval_id, lapses_at = await approvals.ask(
            scene, "adjustment", contact_id, body=msgspec.to_builtins(wish)
        )
        answer = {
            "contact_id": contact_id,
            "approval_id": approval_id,
            "lapses_at": iso(lapses_at),
            "amount": wish.amount,
            **msgspec.structs.asdict(over),
        }
        return Done("approval_requested", answer)

    return await play(db, location_id, "adjustment", key=key, work=work, preview=preview)


async def decide(
    db: Database,
    location_id: str,
    approval_id: UUID,
    *,
    approved: bool,
    note: str | None = None,
    key: Key,
    preview: bool = False,
) -> Outcome:
    """
    Agree to a correction that waits, or not.

    Codes: `adjusted`, `approval_rejected`, APPROVAL_NOT_FOUND, APPROVAL_LAPSED,
    APPROVAL_ALREADY_DECIDED, APPROVAL_NEEDS_ANOTHER_PERSON, and the refusals of a correction.
    """

    async def work(scene: Scene) -> Done:
        approval = await approvals.to_decide(scene, approval_id)
        await approvals.decide(scene, approval, approved=approved, note=note)
        if not approved:
            answer = {"approval_id": approval_id, "contact_id": approval.contact_id}
            return Done("approval_rejected", answer)
        wish = msgspec.convert(approval.body, Wish)
        answer = await carry_out(
            scene,
            approval.contact_id,
            wish,
            made_by=approval.requested_by,
            approval_id=approval_id,
        )
        return Done("adjusted", answer)

    operation = f"decide {approval_id}"
    return await play(db, location_id, operation, key=key, work=work, preview=preview)


async def carry_out(
    scene: Scene,
    contact_id: UUID,
    wish: Wish,
    *,
    made_by: str | None = None,
    approval_id: UUID | None = None,
) -> dict[str, Any]:
    """Correct the credits of a contact that the scene has locked."""
    lot_id, expires_at = None, None
    if wish.amount > 0:
        lot_id, expires_at = await _give(scene, contact_id, wish)
    else:
        await _take(scene, contact_id, wish)
    await scene.tx.execute(
        """
        insert into kotally.adjustments (
          location_id, id, contact_id, amount, reason, note, made_by, made_on, approval_id, lot_id,
          made_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        """,
        scene.location_id,
        new_id(),
        contact_id,
        wish.amount,
        wish.reason,
        wish.note,
        made_by or scene.key.actor,
        local_date(scene.now, scene.zone),
        approval_id,
        lot_id,
        scene.now,
    )
    answer = {
        "contact_id": contact_id,
        "amount": wish.amount,
        "balance_after": await scene.balance(contact_id),
        "lot_id": lot_id,
        "expires_at": expires_at and iso(expires_at),
    }
    return answer | ({"approval_id": approval_id} if approval_id else {})


async def _give(scene: Scene, contact_id: UUID, wish: Wish) -> tuple[UUID, datetime]:
    product = await _product(scene, wish.product_config_id)
    expires_at = end_of_validity(scene.now, wish.expires_in_days, scene.zone)
    entitlement_id, lot_id = new_id(), new_id()
    await people.entitle(
        scene,
        contact_id,
        entitlement_id=entitlement_id,
        product=(product.id, product.version),
        starts_at=scene.now,
        ends_at=expires_at,
    )
    lot: LotFields = {
        "id": lot_id,
        "contact_id": contact_id,
        "entitlement_id": entitlement_id,
        "product_config_id": product.id,
        "product_version": product.version,
        "class": "goodwill",
        "expires_at": expires_at,
    }
    if product.coverage is not None:
        lot |= {"coverage": product.coverage, "coverage_width": len(product.coverage)}
    entries = [Entry(lot_id, "issued", "available", wish.amount)]
    posting = scene.posting(
        contact_id, "adjust", wish.reason, entries=entries, metadata={"note": wish.note}
    )
    await scene.post([posting], [lot])
    await waiting.fund_waiting(scene, contact_id)
    return lot_id, expires_at


async def _take(scene: Scene, contact_id: UUID, wish: Wish) -> None:
    chosen = choose(await people.spendable(scene, contact_id), -wish.amount, wish.lots)
    # Not revoked: no money went back, and a refund still finds them untouched by any use.
    entries = [Entry(lot.id, "available", "forfeited", part) for lot, part in chosen]
    await scene.post(
        [
            scene.posting(
                contact_id, "adjust", wish.reason, entries=entries, metadata={"note": wish.note}
            )
        ]
    )


class _Product(Struct, frozen=True):
    id: str
    version: int
    coverage: dict[str, int] | None


async def _product(scene: Scene, product_config_id: str | None) -> _Product:
    if product_config_id is None:
        await _open_house_product(scene)
    found = await scene.tx.one(
        _Product,
        """
        select p.id, p.version, v.coverage
          from kotally.products p
          join kotally.product_versions v
            on v.location_id = $1 and v.product_id = p.id and v.version = p.version
         where p.location_id = $1 and p.id = $2
        """,
        scene.location_id,
        product_config_id or HOUSE_PRODUCT,
    )
    if found is None:
        raise Declined("CONFIG_NOT_FOUND", product_config_id=product_config_id)
    return found


async def _open_house_product(scene: Scene) -> None:
    """Make the product of adjustments once; it is archived, so that nobody can buy it."""
    await scene.tx.execute(
        """
        insert into kotally.products (location_id, id, type, status, created_at)
        values ($1, $2, 'package', 'archived', $3) on conflict do nothing
        """,
        scene.location_id,
        HOUSE_PRODUCT,
        scene.now,
    )
    await scene.tx.execute(
        """
        insert into kotally.product_versions (
          location_id, product_id, version, name, credits, created_at)
        values ($1, $2, 1, 'Adjustments', 0, $3) on conflict do nothing
        """,
        scene.location_id,
        HOUSE_PRODUCT,
        scene.now,
    )

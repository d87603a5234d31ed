"""A payment for a membership that is running: its next period, or an upgrade that waited for it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from kotally.bookings import fees
from kotally.core.calendar import iso
from kotally.core.ids import new_id
from kotally.db import Database
from kotally.ledger import debts
from kotally.ledger.acts import Key, Outcome
from kotally.ledger.scenes import Declined, Done, Scene, play
from kotally.memberships import freezes_billing, memberships, renewals, upgrades
from kotally.memberships.issuing import Paid
from kotally.memberships.memberships import Membership
from kotally.payments import same_sale
from kotally.payments.purchases import Purchase
from kotally.workspaces import work_items


class MovedOn(Exception):
    """The membership that was to be paid has ended or changed meanwhile: look again."""


async def pay(db: Database, purchase: Purchase, membership_id: UUID, *, key: Key) -> Outcome:
    """
    Grant what a payment bought for a running membership; raises MovedOn when it is not that.

    What is left of the old period rolls over, what was overdue is settled and the new credits are
    granted in one transaction (S7.1, S11.3). The answer is that of every grant; PERIOD_PAID_AHEAD
    keeps the payment too.
    """

    async def work(scene: Scene) -> Done:
        contact_id = await renewals.locked(scene, membership_id)
        await _refuse_suspended(scene)
        await _refuse_duplicate(scene, purchase)
        known = await _known(scene, purchase, membership_id)
        if known is not None:
            return known
        paid = Paid(
            payment_id=new_id(),
            amount_cents=purchase.amount_cents or 0,
            currency=purchase.currency,
        )
        whose = (membership_id, contact_id)
        try:
            granted, lot_id, expires_at = await _granted(scene, purchase, membership_id, paid=paid)
        except upgrades.PaidAhead as refused:
            return await _without_effect(scene, purchase, whose, paid=paid, until=refused.until)
        await _keep(scene, purchase, whose, paid=paid, granted=granted)
        answer = {
            "location_id": scene.location_id,
            "contact_id": contact_id,
            "entitlement_id": membership_id,
            "credits_granted": granted,
            "balance_after": await scene.balance(contact_id),
            "payment_id": paid.payment_id,
            "lot_id": lot_id,
            "expires_at": expires_at and iso(expires_at),
        }
        return Done("grant_applied", answer | await _paid_back(scene, lot_id, granted))

    return await play(db, purchase.location_id, "grant", key=key, work=work)


async def _granted(
    scene: Scene, purchase: Purchase, membership_id: UUID, *, paid: Paid
) -> tuple[int, UUID | None, datetime | None]:
    """Apply the upgrade that the payment is for, or confirm the next period."""
    found = await memberships.load(scene.tx, scene.location_id, [membership_id])
    changes = await memberships.load_changes(scene.tx, scene.location_id, [membership_id])
    membership, change = found[membership_id], changes.get(membership_id)
    wanted = purchase.product_config_id
    becomes = None if change is None or change.plan is None else change.plan.product_config_id
    if membership.status == "ended" or wanted not in (
        membership.plan.product_config_id,
        becomes,
    ):
        raise MovedOn
    upgrade = change is not None and change.status == "pending_payment" and wanted == becomes
    if not upgrade or upgrades.is_over(membership, scene.now):
        await freezes_billing.note_charge(scene, membership, purchase.paid_at or scene.now)
        await same_sale.note_early(scene, purchase, membership)
    if upgrade:
        done = await upgrades.apply_paid(scene, membership_id, paid=paid)
    else:
        done = await renewals.confirm(scene, membership_id, paid=paid)
    if done.lot is None:
        return 0, None, None
    return done.granted, done.lot["id"], done.lot["expires_at"]


async def _paid_back(scene: Scene, lot_id: UUID | None, granted: int) -> dict[str, Any]:
    """Say that some of the credits settled a debt first (S11.5)."""
    paid_back = await scene.tx.fetchval(
        "select transferred from kotally.lots where location_id = $1 and id = $2",
        scene.location_id,
        lot_id,
    )
    if not paid_back:
        return {}
    return {"credits_paid_back": paid_back, "notice": debts.notice(paid_back, granted)}


async def _refuse_suspended(scene: Scene) -> None:
    if await scene.tx.fetchval(
        "select is_suspended from kotally.location_of($1)", scene.location_id
    ):
        raise Declined("BILLING_SUSPENDED")


async def _refuse_duplicate(scene: Scene, purchase: Purchase) -> None:
    """Refuse a payment that was handled under another request_id, with the ids of the first."""
    first = await same_sale.first_of(scene, purchase)
    if first is not None:
        raise Declined("DUPLICATE_EVENT", **await _first(scene, first))


async def _known(scene: Scene, purchase: Purchase, membership_id: UUID) -> Done | None:
    """Take a sale that was granted already: its other id is kept and nothing changes (S9.1)."""
    found = await memberships.load(scene.tx, scene.location_id, [membership_id])
    membership = found[membership_id]
    if membership.status == "ended":
        return None
    sale = await same_sale.told_before(scene, purchase, membership)
    if sale is None:
        return None
    if sale.payment_id is not None:
        await same_sale.attach(scene, purchase, sale.payment_id, by=sale.by)
        return Done("DUPLICATE_EVENT", await _first(scene, sale.payment_id))
    assert sale.period_number is not None, "a sale is a payment or a period"
    return await _pay_confirmed(scene, purchase, membership, number=sale.period_number)


async def _pay_confirmed(
    scene: Scene, purchase: Purchase, membership: Membership, *, number: int
) -> Done:
    """Record the payment of a period that the staff had confirmed; its credits are there."""
    payment_id, contact_id = new_id(), membership.contact_id
    whose = (membership.id, contact_id)
    paid = Paid(
        payment_id=payment_id, amount_cents=purchase.amount_cents or 0, currency=purchase.currency
    )
    granted = await same_sale.pay_period(
        scene, purchase, membership, number=number, payment_id=payment_id
    )
    await _keep(scene, purchase, whose, paid=paid, granted=granted)
    return Done(
        "grant_applied",
        {
            "location_id": scene.location_id,
            "contact_id": contact_id,
            "entitlement_id": membership.id,
            "credits_granted": 0,
            "balance_after": await scene.balance(contact_id),
            "payment_id": payment_id,
            "notice": f"Period {number} was confirmed before; this is its payment.",
        },
    )


async def _without_effect(
    scene: Scene, purchase: Purchase, whose: tuple[UUID, UUID], *, paid: Paid, until: datetime
) -> Done:
    """Keep a payment whose upgrade cannot be applied, so that somebody refunds it or decides."""
    membership_id, contact_id = whose
    await _keep(scene, purchase, whose, paid=paid, granted=0)
    details = {
        "reason": "period_paid_ahead",
        "payment_id": paid.payment_id,
        "product_config_id": purchase.product_config_id,
        "amount_cents": purchase.amount_cents,
        "paid_at": iso(purchase.paid_at or scene.now),
        "paid_until": iso(until),
    }
    await work_items.put(scene, contact_id, membership_id, kind="billing_drift", details=details)
    await scene.happened(contact_id, "billing_drift", entitlement_id=membership_id, **details)
    answer = {
        "location_id": scene.location_id,
        "contact_id": contact_id,
        "entitlement_id": membership_id,
        "credits_granted": 0,
        "balance_after": await scene.balance(contact_id),
        "payment_id": paid.payment_id,
        "paid_until": iso(until),
    }
    return Done("PERIOD_PAID_AHEAD", answer)


async def _first(scene: Scene, payment_id: UUID) -> dict[str, Any]:
    """Say which payment it was when it came first."""
    row = await scene.tx.fetchrow(
        """
        select p.contact_id, p.entitlement_id from kotally.payments p
         where p.location_id = $1 and p.id = $2
        """,
        scene.location_id,
        payment_id,
    )
    assert row is not None, "payments are never removed"
    return {
        "location_id": scene.location_id,
        "contact_id": row["contact_id"],
        "entitlement_id": row["entitlement_id"],
        "credits_granted": 0,
        "balance_after": await scene.balance(row["contact_id"]),
        "payment_id": payment_id,
    }


async def _keep(
    scene: Scene, purchase: Purchase, whose: tuple[UUID, UUID], *, paid: Paid, granted: int
) -> None:
    """Write down the payment, with what else it told and paid."""
    contact_id = whose[1]
    await _fill_hints(scene, purchase, contact_id)
    await _record(scene, purchase, whose, paid=paid, granted=granted)
    if purchase.fee_id is not None:
        await fees.pay_matching(scene, contact_id, paid.amount_cents, fee_id=purchase.fee_id)


async def _fill_hints(scene: Scene, purchase: Purchase, contact_id: UUID) -> None:
    """Fill what the contact lacks and overwrite nothing."""
    await scene.tx.execute(
        """
        update kotally.contacts c
           set email = coalesce(c.email, $3), name = coalesce(c.name, $4),
               phone = coalesce(c.phone, $5)
         where c.location_id = $1 and c.id = $2
           and (c.email is null and $3::text is not null
                or c.name is null and $4::text is not null
                or c.phone is null and $5::text is not null)
        """,
        scene.location_id,
        contact_id,
        purchase.email,
        purchase.name,
        purchase.phone,
    )


async def _record(
    scene: Scene, purchase: Purchase, whose: tuple[UUID, UUID], *, paid: Paid, granted: int
) -> None:
    membership_id, contact_id = whose
    metadata: Any = purchase.metadata
    await scene.tx.execute(
        """
        insert into kotally.payments (
          location_id, id, contact_id, provider, external_payment_id, event_type,
          product_config_id, entitlement_id, amount_cents, currency, paid_at, external_ref,
          metadata, credits_granted, recorded_at, payment_fingerprint)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
        """,
        scene.location_id,
        paid.payment_id,
        contact_id,
        purchase.provider,
        purchase.external_payment_id,
        purchase.event_type,
        purchase.product_config_id,
        membership_id,
        purchase.amount_cents,
        purchase.currency,
        purchase.paid_at or scene.now,
        purchase.external_ref,
        metadata,
        granted,
        scene.now,
        purchase.payment_fingerprint,
    )

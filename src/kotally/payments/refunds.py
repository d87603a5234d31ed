"""Refunds: one tally per payment, whoever reports it and however often (S10.1 to S10.5)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from kotally.core.ids import new_id
from kotally.db import Database
from kotally.ledger.acts import Key, Outcome
from kotally.ledger.scenes import Declined, Done, Scene, play
from kotally.payments import access, family as families
from kotally.payments.family import Family
from kotally.payments.revoking import Brought, answer_of, bring
from kotally.payments.tally import Payment, Revoke, Shortfall


class Refund(Struct, frozen=True, kw_only=True):
    """
    Money that went back.

    Either `refunded_total_cents`, the provider's cumulative figure, or `amount_cents` of this
    refund alone, which counts once for its `external_refund_id`; with neither it is all that is
    left. `policy`, `credits` (in all, for the policy `manual`) and `shortfall` override the
    product's rule.
    """

    amount_cents: int | None = None
    refunded_total_cents: int | None = None
    external_refund_id: str | None = None
    policy: Revoke | None = None
    credits: int | None = None
    shortfall: Shortfall | None = None


async def refund(
    db: Database,
    location_id: str,
    payment_id: UUID,
    *,
    wanted: Refund,
    key: Key,
    preview: bool = False,
) -> Outcome:
    """
    Take back the credits of a refunded payment.

    Codes: `refunded`, PAYMENT_NOT_FOUND, DUPLICATE_EVENT, REFUND_EXCEEDS_PAYMENT.
    """

    async def work(scene: Scene) -> Done:
        return await refund_in(scene, payment_id, wanted)

    operation = f"refund {payment_id}"
    return await play(db, location_id, operation, key=key, work=work, preview=preview)


async def refund_in(scene: Scene, payment_id: UUID, wanted: Refund) -> Done:
    """Do a refund as a part of a scene that has locked nobody yet."""
    family = await families.locked(scene, payment_id)
    await _refuse_known(scene, family.payment, wanted)
    total = await _total(scene, family.payment, wanted)
    after = await _with_total(scene, family, total, policy=wanted.policy)
    brought = await bring(
        scene, after, reason="refund", chosen=_chosen(after, wanted), shortfall=wanted.shortfall
    )
    await record(scene, after, "refund", wanted=wanted, brought=brought)
    await access.end_if_returned(scene, after.payment)
    return Done("refunded", await tally_of(scene, payment_id) | answer_of(brought))


def _chosen(family: Family, wanted: Refund) -> int | None:
    """Return what staff chose; a payment without a figure has no part, so it is all of it."""
    payment = family.payment
    is_whole = wanted.amount_cents is None and wanted.refunded_total_cents is None
    if wanted.credits is None and is_whole and not payment.price:
        return None if payment.revoke in ("none", "manual") else payment.credits_granted
    return wanted.credits


async def _refuse_known(scene: Scene, payment: Payment, wanted: Refund) -> None:
    """Count a refund once for its own id (S10.2)."""
    if wanted.external_refund_id is None:
        return
    known = await scene.tx.fetchval(
        """
        select r.id from kotally.refunds r
         where r.location_id = $1 and r.payment_id = $2 and r.external_ref = $3
           and r.kind = 'refund'
        """,
        scene.location_id,
        payment.id,
        wanted.external_refund_id,
    )
    if known is not None:
        raise Declined("DUPLICATE_EVENT", **await tally_of(scene, payment.id))


async def _total(scene: Scene, payment: Payment, wanted: Refund) -> int:
    """Return the cumulative figure after this refund; an older one changes nothing."""
    if wanted.refunded_total_cents is not None:
        total = max(wanted.refunded_total_cents, payment.refunded_cents)
    elif wanted.amount_cents is not None:
        alone: int = await scene.tx.fetchval(
            """
            select coalesce(sum(r.amount_cents), 0)::bigint from kotally.refunds r
             where r.location_id = $1 and r.payment_id = $2 and r.kind = 'refund'
            """,
            scene.location_id,
            payment.id,
        )
        total = max(alone + wanted.amount_cents, payment.refunded_cents)
    else:
        total = max(payment.price, payment.refunded_cents)
    if payment.amount_cents is not None and total > payment.price:
        raise Declined(
            "REFUND_EXCEEDS_PAYMENT",
            payment_id=payment.id,
            amount_cents=payment.price,
            refunded_cents=payment.refunded_cents,
            refundable_cents=payment.refundable,
        )
    return total


async def _with_total(scene: Scene, family: Family, total: int, *, policy: Revoke | None) -> Family:
    await scene.tx.execute(
        "update kotally.payments p set refunded_cents = $3 where p.location_id = $1 and p.id = $2",
        scene.location_id,
        family.payment.id,
        total,
    )
    payment = msgspec.structs.replace(
        family.payment,
        refunded_cents=total,
        # Without a figure there is no part: what goes back is all of it.
        is_undone=family.payment.is_undone or total >= family.payment.price,
        revoke=policy or family.payment.revoke,
    )
    return msgspec.structs.replace(family, payment=payment)


async def record(
    scene: Scene,
    family: Family,
    kind: str,
    *,
    wanted: Refund | None = None,
    external_ref: str | None = None,
    brought: Brought,
) -> None:
    """Keep the event that changed a tally, and put it on the contact's timeline."""
    payment = family.payment
    refund_ = wanted or Refund(external_refund_id=external_ref)
    await scene.tx.execute(
        """
        insert into kotally.refunds (
          location_id, id, payment_id, kind, external_ref, amount_cents, refunded_cents,
          credits_revoked, shortfall, source, actor, correlation_id, recorded_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
        """,
        scene.location_id,
        new_id(),
        payment.id,
        kind,
        refund_.external_refund_id,
        refund_.amount_cents if refund_.refunded_total_cents is None else None,
        payment.refunded_cents,
        payment.credits_revoked + brought.credits_revoked_now,
        brought.shortfall,
        scene.key.source,
        scene.key.actor,
        scene.key.correlation_id,
        scene.now,
    )
    await scene.happened(
        payment.contact_id,
        "payment_refunded" if kind == "refund" else kind,
        entitlement_id=payment.entitlement_id,
        payment_id=payment.id,
        refunded_cents=payment.refunded_cents,
        credits_revoked=brought.credits_revoked_now,
        shortfall=brought.shortfall,
    )


async def tally_of(scene: Scene, payment_id: UUID) -> dict[str, Any]:
    """Say how a payment's tally stands, and what the contact can spend."""
    payment = await families.find(scene.tx, scene.location_id, payment_id)
    assert payment is not None, "payments are never removed"
    return {
        "payment_id": payment.id,
        "contact_id": payment.contact_id,
        "amount_cents": payment.amount_cents,
        "refunded_cents": payment.refunded_cents,
        "credits_granted": payment.credits_granted,
        "credits_revoked": payment.credits_revoked,
        "balance_after": await scene.balance(payment.contact_id),
    }

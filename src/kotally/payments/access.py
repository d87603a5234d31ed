"""Whether a refund ends what was bought: a package, or a cancelled membership (S10.7)."""

from __future__ import annotations

from kotally.ledger.scenes import Scene
from kotally.memberships import endings, memberships
from kotally.payments.tally import Payment


async def end_if_returned(scene: Scene, payment: Payment) -> bool:
    """
    End what a payment bought once all its money went back and its credits were revoked.

    A membership goes on, unless it had been cancelled too and the payment was for its last period.
    """
    if not payment.is_returned or payment.revoke in ("none", "manual"):
        return False
    await scene.tx.execute(
        "update kotally.payments p set is_undone = true where p.location_id = $1 and p.id = $2",
        scene.location_id,
        payment.id,
    )
    if payment.is_membership:
        return await _end_cancelled(scene, payment)
    await scene.tx.execute(
        """
        update kotally.entitlements e set ends_at = $3, end_reason = 'refunded'
         where e.location_id = $1 and e.id = $2 and e.end_reason is null
        """,
        scene.location_id,
        payment.entitlement_id,
        scene.now,
    )
    return True


async def _end_cancelled(scene: Scene, payment: Payment) -> bool:
    found = await memberships.load(scene.tx, scene.location_id, [payment.entitlement_id])
    membership = found[payment.entitlement_id]
    if membership.status == "ended" or membership.ends_at is None:
        return False
    is_last = await scene.tx.fetchval(
        """
        select exists (
          select from kotally.periods p
           where p.location_id = $1 and p.membership_id = $2 and p.payment_id = $3
             and p.number >= $4)
        """,
        scene.location_id,
        membership.id,
        payment.id,
        membership.period_number,
    )
    if is_last:
        await endings.end(scene, membership, at=scene.now, reason="cancelled")
    return bool(is_last)

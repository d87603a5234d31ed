"""Lift the block of a contact whose refunded credits had been used: staff has decided (S10.4)."""

from __future__ import annotations

from uuid import UUID

from kotally.db import Database
from kotally.ledger.acts import Key, Outcome
from kotally.ledger.scenes import Declined, Done, Scene, play
from kotally.payments import family as families
from kotally.payments.revoking import blocker_source


async def lift(
    db: Database, location_id: str, payment_id: UUID, *, note: str, key: Key, preview: bool = False
) -> Outcome:
    """
    Let a contact use what it has again; what could not be collected stays so.

    Only the blocks of this payment are lifted: other blockers stay.
    Codes: `block_lifted`, PAYMENT_NOT_FOUND, NOT_BLOCKED.
    """

    async def work(scene: Scene) -> Done:
        payment = (await families.locked(scene, payment_id)).payment
        lifted = await scene.tx.fetch(
            """
            update kotally.blockers b set ends_at = greatest($4, b.starts_at)
             where b.location_id = $1 and b.contact_id = $2 and b.source = $3
               and b.kind = 'admin' and b.ends_at is null
            returning b.id
            """,
            scene.location_id,
            payment.contact_id,
            blocker_source(payment_id),
            scene.now,
        )
        if not lifted:
            raise Declined("NOT_BLOCKED", payment_id=payment_id)
        await scene.happened(
            payment.contact_id,
            "block_lifted",
            entitlement_id=payment.entitlement_id,
            payment_id=payment_id,
            note=note,
        )
        answer = {
            "payment_id": payment_id,
            "contact_id": payment.contact_id,
            "credits_uncollected": payment.credits_uncollected,
            "balance_after": await scene.balance(payment.contact_id),
        }
        return Done("block_lifted", answer)

    operation = f"unblock {payment_id}"
    return await play(db, location_id, operation, key=key, work=work, preview=preview)

"""What a refund would be, and what it would take away (S10.5). It changes nothing."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

import msgspec

from kotally.db import Database
from kotally.ledger.acts import Key, Outcome
from kotally.ledger.scenes import Done, Scene, play
from kotally.payments import family as families
from kotally.payments.family import Family
from kotally.payments.revocation import holds_to_free
from kotally.payments.tally import Payment, at_drop_in_rate, pro_rata, target

Method = Literal["pro_rata", "drop_in"]


async def quote(
    db: Database,
    location_id: str,
    payment_id: UUID,
    *,
    drop_in_cents: int | None = None,
    fee_cents: int | None = None,
    key: Key,
) -> Outcome:
    """
    Quote a refund by what is left and, with a drop-in price, by what was used.

    Each amount comes with the credits and the bookings that a refund of it takes away. Codes:
    `refund_quoted`, PAYMENT_NOT_FOUND.
    """

    async def work(scene: Scene) -> Done:
        family = await families.locked(scene, payment_id)
        payment = family.payment
        used = sum(lot.consumed + lot.penalty for lot in family.lots)
        unused = max(0, payment.credits_granted - payment.credits_revoked - used)
        fee = payment.fee_cents if fee_cents is None else fee_cents
        drop_in = payment.drop_in_cents if drop_in_cents is None else drop_in_cents
        amounts: dict[Method, int] = {
            "pro_rata": pro_rata(
                payment.price, unused=unused, total=payment.credits_granted, fee=fee
            )
        }
        if drop_in is not None:
            amounts["drop_in"] = at_drop_in_rate(payment.price, used=used, drop_in=drop_in, fee=fee)
        return Done(
            "refund_quoted",
            {
                "payment_id": payment.id,
                "contact_id": payment.contact_id,
                "amount_cents": payment.amount_cents,
                "currency": payment.currency,
                "refunded_cents": payment.refunded_cents,
                "refundable_cents": payment.refundable,
                "credits_granted": payment.credits_granted,
                "credits_used": used,
                "credits_unused": unused,
                "fee_cents": fee,
                "quotes": [_option(family, method, cents) for method, cents in amounts.items()],
            },
        )

    operation = f"quote {payment_id}"
    return await play(db, location_id, operation, key=key, work=work, preview=True)


def _option(family: Family, method: Method, amount: int) -> dict[str, Any]:
    cents = min(amount, family.payment.refundable)
    refunded: Payment = msgspec.structs.replace(
        family.payment, refunded_cents=family.payment.refunded_cents + cents
    )
    wanted = target(refunded) - family.payment.credits_revoked
    freed = holds_to_free(family, wanted)
    return {
        "method": method,
        "amount_cents": cents,
        "credits_revoked": wanted,
        "bookings_unfunded": [hold.booking_id for hold in freed if hold.booking_id],
    }

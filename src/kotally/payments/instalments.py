"""Instalments of a payment whose money went back or is disputed: the same tally (S10.1, S10.6)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, LiteralString
from uuid import UUID

from kotally.db import Queries
from kotally.ledger.plans import Entry
from kotally.ledger.scenes import Scene
from kotally.payments import family as families
from kotally.payments.tally import of_instalment

_TOUCHED: Final[LiteralString] = """
    select p.id
      from kotally.payments p
     where p.location_id = $1 and p.id = any ($2)
       and (p.is_disputed or p.is_undone or p.refunded_cents > 0 or p.credits_revoked > 0)
"""
_REVOKED: Final[LiteralString] = """
    update kotally.payments p set credits_revoked = p.credits_revoked + $3
     where p.location_id = $1 and p.id = $2
"""


async def touched(db: Queries, location_id: str, payment_ids: Iterable[UUID]) -> set[UUID]:
    """Return those payments that were refunded or disputed, in part or in full."""
    ids = list(payment_ids)
    return {row["id"] for row in await db.fetch(_TOUCHED, location_id, ids)} if ids else set()


async def take_back(scene: Scene, payment_id: UUID, *, lot_id: UUID, issued: int) -> None:
    """
    Revoke of an instalment what its payment's tally says; the rest is suspended by a dispute.

    The instalment is issued and taken back, so that the books say why the credits did not come.
    Call it before anything else is paid from the lot; the scene holds the contact's lock.
    """
    payment = await families.find(scene.tx, scene.location_id, payment_id)
    assert payment is not None, "payments are never removed"
    revoked = of_instalment(payment, issued)
    suspended = issued - revoked if payment.is_disputed else 0
    back = "dispute_lost" if payment.is_lost else "refund"
    await scene.post(
        [
            scene.posting(payment.contact_id, "refund", reason, entries=[entry])
            for reason, entry in (
                (back, Entry(lot_id, "available", "revoked", revoked)),
                ("dispute_opened", Entry(lot_id, "available", "suspended", suspended)),
            )
            if entry.amount
        ]
    )
    await scene.tx.execute(_REVOKED, scene.location_id, payment_id, revoked)

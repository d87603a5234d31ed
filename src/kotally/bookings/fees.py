"""Fees: money owed to the studio. We never charge a card (S5.6)."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from kotally.core.ids import new_id
from kotally.db import Database
from kotally.ledger.acts import Key, Outcome
from kotally.ledger.scenes import Declined, Done, Scene, play

Reason = Literal["late_cancel", "no_show", "strikes", "freeze"]
Settlement = Literal["paid", "waived", "written_off"]


async def charge(
    scene: Scene,
    contact_id: UUID,
    amount_cents: int,
    *,
    reason: Reason,
    booking_id: UUID | None = None,
    entitlement_id: UUID | None = None,
) -> UUID:
    """Note that a contact owes a fee, and tell so on the timeline."""
    fee_id = new_id()
    await scene.tx.execute(
        """
        insert into kotally.fees (
          location_id, id, contact_id, booking_id, entitlement_id, reason, amount_cents, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        """,
        scene.location_id,
        fee_id,
        contact_id,
        booking_id,
        entitlement_id,
        reason,
        amount_cents,
        scene.now,
    )
    await scene.happened(
        contact_id,
        "fee_due",
        entitlement_id=entitlement_id,
        fee_id=fee_id,
        amount_cents=amount_cents,
        reason=reason,
        booking_id=booking_id,
    )
    return fee_id


async def charge_again(scene: Scene, fee_ids: list[UUID]) -> None:
    """Make fees due again that were waived with what they were for, and tell so."""
    rows = await scene.tx.fetch(
        """
        update kotally.fees f set status = 'due', settled_at = null, settled_by = null, note = null
         where f.location_id = $1 and f.id = any ($2) and f.status = 'waived'
        returning f.id, f.contact_id, f.entitlement_id, f.amount_cents, f.reason, f.booking_id
        """,
        scene.location_id,
        fee_ids,
    )
    for row in rows:
        await scene.happened(
            row["contact_id"],
            "fee_due",
            entitlement_id=row["entitlement_id"],
            fee_id=row["id"],
            amount_cents=row["amount_cents"],
            reason=row["reason"],
            booking_id=row["booking_id"],
        )


async def settle(
    db: Database,
    location_id: str,
    fee_id: UUID,
    *,
    settlement: Settlement,
    key: Key,
    note: str | None = None,
    preview: bool = False,
) -> Outcome:
    """
    Close a fee: it was paid, is waived, or written off (S5.6).

    Codes: `fee_settled`, FEE_NOT_FOUND, FEE_ALREADY_SETTLED.
    """

    async def work(scene: Scene) -> Done:
        row = await scene.tx.fetchrow(
            """
            select f.contact_id, f.status, f.amount_cents from kotally.fees f
             where f.location_id = $1 and f.id = $2 for no key update
            """,
            scene.location_id,
            fee_id,
        )
        if row is None:
            raise Declined("FEE_NOT_FOUND")
        if row["status"] != "due":
            raise Declined("FEE_ALREADY_SETTLED", fee_id=fee_id, status=row["status"])
        await close(scene, fee_id, settlement, note=note)
        return Done(
            "fee_settled",
            {
                "fee_id": fee_id,
                "contact_id": row["contact_id"],
                "status": settlement,
                "amount_cents": row["amount_cents"],
            },
        )

    return await play(db, location_id, "settle_fee", key=key, work=work, preview=preview)


async def close(
    scene: Scene, fee_id: UUID, settlement: Settlement, *, note: str | None = None
) -> bool:
    """Close a fee that is due, inside a larger act; tell whether it was due."""
    row = await scene.tx.fetchrow(
        """
        update kotally.fees f
           set status = $3, settled_at = $4, settled_by = $5, note = $6
         where f.location_id = $1 and f.id = $2 and f.status = 'due'
        returning f.contact_id, f.amount_cents
        """,
        scene.location_id,
        fee_id,
        settlement,
        scene.now,
        scene.key.actor,
        note,
    )
    if row is None:
        return False
    await scene.happened(
        row["contact_id"], f"fee_{settlement}", fee_id=fee_id, amount_cents=row["amount_cents"]
    )
    return True


async def pay_matching(
    scene: Scene, contact_id: UUID, amount_cents: int, *, fee_id: str | None = None
) -> UUID | None:
    """
    Close the fee that a payment is for: the one it names, else the oldest of just that amount.

    For whoever reports payments (S5.6); returns the fee, or None when nothing of it is due. What
    bought something else has to name the fee: that it is as much does not make it the fee's.
    """
    key = scene.key
    return await scene.tx.fetchval(
        "select kotally.pay_fee($1, $2, $3, $4, $5, $6, $7, $8)",
        scene.location_id,
        contact_id,
        amount_cents,
        fee_id,
        key.source,
        key.actor,
        key.correlation_id,
        scene.now,
    )


async def due_of_booking(scene: Scene, booking_id: UUID) -> list[Any]:
    """Return the ids of the fees of a booking that are still due."""
    rows = await scene.tx.fetch(
        "select f.id from kotally.fees f"
        " where f.location_id = $1 and f.booking_id = $2 and f.status = 'due' order by f.id",
        scene.location_id,
        booking_id,
    )
    return [row["id"] for row in rows]


async def paid_of_booking(scene: Scene, booking_id: UUID) -> int:
    """Return the cents that were paid of a booking's fees."""
    return await scene.tx.fetchval(
        "select coalesce(sum(f.amount_cents), 0)::bigint from kotally.fees f"
        " where f.location_id = $1 and f.booking_id = $2 and f.status = 'paid'",
        scene.location_id,
        booking_id,
    )

"""
Debts: credits that were used before they were paid for (S11.5), or whose payment went back (S10.4).

A debt is a lot of class `advance`: what it owes was used, and the next grant pays it back first.
"""

from __future__ import annotations

from uuid import UUID

import msgspec

from kotally.core.ids import new_id
from kotally.ledger.plans import Bucket, Entry, LotFields
from kotally.ledger.scenes import Scene

_encode = msgspec.json.Encoder().encode


async def settle(scene: Scene, contact_id: UUID, lot_id: UUID) -> int:
    """
    Pay the contact's debts from a lot that this scene has just granted, oldest debt first.

    Returns how many credits of the lot it took; usually there is no debt, and none.
    """
    posting = scene.posting(contact_id, "adjust", "debt_settled", entries=[])
    return await scene.tx.fetchval(
        """
        select kotally.settle_debts(
          $1, jsonb_populate_record(null::kotally.new_posting, $2::text::jsonb), $3, $4)
        """,
        scene.location_id,
        _encode(posting).decode(),
        lot_id,
        scene.now,
    )


def notice(paid_back: int, granted: int) -> str:
    """Say to the member where a part of the new credits went."""
    return f"{paid_back} of your {granted} credits paid back earlier classes."


def used_from(lot: LotFields, bucket: Bucket, amount: int) -> tuple[LotFields, list[Entry]]:
    """
    Make the debt for used credits of a lot whose payment went back.

    `bucket` is `consumed`, or `penalty` for what an absence had cost. The use is revoked where it
    was, and stands as owed in the new lot, whose parent is the lot.
    """
    debt: LotFields = {
        "id": new_id(),
        "contact_id": lot["contact_id"],
        "entitlement_id": lot["entitlement_id"],
        "product_config_id": lot["product_config_id"],
        "product_version": lot["product_version"],
        "payment_id": lot["payment_id"],
        "parent_lot_id": lot["id"],
        "class": "advance",
    }
    entries = [
        Entry(lot["id"], bucket, "revoked", amount),
        Entry(debt["id"], "owed", bucket, amount),
    ]
    return debt, entries

"""What a confirmed period came to, now or when it was confirmed before (S9.1)."""

from __future__ import annotations

from typing import Any

from kotally.core.calendar import iso
from kotally.ledger.scenes import Declined, Scene
from kotally.memberships.memberships import Membership
from kotally.memberships.turns import Turn


def answer_of(done: Turn) -> dict[str, Any]:
    """Say what a turn came to."""
    return {
        "membership_id": done.before.id,
        "contact_id": done.before.contact_id,
        "period": {
            "number": done.period.number,
            "starts_at": iso(done.period.starts_at),
            "ends_at": iso(done.period.ends_at),
        },
        "credits_granted": done.granted,
        "credits_rolled_over": done.rolled,
        "credits_forfeited": done.forfeited,
        "lot_id": None if done.lot is None else done.lot["id"],
        "expires_at": None if done.lot is None else iso(done.lot["expires_at"]),
    }


async def confirmed(scene: Scene, membership: Membership, number: int) -> dict[str, Any] | None:
    """Say that a period was confirmed before, by whoever was first; None if it is the next one."""
    if number == membership.paid_number + 1:
        return None
    row = await scene.tx.fetchrow(
        """
        select p.starts_at, p.ends_at, p.lot_id, l.expires_at
          from kotally.periods p
          left join kotally.lots l on l.location_id = $1 and l.id = p.lot_id
         where p.location_id = $1 and p.membership_id = $2 and p.number = $3
        """,
        scene.location_id,
        membership.id,
        number,
    )
    if row is None:
        raise Declined("PERIOD_NOT_NEXT", next_period=membership.paid_number + 1)
    return {
        "membership_id": membership.id,
        "contact_id": membership.contact_id,
        "period": {
            "number": number,
            "starts_at": iso(row["starts_at"]),
            "ends_at": iso(row["ends_at"]),
        },
        "credits_granted": 0,
        "credits_rolled_over": 0,
        "credits_forfeited": 0,
        "lot_id": row["lot_id"],
        "expires_at": iso(row["expires_at"]) if row["expires_at"] else None,
    }

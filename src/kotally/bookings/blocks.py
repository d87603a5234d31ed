"""Whether a contact may book at all: blockers that cover everything it has (S0, S3.2, S5.5)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from kotally.core.calendar import iso
from kotally.ledger.scenes import Declined, Scene


async def demand_unblocked(scene: Scene, person_id: UUID, *, owner_id: UUID, at: datetime) -> None:
    """
    Refuse with BOOKING_BLOCKED while something blocks whoever comes, or whose credits pay.

    A blocker counts at the time of the class; a penalty also at the time of booking, because it
    blocks the booking itself; but it is the penalty of one person, so it keeps nobody else from
    using that person's credits (S12.4).
    """
    row = await scene.tx.fetchrow(
        """
        select b.kind, b.message, b.ends_at
          from kotally.blockers b
         where b.location_id = $1
           and (b.contact_id = $2 or b.contact_id = $5 and b.kind <> 'penalty')
           and b.entitlement_id is null and b.lot_id is null
           and (b.starts_at <= $3 and coalesce(b.ends_at > $3, true)
                or b.kind = 'penalty' and b.starts_at <= $4 and coalesce(b.ends_at > $4, true))
         order by b.ends_at desc nulls first limit 1
        """,
        scene.location_id,
        person_id,
        at,
        scene.now,
        owner_id,
    )
    if row is not None:
        until = None if row["ends_at"] is None else iso(row["ends_at"])
        raise Declined("BOOKING_BLOCKED", kind=row["kind"], why=row["message"], blocked_until=until)

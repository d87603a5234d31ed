"""Whether a contact may book: what blocks all it has, or what would pay (S0, S3.2, S5.5, S11.1)."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from kotally.bookings.records import Booking
from kotally.core.calendar import iso
from kotally.ledger.scenes import Declined, Scene

_PAST_DUE: Final = "PAST_DUE"


async def demand_unblocked(scene: Scene, person_id: UUID, *, owner_id: UUID, at: datetime) -> None:
    """
    Refuse while something blocks whoever comes, or whose credits pay: BOOKING_BLOCKED, PAST_DUE.

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
        code = _PAST_DUE if row["kind"] == "past_due" else "BOOKING_BLOCKED"
        raise Declined(code, kind=row["kind"], why=row["message"], blocked_until=until)


async def demand_paid(scene: Scene, booking: Booking) -> None:
    """Refuse with PAST_DUE what a membership would pay for if its own payment were not overdue."""
    row = await scene.tx.fetchrow(
        """
        select b.kind, b.message, b.entitlement_id
          from kotally.blockers b
          join kotally.entitlements e on e.location_id = $1 and e.id = b.entitlement_id
          join kotally.product_versions v
            on v.location_id = $1 and v.product_id = e.product_config_id
           and v.version = e.product_version
         where b.location_id = $1 and b.contact_id = $2 and b.kind = 'past_due'
           and b.starts_at <= $3 and coalesce(b.ends_at > $3, true)
           and kotally.is_for(e.product_config_id, v.coverage, $4, $5)
         order by b.starts_at limit 1
        """,
        scene.location_id,
        booking.contact_id,
        max(booking.starts_at, scene.now),
        booking.product_config_id,
        booking.calendar_id,
    )
    if row is not None:
        raise Declined(
            _PAST_DUE, kind=row["kind"], why=row["message"], entitlement_id=row["entitlement_id"]
        )

"""Whether a contact may book at all: blockers that cover everything it has (S0, S3.2, S5.5)."""

from __future__ import annotations

from kotally.bookings.records import Booking
from kotally.core.calendar import iso
from kotally.ledger.scenes import Declined, Scene


async def demand_unblocked(scene: Scene, booking: Booking) -> None:
    """
    Refuse with BOOKING_BLOCKED while something blocks the contact.

    A blocker counts at the time of the class; a penalty also at the time of booking, because it
    blocks the booking itself.
    """
    row = await scene.tx.fetchrow(
        """
        select b.kind, b.message, b.ends_at
          from kotally.blockers b
         where b.location_id = $1 and b.contact_id = $2
           and b.entitlement_id is null and b.lot_id is null
           and (b.starts_at <= $3 and coalesce(b.ends_at > $3, true)
                or b.kind = 'penalty' and b.starts_at <= $4 and coalesce(b.ends_at > $4, true))
         order by b.ends_at desc nulls first limit 1
        """,
        scene.location_id,
        booking.contact_id,
        max(booking.starts_at, scene.now),
        scene.now,
    )
    if row is not None:
        until = None if row["ends_at"] is None else iso(row["ends_at"])
        raise Declined("BOOKING_BLOCKED", kind=row["kind"], why=row["message"], blocked_until=until)

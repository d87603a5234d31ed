"""What somebody wants to book, and the booking it would be."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from kotally.bookings.company import Company, met
from kotally.bookings.records import Booking
from kotally.core.ids import new_id
from kotally.ledger.scenes import Declined, Scene


class Wish(Struct, frozen=True, kw_only=True):
    """
    What somebody wants to book.

    `class_ref` names the class that others book too. With `waitlist` it waits for a free place;
    with `allow_unfunded` it stands without credits, until the next grant pays for it.
    `company` says who comes instead of the contact, whose credits pay.
    """

    external_contact_id: str
    external_ref: str
    starts_at: datetime
    ends_at: datetime
    class_ref: str | None = None
    product_config_id: str | None = None
    calendar_id: str | None = None
    units: int = 1
    waitlist: bool = False
    allow_unfunded: bool = False
    company: Company = Company()


async def draft_of(scene: Scene, wish: Wish) -> Booking:
    """Make the booking of a wish, not paid for yet; whoever comes is met."""
    row = await scene.tx.fetchrow(
        """
        select c.id, o.cancel_window_minutes
          from kotally.location_of($1) o
          join kotally.contacts c on c.location_id = $1 and c.external_id = $2
        """,
        scene.location_id,
        wish.external_contact_id,
    )
    if row is None:
        raise Declined("NO_ENTITLEMENT")
    whose = await met(scene, row["id"], wish.company)
    return Booking(
        id=new_id(),
        contact_id=row["id"],
        external_contact_id=wish.external_contact_id,
        external_ref=wish.external_ref,
        class_ref=wish.class_ref,
        product_config_id=wish.product_config_id,
        calendar_id=wish.calendar_id,
        units=wish.units,
        entitlement_id=None,
        credits=0,
        mode="hold",
        terms={},
        cancel_window_minutes=row["cancel_window_minutes"],
        starts_at=wish.starts_at,
        original_starts_at=None,
        ends_at=wish.ends_at,
        status="unfunded",
        note=None,
        hold_id=None,
        absence_reported_at=None,
        closes_at=None,
        settled_at=None,
        created_at=scene.now,
        beneficiary_id=whose.beneficiary_id,
        booked_by=whose.booked_by,
        is_guest=whose.is_guest,
        lots=whose.lots,
        lots_reason=whose.lots_reason,
    )

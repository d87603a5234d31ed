"""Bookings as rows: what one is, and how it is read and written inside a scene."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal, LiteralString
from uuid import UUID

import msgspec
from msgspec import Struct

from kotally.bookings.lending import For
from kotally.core.calendar import iso
from kotally.db import Queries
from kotally.ledger.scenes import Declined, Scene
from kotally.products.policies import Attendance

Status = Literal[
    "waitlisted",
    "provisional",
    "unfunded",
    "booked",
    "attended",
    "late_cancelled",
    "no_show",
    "cancelled",
    "studio_cancelled",
]
OPEN: Final = ("waitlisted", "provisional", "unfunded", "booked")
CANCELLED: Final = ("cancelled", "late_cancelled", "studio_cancelled")


class Booking(Struct, frozen=True, kw_only=True):
    """
    A contact's place in an appointment.

    `credits` is what it costs, `units` how many places it is. `terms` are the attendance rules of
    the product that pays, copied when it was booked (S2.1). `contact_id` is whose credits pay and
    `beneficiary_id` who comes, when that is somebody else (S12.4, S12.5); `lots` are those that
    staff named (S1.6).
    """

    id: UUID
    contact_id: UUID
    external_contact_id: str
    external_ref: str
    class_ref: str | None
    product_config_id: str | None
    calendar_id: str | None
    units: int
    entitlement_id: UUID | None
    credits: int
    mode: Literal["hold", "booking", "attendance"]
    terms: dict[str, Any]
    cancel_window_minutes: int
    starts_at: datetime
    original_starts_at: datetime | None
    ends_at: datetime
    status: Status
    note: str | None
    hold_id: UUID | None
    absence_reported_at: datetime | None
    closes_at: datetime | None
    settled_at: datetime | None
    created_at: datetime
    beneficiary_id: UUID | None = None
    booked_by: str | None = None
    is_guest: bool = False
    lots: list[UUID] = []
    lots_reason: str | None = None
    # Read from the database, not about to be written.
    is_made: bool = False

    @property
    def rules(self) -> Attendance:
        """Be the attendance rules as they were when it was booked."""
        return msgspec.convert(self.terms, Attendance)

    @property
    def free_until(self) -> datetime:
        """Be the last instant at which cancelling costs nothing (S4.1)."""
        start = self.original_starts_at or self.starts_at
        return start - timedelta(minutes=self.cancel_window_minutes)

    @property
    def person_id(self) -> UUID:
        """Be who comes: strikes, fees and blocks are theirs (S12.4)."""
        return self.contact_id if self.beneficiary_id is None else self.beneficiary_id

    @property
    def people(self) -> list[UUID]:
        """Be everybody whom an act about it concerns: whose credits they are, and who comes."""
        return sorted({self.contact_id, self.person_id})

    @property
    def made_for(self) -> For:
        """Say for whom it uses credits; once it is made it stands (S12.4)."""
        return For(
            beneficiary_id=self.beneficiary_id,
            booked_by=self.booked_by,
            is_guest=self.is_guest,
            booked_at=self.created_at if self.is_made else None,
            lots=self.lots,
            lots_reason=self.lots_reason,
        )


_SELECT: Final[LiteralString] = """
    select b.id, b.contact_id, c.external_id as external_contact_id, b.external_ref, b.class_ref,
           b.product_config_id, b.calendar_id, b.units, b.entitlement_id, b.credits, b.mode,
           b.terms, b.cancel_window_minutes, b.starts_at, b.original_starts_at, b.ends_at,
           b.status, b.note, b.hold_id, b.absence_reported_at, b.closes_at, b.settled_at,
           b.created_at, b.beneficiary_id, b.booked_by, b.is_guest, b.lots, b.lots_reason,
           true as is_made
      from kotally.bookings b
      join kotally.contacts c on c.location_id = b.location_id and c.id = b.contact_id
     where b.location_id = $1
"""


async def find(db: Queries, location_id: str, booking_id: UUID) -> Booking | None:
    """Read a booking."""
    return await db.one(Booking, _SELECT + " and b.id = $2", location_id, booking_id)


async def of_reference(scene: Scene, contact_id: UUID, external_ref: str) -> Booking | None:
    """Read the booking of a contact, or for it, with a reference that is not cancelled."""
    return await scene.tx.one(
        Booking,
        _SELECT
        + " and (b.contact_id = $2 or b.beneficiary_id = $2) and b.external_ref = $3"
        + " and b.status <> all ($4) order by b.beneficiary_id is null desc limit 1",
        scene.location_id,
        contact_id,
        external_ref,
        list(CANCELLED),
    )


async def of_class(
    db: Queries, location_id: str, class_ref: str, *, statuses: Iterable[str]
) -> list[Booking]:
    """Read the bookings of a class in some states, first come first."""
    return await db.rows(
        Booking,
        _SELECT + " and b.class_ref = $2 and b.status = any ($3) order by b.created_at, b.id",
        location_id,
        class_ref,
        list(statuses),
    )


async def of_contact(
    db: Queries, location_id: str, contact_id: UUID, *, since: datetime, is_person: bool = False
) -> list[Booking]:
    """
    Read the contact's open bookings of classes from a time on, by class time.

    They are those its credits pay for; of a person also those that others' pay for.
    """
    return await db.rows(
        Booking,
        _SELECT
        + " and (b.contact_id = $2 or $5 and b.beneficiary_id = $2)"
        + " and b.starts_at >= $3 and b.status = any ($4)"
        + " order by b.starts_at, b.id",
        location_id,
        contact_id,
        since,
        list(OPEN),
        is_person,
    )


async def locked(scene: Scene, booking_id: UUID) -> Booking:
    """Lock the people of a booking and read it as it is now; BOOKING_NOT_FOUND without one."""
    seen = await find(scene.tx, scene.location_id, booking_id)
    if seen is None:
        raise Declined("BOOKING_NOT_FOUND")
    await scene.lock(seen.people)
    booking = await find(scene.tx, scene.location_id, booking_id)
    assert booking is not None, "bookings are never removed"
    return booking


async def locked_all(scene: Scene, bookings: Sequence[Booking]) -> None:
    """Lock the people of several bookings, in the one order."""
    await scene.lock(sorted({each for booking in bookings for each in booking.people}))


async def insert(scene: Scene, booking: Booking) -> None:
    """Write a new booking."""
    await scene.tx.execute(
        """
        insert into kotally.bookings (
          location_id, id, contact_id, external_ref, class_ref, product_config_id, calendar_id,
          units, entitlement_id, credits, mode, terms, cancel_window_minutes, starts_at,
          original_starts_at, ends_at, status, note, hold_id, absence_reported_at, closes_at,
          settled_at, created_at, beneficiary_id, booked_by, is_guest, lots, lots_reason)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
                $19, $20, $21, $22, $23, $24, $25, $26, $27, $28)
        """,
        scene.location_id,
        *_columns(booking),
    )


async def update(scene: Scene, booking: Booking) -> None:
    """Write what has become of a booking."""
    await scene.tx.execute(
        """
        update kotally.bookings
           set entitlement_id = $3, credits = $4, mode = $5, terms = $6,
               cancel_window_minutes = $7, starts_at = $8, original_starts_at = $9, ends_at = $10,
               status = $11, note = $12, hold_id = $13, absence_reported_at = $14,
               closes_at = $15, settled_at = $16
         where location_id = $1 and id = $2
        """,
        scene.location_id,
        booking.id,
        *_columns(booking)[7:-6],
    )


async def tell(
    scene: Scene,
    booking: Booking,
    type_: str,
    *,
    entitlement_id: UUID | None = None,
    **details: Any,  # noqa: ANN401 - any value of JSON
) -> None:
    """Put a fact on the timeline of whose credits a booking is paid with, and of who comes."""
    for contact_id in booking.people:
        await scene.happened(contact_id, type_, entitlement_id=entitlement_id, **details)


def answer_of(booking: Booking, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - any value of JSON
    """Return what an answer says of a booking."""
    said: dict[str, Any] = {
        "booking_id": booking.id,
        "contact_id": booking.contact_id,
        "external_ref": booking.external_ref,
        "class_ref": booking.class_ref,
        "status": booking.status,
        "credits": booking.credits,
        "entitlement_id": booking.entitlement_id,
        "hold_id": booking.hold_id,
        "appointment_time": booking.starts_at,
        "appointment_ends_at": booking.ends_at,
        "cancel_free_until": booking.free_until,
        "closes_at": booking.closes_at,
        **more,
    }
    if booking.beneficiary_id is not None:
        said |= {
            "beneficiary_id": booking.beneficiary_id,
            "booked_by": booking.booked_by,
            "is_guest": booking.is_guest,
        }
    return {
        name: iso(value) if isinstance(value, datetime) else value for name, value in said.items()
    }


def _columns(booking: Booking) -> tuple[Any, ...]:
    return (
        booking.id,
        booking.contact_id,
        booking.external_ref,
        booking.class_ref,
        booking.product_config_id,
        booking.calendar_id,
        booking.units,
        booking.entitlement_id,
        booking.credits,
        booking.mode,
        booking.terms,
        booking.cancel_window_minutes,
        booking.starts_at,
        booking.original_starts_at,
        booking.ends_at,
        booking.status,
        booking.note,
        booking.hold_id,
        booking.absence_reported_at,
        booking.closes_at,
        booking.settled_at,
        booking.created_at,
        booking.beneficiary_id,
        booking.booked_by,
        booking.is_guest,
        booking.lots,
        booking.lots_reason,
    )

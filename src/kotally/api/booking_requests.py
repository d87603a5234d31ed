"""What the endpoints about bookings are asked."""

from __future__ import annotations

from typing import Annotated, Any, Final

from msgspec import Meta

from kotally.api import fields
from kotally.api.call import Invalid, Request
from kotally.api.company import CompanyRequest
from kotally.bookings.corrections import Correction

PLACES_MAX: Final = 1_000
YEAR_MIN: Final = 2_000
YEAR_MAX: Final = 2_199

ClassRef = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=fields.ID_LENGTH_MAX,
        description="The class or event that others book too, in the caller's system.",
        examples=["class_55"],
    ),
]
Preview = Annotated[bool, Meta(description="Say what it would come to, and do nothing.")]
EndsAt = Annotated[
    fields.Time | None, Meta(description="When the appointment ends; an hour later if left out.")
]


class PlaceBookingRequest(CompanyRequest, frozen=True, kw_only=True, omit_defaults=True):
    """Book a place; the product that pays says how it settles and what lateness costs."""

    either = (fields.CONTACT, ("product_config_id", "calendar_id"))

    location_id: fields.LocationId
    request_id: fields.RequestId
    external_ref: fields.ExternalRef
    external_contact_id: fields.ContactKey | None = None
    ghl_contact_id: fields.ContactKey | None = None
    product_config_id: fields.ProductConfigId | None = None
    calendar_id: fields.CalendarId | None = None
    amount: fields.Amount = 1
    appointment_time: fields.Time
    appointment_ends_at: EndsAt = None
    class_ref: ClassRef | None = None
    waitlist: Annotated[bool, Meta(description="Wait for a free place instead.")] = False
    allow_unfunded: Annotated[
        bool, Meta(description="Book even without credits; the next grant pays for it.")
    ] = False
    preview: Preview = False

    def __post_init__(self) -> None:
        """Ask for a contact, and for an end after the start."""
        super().__post_init__()
        _demand_order(self)


class BookingRequest(Request, frozen=True, kw_only=True, omit_defaults=True):
    """Name a request about one booking."""

    location_id: fields.LocationId
    request_id: fields.RequestId
    preview: Preview = False


class CancelBookingRequest(BookingRequest, frozen=True, kw_only=True, omit_defaults=True):
    """Cancel a booking."""

    cancelled_at: Annotated[
        fields.Time | None,
        Meta(description="When it was cancelled at the provider; never later than now."),
    ] = None


class AttendBookingRequest(BookingRequest, frozen=True, kw_only=True, omit_defaults=True):
    """Report attendance."""

    amount: Annotated[
        fields.Amount | None, Meta(description="Units used; all that was booked if left out.")
    ] = None


class NoShowBookingRequest(BookingRequest, frozen=True, kw_only=True, omit_defaults=True):
    """Report an absence."""

    at_once: Annotated[
        bool, Meta(description="Post it now instead of after the product's posting delay.")
    ] = False


class RescheduleBookingRequest(BookingRequest, frozen=True, kw_only=True, omit_defaults=True):
    """Move a booking."""

    appointment_time: fields.Time
    appointment_ends_at: EndsAt = None
    class_ref: ClassRef | None = None
    calendar_id: fields.CalendarId | None = None

    def __post_init__(self) -> None:
        """Ask for an end after the start."""
        super().__post_init__()
        _demand_order(self)


class CorrectBookingRequest(BookingRequest, frozen=True, kw_only=True, omit_defaults=True):
    """Settle a booking anew; `waived` gives everything back."""

    to: Annotated[Correction, Meta(description="What it should have been.")]
    note: Annotated[str, Meta(min_length=1, max_length=1_000, description="Why.")]


def _demand_order(request: Any) -> None:  # noqa: ANN401 - either request with two times
    for name in ("appointment_time", "appointment_ends_at"):
        at = getattr(request, name)
        if at is not None and not YEAR_MIN <= at.year <= YEAR_MAX:
            raise Invalid(name, f"must be in the years {YEAR_MIN} to {YEAR_MAX}")
    ends_at = request.appointment_ends_at
    if ends_at is not None and ends_at < request.appointment_time:
        raise Invalid("appointment_ends_at", "must not be before appointment_time")

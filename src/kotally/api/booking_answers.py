"""What the endpoints about bookings answer."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from kotally.api import fields
from kotally.api.call import Answer
from kotally.api.company import CompanyRefusal
from kotally.api.entitlements import CapUsage, Slice

Beneficiary = Annotated[UUID, Meta(description="Who comes, when it is not `contact_id`.")]


class Booking(Struct, frozen=True, kw_only=True):
    """A booking as it stands."""

    booking_id: fields.RowId
    contact_id: fields.RowId
    external_ref: str
    class_ref: str | None
    status: Annotated[
        str,
        Meta(
            description="waitlisted, provisional, unfunded, booked, attended, late_cancelled, "
            "no_show, cancelled or studio_cancelled."
        ),
    ]
    credits: fields.Credits
    entitlement_id: UUID | None
    hold_id: UUID | None
    appointment_time: fields.Time
    appointment_ends_at: fields.Time
    cancel_free_until: fields.Time
    closes_at: Annotated[
        fields.Time | None, Meta(description="When it settles by itself if nobody says anything.")
    ]
    balance_after: fields.Credits | UnsetType = UNSET
    was: str | UnsetType = UNSET
    credits_returned: fields.Credits | UnsetType = UNSET
    beneficiary_id: Beneficiary | UnsetType = UNSET
    booked_by: str | UnsetType = UNSET
    is_guest: bool | UnsetType = UNSET


class Booked(Answer, frozen=True, kw_only=True):
    """Say how the booking stands, and what moved."""

    booking_id: fields.RowId
    contact_id: fields.RowId
    external_ref: str
    class_ref: str | None
    status: str
    credits: fields.Credits
    entitlement_id: UUID | None
    hold_id: UUID | None
    appointment_time: fields.Time
    appointment_ends_at: fields.Time
    cancel_free_until: fields.Time
    closes_at: fields.Time | None
    balance_after: fields.Credits
    funding: list[Slice] | UnsetType = UNSET
    short_by: Annotated[
        fields.Credits | UnsetType,
        Meta(description="Credits it costs that nothing paid for, if there were too few."),
    ] = UNSET
    previous_appointment_time: fields.Time | UnsetType = UNSET
    late_cancelled: dict[str, Any] | UnsetType = UNSET
    beneficiary_id: Beneficiary | UnsetType = UNSET
    booked_by: str | UnsetType = UNSET
    is_guest: bool | UnsetType = UNSET


class Ended(Booked, frozen=True, kw_only=True):
    """Say how the booking ended, and what that cost."""

    was: str | UnsetType = UNSET
    credits_captured: fields.Credits | UnsetType = UNSET
    credits_forfeited: fields.Credits | UnsetType = UNSET
    credits_returned: fields.Credits | UnsetType = UNSET
    credits_expired: fields.LostCredits | UnsetType = UNSET
    strike_id: fields.RowId | UnsetType = UNSET
    strike_count: int | UnsetType = UNSET
    strike_forgiven: bool | UnsetType = UNSET
    fee_id: fields.RowId | UnsetType = UNSET
    fee_cents: fields.Cents | UnsetType = UNSET
    penalty: str | UnsetType = UNSET
    penalty_fee_id: fields.RowId | UnsetType = UNSET
    blocked_until: fields.Time | UnsetType = UNSET
    strikes_reversed: int | UnsetType = UNSET
    fees_waived: list[UUID] | UnsetType = UNSET
    penalties_lifted: list[UUID] | UnsetType = UNSET


class NotBooked(CompanyRefusal, frozen=True, kw_only=True):
    """Say why not, and the nearest thing that is allowed."""

    booking_id: fields.RowId | UnsetType = UNSET
    status: str | UnsetType = UNSET
    balance_after: fields.Credits | UnsetType = UNSET
    short_by: int | UnsetType = UNSET
    detail: str | UnsetType = UNSET
    cap: CapUsage | UnsetType = UNSET
    kind: str | UnsetType = UNSET
    why: str | UnsetType = UNSET
    entitlement_id: Annotated[
        UUID | UnsetType,
        Meta(description="With PAST_DUE: the membership that is overdue."),
    ] = UNSET
    blocked_until: fields.Time | UnsetType | None = UNSET
    open: int | UnsetType = UNSET
    max_open_bookings: int | UnsetType = UNSET
    cancel_free_until: fields.Time | UnsetType = UNSET
    class_ref: str | UnsetType | None = UNSET
    fee_id: fields.RowId | UnsetType = UNSET
    undone_at: fields.Time | UnsetType = UNSET


class ClassCancelled(Answer, frozen=True, kw_only=True):
    """Say what the cancellation of a class gave back."""

    cancellation_id: fields.RowId
    class_ref: str
    bookings: list[Booking]
    credits_returned: fields.Credits


class ClassRestored(Answer, frozen=True, kw_only=True):
    """Say how the bookings of a class stand again."""

    cancellation_id: fields.RowId
    class_ref: str
    bookings: list[Booking]


class PassedOver(Struct, frozen=True, kw_only=True):
    """Who was passed over, and why."""

    booking_id: fields.RowId
    contact_id: fields.RowId
    external_ref: str
    why: str


class Promoted(Answer, frozen=True, kw_only=True):
    """Say who has a place now."""

    class_ref: str
    promoted: list[Booking]
    skipped: list[PassedOver]
    places_left: int


class FeeSettled(Answer, frozen=True, kw_only=True):
    """Say how the fee was closed."""

    fee_id: fields.RowId
    contact_id: fields.RowId
    status: str
    amount_cents: fields.Cents

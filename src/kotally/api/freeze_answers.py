"""What the endpoints of freezes, closures and extensions answer."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from kotally.api import fields
from kotally.api.call import Answer, Refusal


class FrozenLot(Struct, frozen=True, kw_only=True):
    """Name credits that the freeze moves, with both expiries."""

    lot_id: UUID
    entitlement_id: UUID
    product_config_id: str
    credits_available: int
    credits_held: int
    expires_at: datetime
    will_expire_at: datetime


class FrozenBooking(Struct, frozen=True, kw_only=True):
    """Name a booking inside the freeze, and what came back."""

    booking_id: UUID | None
    hold_id: UUID | None
    external_ref: str | None
    appointment_time: datetime
    credits: int
    kept: bool
    credits_returned: int


class FreezeAllowance(Struct, frozen=True, kw_only=True):
    """Say how much of the plan's allowance is used, this freeze included."""

    window_starts_on: date
    window_ends_on: date
    days_used: int
    days_left: int | None
    count_used: int
    count_left: int | None


class FreezeShown(Answer, frozen=True, kw_only=True):
    """Show a freeze, and everything it moves."""

    membership_id: fields.OtherRowId
    contact_id: fields.RowId
    freeze_id: fields.RowId
    status: Literal["planned", "running", "ended", "cancelled"]
    starts_on: date
    resumes_on: date
    starts_at: datetime
    resumes_at: datetime
    days: int
    mode: Literal["shift", "prorate", "keep"]
    covers_packs: bool
    period_ends_at: datetime
    expected_next_charge_at: datetime | None
    expected_next_charge_cents: Annotated[
        int | None, Meta(description="As the last charge, pro-rated if the mode says so.")
    ]
    next_period_credits: int
    fee_cents: int
    lots: list[FrozenLot]
    bookings: list[FrozenBooking]
    allowance: FreezeAllowance
    overridden: Annotated[
        list[str], Meta(description="The limits that were set aside for a reason.")
    ]


class BrokenLimit(Struct, frozen=True, kw_only=True):
    """Name a limit, and the nearest values that it allows."""

    reason_code: str
    allowed: dict[str, Any]


class FreezeNotDone(Refusal, frozen=True, kw_only=True):
    """Say why not, and the nearest that is allowed."""

    membership_id: fields.OtherRowId | UnsetType = UNSET
    freeze_id: fields.RowId | UnsetType = UNSET
    allowed: (
        Annotated[dict[str, Any], Meta(description="The nearest values that would be allowed.")]
        | UnsetType
    ) = UNSET
    limits: list[BrokenLimit] | UnsetType = UNSET
    ended_at: datetime | UnsetType | None = UNSET
    ends_at: datetime | UnsetType = UNSET
    starts_at: datetime | UnsetType = UNSET
    next_freeze_on: date | UnsetType = UNSET


class ExpiryExtended(Answer, frozen=True, kw_only=True):
    """Say until when the credits live now."""

    lot_id: fields.RowId
    contact_id: fields.RowId
    expires_before: datetime
    expires_at: datetime
    credits_revived: fields.Credits
    balance_after: fields.Credits


class MovedLot(Struct, frozen=True, kw_only=True):
    """Name a lot that a closure has moved."""

    lot_id: UUID
    contact_id: UUID
    product_config_id: str
    expires_before: datetime
    expires_at: datetime


class ClosureShown(Answer, frozen=True, kw_only=True):
    """Say what a closure has moved; the first 100 lots by name."""

    closure_id: fields.RowId
    days: int
    lots_moved: int
    packs_moved: Annotated[int, Meta(description="Packs without credits, such as unlimited ones.")]
    contacts: int
    credits_available: int
    credits_held: int
    credits_moved: Annotated[
        int, Meta(description="Expired credits that came back, or that expired again by the undo.")
    ]
    lots: list[MovedLot]


class ExpiryNotMoved(Refusal, frozen=True, kw_only=True):
    """Say why not, and the nearest that is allowed."""

    lot_id: fields.RowId | UnsetType = UNSET
    closure_id: fields.RowId | UnsetType = UNSET
    undone_at: datetime | UnsetType = UNSET
    allowed: dict[str, Any] | UnsetType = UNSET

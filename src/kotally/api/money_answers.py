"""What the endpoints of refunds, adjustments and transfers answer."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from kotally.api import fields
from kotally.api.call import Answer, Refusal

MaybeCents = int | None


class Taken(Struct, frozen=True, kw_only=True):
    """Say from where credits were taken back; those of bookings were freed first."""

    available: fields.Credits
    suspended: fields.Credits
    expired: fields.Credits
    forfeited: fields.Credits


class Tallied(Answer, frozen=True, kw_only=True):
    """Say how a payment stands, and what this came to."""

    payment_id: fields.RowId
    contact_id: fields.OtherRowId
    amount_cents: MaybeCents
    refunded_cents: fields.Cents
    credits_granted: fields.Credits
    credits_revoked: fields.Credits
    balance_after: fields.Credits
    credits_revoked_now: fields.Credits
    taken: Taken
    shortfall: Annotated[int, Meta(description="What had been used already.")]
    credits_owed: Annotated[int, Meta(description="Of that, what the next credits pay back.")]
    credits_uncollected: Annotated[int, Meta(description="Of that, what nobody pays back.")]
    bookings_unfunded: list[UUID]
    holds_released: list[UUID]


class Disputed(Tallied, frozen=True, kw_only=True):
    """Say how a dispute stands."""

    external_dispute_id: str
    dispute_status: str
    changed: Annotated[bool, Meta(description="False when it was known already.")]


class Unblocked(Answer, frozen=True, kw_only=True):
    """Say that the contact can book again."""

    payment_id: fields.RowId
    contact_id: fields.OtherRowId
    credits_uncollected: fields.Credits
    balance_after: fields.Credits


class NotUnblocked(Refusal, frozen=True, kw_only=True):
    """Say why nothing was lifted."""

    payment_id: fields.RowId | UnsetType = UNSET


class QuoteOption(Struct, frozen=True, kw_only=True):
    """Say what one way of refunding comes to."""

    method: str
    amount_cents: fields.Cents
    credits_revoked: fields.Credits
    bookings_unfunded: list[UUID]


class Quoted(Answer, frozen=True, kw_only=True):
    """Say what a refund would be, each way."""

    payment_id: fields.RowId
    contact_id: fields.OtherRowId
    amount_cents: MaybeCents
    currency: str | None
    refunded_cents: fields.Cents
    refundable_cents: fields.Cents
    credits_granted: fields.Credits
    credits_used: fields.Credits
    credits_unused: fields.Credits
    fee_cents: fields.Cents
    quotes: list[QuoteOption]


class NotRefunded(Refusal, frozen=True, kw_only=True):
    """Say why not, and how the payment stands."""

    payment_id: fields.RowId | UnsetType = UNSET
    contact_id: fields.OtherRowId | UnsetType = UNSET
    amount_cents: int | UnsetType | None = UNSET
    refunded_cents: int | UnsetType = UNSET
    refundable_cents: int | UnsetType = UNSET
    credits_granted: int | UnsetType = UNSET
    credits_revoked: int | UnsetType = UNSET
    balance_after: int | UnsetType = UNSET


class Adjusted(Answer, frozen=True, kw_only=True):
    """Say what was corrected, or who has to agree to it."""

    contact_id: fields.OtherRowId
    amount: int | UnsetType = UNSET
    balance_after: int | UnsetType = UNSET
    lot_id: fields.RowId | UnsetType | None = UNSET
    expires_at: fields.Time | UnsetType | None = UNSET
    approval_id: fields.RowId | UnsetType = UNSET
    lapses_at: fields.Time | UnsetType = UNSET
    limit: str | UnsetType = UNSET
    allowed: int | UnsetType = UNSET


class Transferred(Answer, frozen=True, kw_only=True):
    """Say what each of the two has now."""

    transfer_id: fields.RowId
    from_contact_id: UUID
    to_contact_id: UUID
    amount: fields.Credits
    from_balance_after: fields.Credits
    to_balance_after: fields.Credits
    undo_until: fields.Time | UnsetType = UNSET


class NotCorrected(Refusal, frozen=True, kw_only=True):
    """Say why not, and the nearest that is possible."""

    contact: str | UnsetType = UNSET
    contact_id: fields.OtherRowId | UnsetType = UNSET
    product_config_id: str | UnsetType = UNSET
    balance_after: int | UnsetType = UNSET
    available: int | UnsetType = UNSET
    short_by: int | UnsetType = UNSET
    lot_id: fields.RowId | UnsetType = UNSET
    kept: list[UUID] | UnsetType = UNSET
    amount: int | UnsetType = UNSET
    named: int | UnsetType = UNSET
    approval_id: fields.RowId | UnsetType = UNSET
    requested_by: str | UnsetType = UNSET
    status: str | UnsetType = UNSET
    lapsed_at: fields.Time | UnsetType = UNSET
    decided_at: fields.Time | UnsetType = UNSET
    transfer_id: fields.RowId | UnsetType = UNSET
    undone_at: fields.Time | UnsetType = UNSET
    undo_until: fields.Time | UnsetType = UNSET

"""What the endpoints of memberships answer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from kotally.api import fields
from kotally.api.call import Answer, Refusal

MaybeTime = datetime | UnsetType | None


class PeriodOf(Struct, frozen=True, kw_only=True):
    """Name a period."""

    number: int
    starts_at: datetime
    ends_at: datetime


class AffectedBooking(Struct, frozen=True, kw_only=True):
    """Name a booking that is affected; one that waits for a period to be paid has no hold."""

    hold_id: UUID | None
    external_ref: str | None
    calendar_id: str | None
    appointment_time: datetime
    credits: int


class MembershipRenewed(Answer, frozen=True, kw_only=True):
    """Say which period was confirmed, and what it brought."""

    membership_id: fields.OtherRowId
    contact_id: fields.RowId
    period: PeriodOf
    credits_granted: fields.Credits
    credits_rolled_over: fields.Credits
    credits_forfeited: fields.Credits
    lot_id: fields.RowId | None
    expires_at: datetime | None


class PaymentFailureNoted(Answer, frozen=True, kw_only=True):
    """Say what a failed payment came to."""

    membership_id: fields.OtherRowId
    contact_id: fields.RowId
    change_id: Annotated[
        fields.RowId | None, Meta(description="The upgrade that waited for it and was dropped.")
    ]
    product_config_id: str | None
    external_payment_id: str | None
    reason: str | None
    past_due_from: Annotated[
        datetime | None, Meta(description="When it is past due if nothing is paid until then.")
    ]


class MembershipChanged(Answer, frozen=True, kw_only=True):
    """Say what the membership becomes, and when."""

    membership_id: fields.OtherRowId
    change_id: fields.RowId
    product_config_id: str
    contact_id: fields.RowId | UnsetType = UNSET
    kind: str | UnsetType = UNSET
    strategy: str | UnsetType | None = UNSET
    from_product_config_id: str | UnsetType = UNSET
    version: int | UnsetType = UNSET
    effective_at: datetime | UnsetType = UNSET
    period: PeriodOf | UnsetType = UNSET
    credits_granted: int | UnsetType = UNSET
    credits_rolled_over: int | UnsetType = UNSET
    credits_forfeited: int | UnsetType = UNSET
    lot_id: fields.RowId | UnsetType | None = UNSET
    expires_at: MaybeTime = UNSET
    bookings_not_covered: list[AffectedBooking] | UnsetType = UNSET


class WaitingChange(Struct, frozen=True, kw_only=True):
    """Name a change that waits, or waited, for its time or its payment."""

    change_id: fields.RowId
    kind: str
    product_config_id: str
    version: int
    effective_at: datetime


DroppedChange = Annotated[
    WaitingChange | UnsetType,
    Meta(description="The change that waited and does not any more; left out if there is none."),
]


class MembershipCancelled(Answer, frozen=True, kw_only=True):
    """Say when the membership ends, and what goes with it."""

    membership_id: fields.OtherRowId
    contact_id: fields.RowId
    leftover: str
    change_id: fields.RowId | UnsetType = UNSET
    ends_at: datetime | UnsetType = UNSET
    ended_at: datetime | UnsetType = UNSET
    bookings_after_end: list[AffectedBooking] | UnsetType = UNSET
    credits_expired: int | UnsetType = UNSET
    credits_kept: int | UnsetType = UNSET
    kept_until: MaybeTime = UNSET
    bookings_cancelled: list[AffectedBooking] | UnsetType = UNSET
    change_dropped: DroppedChange = UNSET


class MembershipUncancelled(Answer, frozen=True, kw_only=True):
    """Say that the membership goes on."""

    membership_id: fields.OtherRowId
    contact_id: fields.RowId
    renews_at: datetime
    change_restored: Annotated[
        WaitingChange | UnsetType,
        Meta(description="The change that the cancellation had dropped; it waits again."),
    ] = UNSET
    change_dropped: DroppedChange = UNSET


class MembershipNotDone(Refusal, frozen=True, kw_only=True):
    """Say why not, and the nearest that is possible."""

    ended_at: MaybeTime = UNSET
    ends_at: datetime | UnsetType = UNSET
    effective_at: datetime | UnsetType = UNSET
    earliest_end_at: datetime | UnsetType = UNSET
    paid_until: datetime | UnsetType = UNSET
    other_membership_id: fields.OtherRowId | UnsetType = UNSET
    next_period: int | UnsetType = UNSET
    product_config_id: str | UnsetType = UNSET

"""
What the contact reads show, as it is published.

The database builds this as JSON and the door passes it on; a test holds what it builds to the
structs here, key by key and in this order.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from kotally.api import fields

EntryType = Literal[
    "grant", "deduct", "restore", "expire", "rollover", "forfeit", "refund", "hold", "release",
    "capture", "penalty", "adjust", "transfer", "freeze",
]  # fmt: skip
EntitlementStatus = Literal[
    "pending", "active", "paused", "past_due", "suspended", "exhausted", "expired", "cancelled",
    "revoked",
]  # fmt: skip
# What became of a booking, or of a hold that was taken without one.
AppointmentStatus = Literal[
    "held",
    "captured",
    "released",
    "restored",
    "penalised",
    "replaced",
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
Never = Annotated[fields.Time | None, Meta(description="null: never.")]


class Contact(Struct, frozen=True, kw_only=True):
    """A contact; both names of its id are the same one."""

    id: fields.RowId
    ghl_contact_id: fields.ContactKey
    external_contact_id: fields.ContactKey
    email: str | None
    name: str | None
    phone: str | None
    created_at: fields.Time


class EntitlementSummary(Struct, frozen=True, kw_only=True):
    """What is left of an entitlement."""

    id: fields.OtherRowId
    product_config_id: fields.ProductConfigId
    status: EntitlementStatus
    credits_remaining: fields.Credits
    expires_at: Never


class Movement(Struct, frozen=True, kw_only=True, rename={"source": "from", "target": "to"}):
    """What a posting moved in one lot, from which bucket to which."""

    entitlement_id: fields.OtherRowId
    lot_id: fields.RowId
    product_config_id: fields.ProductConfigId
    amount: fields.Credits
    source: str
    target: str


class LedgerEntry(Struct, frozen=True, kw_only=True):
    """A posting; `amount` is what it did to the credits that can be spent."""

    id: fields.RowId
    type: EntryType
    amount: fields.Credits
    balance_after: fields.Credits
    reason_code: str
    source: str
    actor: str
    entitlement_id: fields.OtherRowId | None
    product_config_id: fields.ProductConfigId | None
    lot_id: fields.RowId | None
    external_ref: fields.ExternalRef | None
    request_id: fields.RequestId
    correlation_id: fields.RowId
    reverses: Annotated[
        fields.RowId | None, Meta(description="The earlier entry this one settles or gives back.")
    ]
    effective_at: fields.Time
    recorded_at: fields.Time
    metadata: fields.Metadata | None
    slices: list[Movement]


class LocationEntry(LedgerEntry, frozen=True, kw_only=True):
    """A posting in the ledger of a location, and whose it is."""

    contact_id: fields.RowId
    external_contact_id: fields.ContactKey


class PaidPart(Struct, frozen=True, kw_only=True):
    """What one lot paid for an appointment."""

    entitlement_id: fields.OtherRowId
    lot_id: fields.RowId
    product_config_id: fields.ProductConfigId
    amount: fields.Credits


class Appointment(Struct, frozen=True, kw_only=True):
    """A booking, and what it cost."""

    id: Annotated[fields.RowId, Meta(description="The `hold_id`; without one, the `booking_id`.")]
    external_ref: fields.ExternalRef | None
    calendar_id: fields.CalendarId | None
    product_config_id: fields.ProductConfigId | None
    entitlement_id: fields.OtherRowId | None
    appointment_time: fields.Time | None
    status: AppointmentStatus
    credits: fields.Credits
    credits_returned: fields.Credits
    cancel_free_until: fields.Time | None
    booked_at: fields.Time
    closed_at: fields.Time | None
    slices: list[PaidPart]
    booking_id: fields.OtherRowId | None
    class_ref: str | None
    note: str | None
    contact_id: Annotated[fields.RowId, Meta(description="Whose credits pay.")]
    beneficiary_id: Annotated[
        fields.OtherRowId | None, Meta(description="Who comes, when it is somebody else.")
    ]
    booked_by: str | None
    is_guest: bool


class OtherReport(Struct, frozen=True, kw_only=True):
    """The same sale as another provider told it."""

    provider: str
    external_payment_id: fields.PaymentReference
    matched_by: Literal["reference", "period", "closeness"]


class Payment(Struct, frozen=True, kw_only=True):
    """A payment, and what it granted."""

    id: fields.RowId
    provider: str
    external_payment_id: fields.PaymentReference
    event_type: str
    product_config_id: fields.ProductConfigId
    entitlement_id: fields.OtherRowId
    amount_cents: fields.Cents | None
    currency: fields.Currency | None
    refunded_cents: fields.Cents
    credits_granted: fields.Credits
    credits_revoked: fields.Credits
    paid_at: fields.Time
    recorded_at: fields.Time
    external_ref: str | None
    metadata: fields.Metadata | None
    also_reported: Annotated[
        list[OtherReport], Meta(description="Who else told of the same sale, by which id.")
    ]


class Lot(Struct, frozen=True, kw_only=True, rename={"kind": "class"}):
    """Credits issued at one time under one set of rules, and where they are now."""

    id: fields.RowId
    kind: str
    parent_lot_id: fields.RowId | None
    payment_id: fields.RowId | None
    period_number: int | None
    is_expired: bool
    credits_issued: fields.Credits
    credits_available: fields.Credits
    credits_held: fields.Credits
    credits_consumed: fields.Credits
    credits_penalty: fields.Credits
    credits_expired: fields.Credits
    credits_forfeited: fields.Credits
    credits_revoked: fields.Credits
    credits_suspended: fields.Credits
    credits_transferred: fields.Credits
    credits_owed: fields.Credits
    calendars: Annotated[
        dict[str, int] | None,
        Meta(description="Credits asked by each calendar; null: one by every calendar."),
    ]
    cost_minor: fields.Cents
    currency: fields.Currency | None
    issued_at: fields.Time
    effective_at: fields.Time
    expires_at: Never


class CurrentPeriod(Struct, frozen=True, kw_only=True):
    """The period a membership is in."""

    number: int
    starts_at: fields.Time
    ends_at: fields.Time
    renews_at: fields.Time | None


class Entitlement(Struct, frozen=True, kw_only=True):
    """A contact's holding of a product."""

    id: fields.OtherRowId
    product_config_id: fields.ProductConfigId
    product_name: str
    type: Literal["package", "membership"]
    version: int
    status: EntitlementStatus
    credits_granted: fields.Credits
    credits_remaining: fields.Credits
    credits_held: fields.Credits
    starts_at: fields.Time
    expires_at: Never
    current_period: CurrentPeriod | None
    lots: list[Lot]


class Credits(Struct, frozen=True, kw_only=True):
    """What a contact has: `available` can be spent now, `paused` is unexpired but blocked."""

    available: fields.Credits
    held: fields.Credits
    expiring_within_30_days: fields.Credits
    paused: fields.Credits
    owed: fields.Credits


class Summary(Struct, frozen=True, kw_only=True):
    """A contact at one glance; of each list the latest five."""

    credits_available: fields.Credits
    last_paid_at: fields.Time | None
    lifetime_value_cents: Annotated[int, Meta(description="Paid less refunded, in all.")]
    payment_events_count: int
    entitlements: list[EntitlementSummary]
    recent_ledger: list[LedgerEntry]
    recent_appointments: list[Appointment]
    recent_payments: list[Payment]


class Period(Struct, frozen=True, kw_only=True):
    """A period of a membership that was granted."""

    membership_id: fields.OtherRowId
    product_config_id: fields.ProductConfigId
    number: int
    starts_at: fields.Time
    ends_at: fields.Time
    payment_id: fields.RowId | None
    lot_id: fields.RowId | None


class TimelineItem(Struct, frozen=True, kw_only=True):
    """
    Something that happened to a contact; `type` says which of the other keys are there.

    `ledger` has `entry`; `booking` has `appointment` and, unless it cost nothing, `entry`;
    `payment` has `payment`, `membership_period` has `period`; every other type has `details`.
    """

    type: str
    at: fields.Time
    entry: LedgerEntry | UnsetType = UNSET
    appointment: Appointment | UnsetType = UNSET
    payment: Payment | UnsetType = UNSET
    period: Period | UnsetType = UNSET
    entitlement_id: fields.OtherRowId | UnsetType | None = UNSET
    details: Any | UnsetType = UNSET
    source: str | UnsetType = UNSET
    actor: str | UnsetType = UNSET

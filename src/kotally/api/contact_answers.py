"""The answers of the contact reads, as they are published; the database builds them as JSON."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from kotally.api import fields
from kotally.api.call import Answer
from kotally.api.contact_shapes import (
    Appointment,
    Contact,
    Credits,
    Entitlement,
    EntitlementSummary,
    LedgerEntry,
    Payment,
    Summary,
    TimelineItem,
)

NextCursor = Annotated[
    str | None, Meta(description="Send it as `cursor` for the next page; null on the last one.")
]


class ContactLoaded(Answer, frozen=True, kw_only=True):
    """Show a contact."""

    contact: Contact


class SummaryLoaded(Answer, frozen=True, kw_only=True):
    """Show a contact at one glance."""

    contact: Contact
    summary: Summary


class CreditsLoaded(Answer, frozen=True, kw_only=True):
    """Show what a contact can spend, and from what."""

    contact_id: fields.RowId
    credits: Credits
    entitlements: list[EntitlementSummary]


class EntitlementsLoaded(Answer, frozen=True, kw_only=True):
    """List entitlements with their lots."""

    entitlements: list[Entitlement]
    next_cursor: NextCursor


class AppointmentsLoaded(Answer, frozen=True, kw_only=True):
    """List appointments."""

    appointments: list[Appointment]
    next_cursor: NextCursor


class LedgerLoaded(Answer, frozen=True, kw_only=True):
    """List ledger entries."""

    entries: list[LedgerEntry]
    next_cursor: NextCursor


class PaymentsLoaded(Answer, frozen=True, kw_only=True):
    """List payments."""

    payments: list[Payment]
    next_cursor: NextCursor


class TimelineLoaded(Answer, frozen=True, kw_only=True):
    """List what happened."""

    items: list[TimelineItem]
    next_cursor: NextCursor

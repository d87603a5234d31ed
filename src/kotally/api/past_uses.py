"""POST /entitlements/deduct-past: a class forgotten, by credits good at its time (S6.7)."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import UNSET, Meta, UnsetType

from kotally.api import fields
from kotally.api.call import Answer, Call, Reply, Request
from kotally.api.entitlements import NotEligible, Slice
from kotally.api.memberships import Preview
from kotally.api.outcomes import key_of, reply_to
from kotally.api.routing import Route
from kotally.bookings import overdue
from kotally.memberships import past_uses
from kotally.memberships.past_uses import Past


class PastUseRequest(Request, frozen=True, kw_only=True, omit_defaults=True):
    """Record a class that has been."""

    either = (fields.CONTACT, ("product_config_id", "calendar_id"))

    location_id: fields.LocationId
    request_id: fields.RequestId
    appointment_time: fields.Time
    reason: Annotated[
        str,
        Meta(min_length=1, max_length=fields.TEXT_LENGTH_MAX, description="Why only now."),
    ]
    external_contact_id: fields.ContactKey | None = None
    ghl_contact_id: fields.ContactKey | None = None
    product_config_id: fields.ProductConfigId | None = None
    calendar_id: fields.CalendarId | None = None
    amount: fields.Amount = 1
    external_ref: fields.ExternalRef | None = None
    preview: Preview = False


class PastClassRecorded(Answer, frozen=True, kw_only=True):
    """Say what was used, and what of it had expired."""

    contact_id: fields.RowId
    balance_after: fields.Credits
    credits: fields.Credits
    hold_id: fields.RowId
    credits_revived: fields.Credits
    slices: list[Slice]


class PastClassNotRecorded(NotEligible, frozen=True, kw_only=True):
    """Say why not."""

    credits_revived: fields.Credits | UnsetType = UNSET
    allowed: dict[str, Any] | UnsetType = UNSET


async def record(call: Call[PastUseRequest]) -> Reply:
    """Record a class that has been."""
    request = call.request
    key = key_of(call, "past class", request, request_id=request.request_id)
    past = Past(
        external_contact_id=request.external_contact_id or request.ghl_contact_id or "",
        appointment_at=request.appointment_time,
        reason=request.reason,
        units=request.amount,
        product_config_id=request.product_config_id,
        calendar_id=request.calendar_id,
        external_ref=request.external_ref,
    )
    await overdue.bring_up_to_date(call.engine.db, request.location_id, past.external_contact_id)
    outcome = await past_uses.record(
        call.engine.db, request.location_id, past=past, key=key, preview=request.preview
    )
    return reply_to(outcome, key.body)


ROUTES = (
    Route(
        method="POST",
        path="/entitlements/deduct-past",
        scope="adjust",
        request=PastUseRequest,
        handler=record,
        answer=PastClassRecorded,
        refusal=PastClassNotRecorded,
        codes=(
            "past_class_recorded",
            "CLASS_NOT_PAST",
            "NO_ENTITLEMENT",
            "INSUFFICIENT_CREDITS",
            "SERVICE_FAMILY_MISMATCH",
            "DUPLICATE_EVENT",
            "BILLING_SUSPENDED",
            "REQUEST_IN_PROGRESS",
            "IDEMPOTENCY_CONFLICT",
        ),
        tag="Corrections",
        summary="Record a class that has been",
        description=(
            "Uses credits that were good at its time; what has expired of them since comes back "
            "for that amount."
        ),
        example={
            "location_id": "loc_1",
            "request_id": "req_1031",
            "external_contact_id": "ghl_contact_123",
            "calendar_id": "cal_1",
            "appointment_time": "2026-04-16T09:30:00.000Z",
            "reason": "Was not scanned",
        },
    ),
)

"""
Hold the only table of reason codes: what each means, and what the caller does about it.

The page `docs/reasons.md`, `GET /api/v2/reasons` and the OpenAPI document are made from it.
"""

from __future__ import annotations

from kotally.api import (
    booking_reasons,
    freeze_reasons,
    location_reasons,
    membership_reasons,
    money_reasons,
    product_reasons,
    sharing_reasons,
)
from kotally.api.reason import Reason, done, failed, refused

_CATALOGUE = (
    done("grant_applied", "The credits were granted."),
    done("eligible", "The contact can pay for this now."),
    done("deducted", "The credits were taken."),
    done("restored", "The credits of an earlier deduction were given back."),
    done("held", "The credits are reserved for the booking."),
    done("captured", "The reserved credits were taken."),
    done("released", "The reserved credits are free again."),
    done(
        "batch_handled",
        "Every operation of the batch was tried, in order.",
        "Read the outcome of each operation in `results`.",
    ),
    done("clock_advanced", "The sandbox's clock was moved."),
    done("contact_loaded", "The contact was read."),
    done("summary_loaded", "The contact's summary was read."),
    done("credits_loaded", "The contact's credits were read."),
    done("entitlements_loaded", "The contact's entitlements were read."),
    done("appointments_loaded", "The contact's appointments were read."),
    done("ledger_loaded", "The ledger entries were read, newest first."),
    done("payments_loaded", "The contact's payments were read, newest first."),
    done("timeline_loaded", "The contact's timeline was read, newest first."),
    done("contacts_loaded", "The contacts of the location were read, newest first."),
    done("products_loaded", "The product configs of the location were read."),
    done("reasons_loaded", "The catalogue of reason codes was read."),
    refused(
        "NO_ENTITLEMENT",
        "The contact has nothing that could pay for this, or is not known here.",
        "Check the contact's id, or grant the contact a product that covers this; then try again "
        "with a new request_id.",
    ),
    refused(
        "INSUFFICIENT_CREDITS",
        "What could pay for this holds too few credits.",
        "Grant more credits or ask for a smaller amount, then try again with a new request_id.",
    ),
    refused(
        "SERVICE_FAMILY_MISMATCH",
        "The contact has credits, but none for this calendar or product.",
        "Check calendar_id and product_config_id, or grant a product that covers them.",
    ),
    refused(
        "CONFIG_NOT_FOUND",
        "There is no such active product config in this location.",
        "Use the id of an active product config of this location.",
    ),
    refused(
        "CANCELLATION_WINDOW_EXPIRED",
        "The restore was asked for after the cancellation window had closed.",
        "Nothing is given back; a correction can be made by an adjustment.",
    ),
    refused(
        "DUPLICATE_EVENT",
        "This payment or booking was already handled under another request_id.",
        "Use the ids in this answer: they belong to what was done the first time.",
    ),
    refused(
        "BILLING_SUSPENDED",
        "The workspace's own billing is suspended; reads, exports and restores still work.",
        "Settle the workspace's bill, then try again with a new request_id.",
    ),
    refused(
        "NOTHING_TO_RESTORE",
        "No deduction is left that could be given back.",
        "Check external_ref, or the contact and product the credits were taken for; "
        "`owner_contact_id`, if given, is whose credits paid.",
    ),
    refused(
        "CLOCK_NOT_ADVANCED",
        "The clock of this location cannot be moved there.",
        "Only a sandbox has a clock of its own, and it only goes forward.",
    ),
    refused(
        "ALREADY_RESTORED",
        "This deduction was given back before.",
        "Do nothing: the credits are back already.",
    ),
    refused(
        "ENTITLEMENT_PAUSED",
        "This entitlement is paused and cannot pay now; named in `explain` only.",
        "Resume the entitlement, or use another one.",
    ),
    refused(
        "ENTITLEMENT_EXPIRED",
        "This entitlement has expired; named in `explain` only.",
        "Grant a new one.",
    ),
    refused(
        "EXPIRES_BEFORE_APPOINTMENT",
        "This entitlement ends before the appointment; named in `explain` only.",
        "Book an earlier time, or grant an entitlement that lasts longer.",
    ),
    refused(
        "STARTS_AFTER_APPOINTMENT",
        "This entitlement begins after the appointment; named in `explain` only.",
        "Book a later time, or use another entitlement.",
    ),
    refused(
        "OTHER_PRODUCT",
        "This entitlement is of another product than was asked for; named in `explain` only.",
        "Leave product_config_id out, or use this entitlement's own.",
    ),
    refused(
        "EXHAUSTED",
        "Nothing is left of this entitlement's credits; named in `explain` only.",
        "Grant more credits, or use another entitlement.",
    ),
    refused(
        "HOLD_NOT_FOUND",
        "There is no such hold in this location.",
        "Use the hold_id of the answer that placed the hold.",
    ),
    refused(
        "HOLD_ALREADY_CLOSED",
        "This hold was already captured, released or has lapsed.",
        "Place a new hold, or deduct directly.",
    ),
    refused(
        "BATCH_REFUSED",
        "One operation of an all-or-nothing batch was refused, so nothing was done.",
        "Correct the operation that `results` names, then send the batch again: nothing of it is "
        "remembered, so its request_ids are as good as new.",
    ),
    *booking_reasons.REASONS,
    *membership_reasons.REASONS,
    *freeze_reasons.REASONS,
    *location_reasons.REASONS,
    *product_reasons.REASONS,
    *money_reasons.REASONS,
    *sharing_reasons.REASONS,
    failed(
        400,
        "VALIDATION_ERROR",
        "The request is malformed; nothing was written.",
        remedy="Correct the fields that `errors` names and send the request again.",
    ),
    failed(
        401,
        "UNAUTHORIZED",
        "The token is missing, malformed, unknown, expired or deactivated.",
        remedy="Send the header `Authorization: Bearer ktly_…` with the token of an active client.",
    ),
    failed(
        403,
        "INSUFFICIENT_SCOPE",
        "The token does not carry the scope this endpoint needs.",
        remedy="Use a client that was created with this endpoint's scope.",
    ),
    failed(
        403,
        "LOCATION_MISMATCH",
        "The token is bound to another location than the location_id sent.",
        remedy="Send the location_id the token was created for, or use that location's token.",
    ),
    failed(
        403,
        "LOCATION_INACTIVE",
        "The token's location is pending or disconnected.",
        remedy="Activate the location, then try again.",
    ),
    failed(
        404,
        "NOT_FOUND",
        "There is no such route, or no such thing in this location.",
        remedy="Check the path and the id in it.",
    ),
    failed(
        405,
        "METHOD_NOT_ALLOWED",
        "This path exists, but not with this method.",
        remedy="Use a method that the Allow header names.",
    ),
    failed(
        408,
        "REQUEST_TIMEOUT",
        "The body of the request did not arrive in time; nothing was written.",
        remedy="Send the request again, in one go.",
        retryable=True,
    ),
    failed(
        409,
        "REQUEST_IN_PROGRESS",
        "A request with this request_id is still running.",
        remedy="Wait as long as Retry-After says, then send the same request again.",
        retryable=True,
    ),
    failed(
        409,
        "IDEMPOTENCY_CONFLICT",
        "This request_id was used before for another payload or operation; nothing was written.",
        remedy="Send a new request_id, or exactly the payload of the first time.",
    ),
    failed(
        413,
        "PAYLOAD_TOO_LARGE",
        "The body is larger than 1 MiB; nothing was written.",
        remedy="Send a smaller body, for example several smaller batches.",
    ),
    failed(
        415,
        "UNSUPPORTED_MEDIA_TYPE",
        "The body is not plain JSON; nothing was written.",
        remedy="Send JSON in UTF-8, uncompressed, with `Content-Type: application/json`.",
    ),
    failed(
        429,
        "RATE_LIMITED",
        "Too many requests came in too short a time.",
        remedy="Wait as long as Retry-After says, then send the same request again.",
        retryable=True,
    ),
    failed(
        500,
        "INTERNAL_ERROR",
        "Something failed on our side.",
        remedy="Send the same request_id again: it tells what was done. "
        "If it fails again, report the correlation_id.",
        retryable=True,
    ),
    failed(
        503,
        "UNAVAILABLE",
        "The service cannot work at the moment.",
        remedy="Wait as long as Retry-After says, then send the same request_id again.",
        retryable=True,
    ),
)

REASONS: dict[str, Reason] = {reason.code: reason for reason in _CATALOGUE}
"""Every reason code, in the order of publication."""

STATUS: dict[str, int] = {reason.code: reason.status for reason in _CATALOGUE}
"""The HTTP status of every reason code."""


_BY_OPERATION: dict[tuple[str | None, str], str] = {
    ("check", "NO_ENTITLEMENT"): (
        "The contact has nothing that could pay for this, or is not known here. Check the "
        "contact's id, or grant the contact a product that covers this."
    ),
    ("check", "INSUFFICIENT_CREDITS"): (
        "What could pay for this holds too few credits. Grant more credits, or ask for a smaller "
        "amount."
    ),
    ("grant", "PERIOD_PAID_AHEAD"): (
        "The payment is kept, but the upgrade it is for could not be applied: the next period is "
        "paid already, so none can start anew until the time in this answer. Somebody has to look "
        "at it: it is in the work queue, to be refunded or to be applied by another strategy."
    ),
    ("restore", "NO_ENTITLEMENT"): (
        "No contact of this location has that id, so there is nothing to give back. Send the "
        "contact's id that the deduction was made with."
    ),
}

WHOLE = "whole"
_ANEW = " with a new request_id"
# What stopped an all-or-nothing batch is not remembered: no operation needs a new request_id.
_IN_ONE_PIECE: dict[tuple[str | None, str], str] = {
    (WHOLE, code): f"{reason.meaning} {reason.remedy.replace(_ANEW, '')}"
    for code, reason in REASONS.items()
    if _ANEW in reason.remedy
}
OWN_WORDS: dict[tuple[str | None, str], str] = _BY_OPERATION | _IN_ONE_PIECE
"""What an operation says of a code where the catalogue's words, made for all, do not fit it."""


def sentence(code: str, operation: str | None = None) -> str:
    """Say what happened and what to do, in plain English."""
    reason = REASONS[code]
    return OWN_WORDS.get((operation, code)) or f"{reason.meaning} {reason.remedy}"

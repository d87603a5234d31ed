"""POST /entitlements/…: check, deduct, restore."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from kotally.api import fields
from kotally.api.call import Answer, Call, Invalid, Refusal, Reply, Request
from kotally.api.outcomes import act_of, reply_to
from kotally.api.routing import Route
from kotally.bookings import lending, overdue
from kotally.ledger.acts import Act

Verdict = Literal[
    "eligible",
    "ENTITLEMENT_PAUSED",
    "ENTITLEMENT_EXPIRED",
    "EXPIRES_BEFORE_APPOINTMENT",
    "STARTS_AFTER_APPOINTMENT",
    "CONFIG_NOT_FOUND",
    "OTHER_PRODUCT",
    "SERVICE_FAMILY_MISMATCH",
    "CAP_REACHED",
    "EXHAUSTED",
]


class CreditRequest(Request, frozen=True, kw_only=True, omit_defaults=True):
    """Name a contact, what is booked, and how much of it."""

    either = (fields.CONTACT, ("product_config_id", "calendar_id"))

    location_id: fields.LocationId
    external_contact_id: fields.ContactKey | None = None
    ghl_contact_id: fields.ContactKey | None = None
    product_config_id: fields.ProductConfigId | None = None
    calendar_id: fields.CalendarId | None = None
    amount: fields.Amount = 1
    appointment_time: fields.Time | None = None


class CheckRequest(CreditRequest, frozen=True, kw_only=True, omit_defaults=True):
    """Ask what a deduction would come to."""

    explain: Annotated[
        bool, Meta(description="Say of every plan and lot whether it could pay, and why not.")
    ] = False
    beneficiary_contact_id: Annotated[
        fields.ContactKey | None,
        Meta(description="Who would come instead; the contact must share credits with them."),
    ] = None

    def __post_init__(self) -> None:
        """Refuse to explain what is said of the contact's own use for somebody else's."""
        super().__post_init__()
        if self.explain and self.beneficiary_contact_id is not None:
            raise Invalid("explain", "tells of the contact's own use; leave out who else comes")


class DeductRequest(CreditRequest, frozen=True, kw_only=True, omit_defaults=True):
    """Take credits, under a name that makes it happen once."""

    request_id: fields.RequestId
    external_ref: fields.ExternalRef | None = None


class RestoreRequest(DeductRequest, frozen=True, kw_only=True, omit_defaults=True):
    """Give back a deduction: that of the booking named, else the newest that fits."""


class Slice(Struct, frozen=True):
    """A part of a deduction that one lot pays."""

    entitlement_id: fields.OtherRowId
    lot_id: fields.RowId
    amount: fields.Credits


class Considered(Struct, frozen=True):
    """A plan or a lot that was considered, and the verdict on it."""

    lot_id: Annotated[
        fields.RowId | None, Meta(description="None of an unlimited or capped plan: it has no lot.")
    ]
    entitlement_id: fields.OtherRowId
    product_config_id: str
    verdict: Annotated[Verdict, Meta(description="`eligible`, or why it cannot pay.")]
    available: fields.Credits | None
    credits_per_unit: fields.Credits | None
    effective_at: fields.Time
    expires_at: fields.Time | None
    fix: Annotated[str | None, Meta(description="The nearest way to make it pay.")]


class CapUsage(Struct, frozen=True, kw_only=True):
    """A cap of a plan, how much of it is booked, and the window that counts."""

    entitlement_id: fields.OtherRowId
    window: Annotated[str, Meta(description="day, week, month, period or rolling.")]
    count: int
    used: int
    from_: Annotated[fields.Time | None, Meta(description="None: since ever.")] = field(name="from")
    until: fields.Time | None


class Eligible(Answer, frozen=True, kw_only=True):
    """Say that the contact can pay, and from what."""

    balance_after: fields.Credits
    credits: fields.Credits | UnsetType = UNSET
    cancel_free_until: fields.Time | UnsetType | None = UNSET
    valid_as_of: fields.Time | UnsetType = UNSET
    funding: list[Slice] | UnsetType = UNSET
    caps: Annotated[
        list[CapUsage] | UnsetType, Meta(description="How the caps of the plans stand at the time.")
    ] = UNSET
    explain: list[Considered] | UnsetType = UNSET


class NotEligible(Refusal, frozen=True, kw_only=True):
    """Say that the contact cannot pay, and how many credits are missing."""

    balance_after: fields.Credits | UnsetType = UNSET
    short_by: Annotated[
        fields.Credits | UnsetType, Meta(description="With INSUFFICIENT_CREDITS: how many more.")
    ] = UNSET
    detail: Annotated[
        str | UnsetType, Meta(description="When the product asked for is not one of the location.")
    ] = UNSET
    cap: CapUsage | UnsetType = UNSET
    explain: list[Considered] | UnsetType = UNSET
    owner_contact_id: Annotated[
        str | UnsetType, Meta(description="Of a restore: whose credits paid; name that contact.")
    ] = UNSET


class NotRestored(NotEligible, frozen=True, kw_only=True):
    """Say why nothing was given back now, and what was before."""

    entitlement_id: fields.OtherRowId | UnsetType | None = UNSET
    contact_id: fields.RowId | UnsetType = UNSET
    hold_id: fields.RowId | UnsetType = UNSET
    credits_restored: Annotated[
        fields.Credits | UnsetType, Meta(description="With ALREADY_RESTORED: in all, so far.")
    ] = UNSET
    cancel_free_until: fields.Time | UnsetType | None = UNSET
    cancelled_at: fields.Time | UnsetType = UNSET


class Deducted(Answer, frozen=True, kw_only=True):
    """Say what was taken from where, and what is left."""

    balance_after: fields.Credits
    entitlement_id: fields.OtherRowId
    contact_id: fields.RowId | UnsetType = UNSET
    hold_id: fields.RowId | UnsetType = UNSET
    credits: fields.Credits | UnsetType = UNSET
    slices: list[Slice] | UnsetType = UNSET


class Restored(Answer, frozen=True, kw_only=True):
    """Say what was given back, and what the contact has now."""

    balance_after: fields.Credits
    entitlement_id: fields.OtherRowId
    contact_id: fields.RowId | UnsetType = UNSET
    hold_id: fields.RowId | UnsetType = UNSET
    credits_restored: fields.Credits | UnsetType = UNSET
    credits_expired: fields.LostCredits | UnsetType = UNSET
    cancel_free_until: fields.Time | UnsetType | None = UNSET


async def check(call: Call[CheckRequest]) -> Reply:
    """Say what a deduction would come to; changes nothing (S3.6)."""
    engine, request = call.engine, call.request
    args = '{"explain":true}' if request.explain else None
    if request.beneficiary_contact_id is not None:
        args = await lending.args_for(
            engine.db, request.location_id, request.beneficiary_contact_id
        )
        if args is None:
            return call.refuse("CONTACT_NOT_FOUND")
    outcome = await overdue.check(
        engine.db, engine.checks, request.location_id, act=act_of(call, "check", request, args=args)
    )
    return reply_to(outcome, None, operation="check")


async def deduct(call: Call[DeductRequest]) -> Reply:
    """Take credits."""
    return await submitted(call, act_of(call, "deduct", call.request))


async def submitted(call: Call[Any], act: Act) -> Reply:
    """Carry out an act and answer with what came of it."""
    engine, location_id = call.engine, call.request.location_id
    return reply_to(await overdue.submit(engine.db, engine.writer, location_id, act=act), act.body)


async def restore(call: Call[RestoreRequest]) -> Reply:
    """Give back a deduction."""
    engine, act = call.engine, act_of(call, "restore", call.request)
    outcome = await overdue.submit(engine.db, engine.writer, call.request.location_id, act=act)
    return reply_to(outcome, act.body, operation="restore")


_TAKING = ("NO_ENTITLEMENT", "INSUFFICIENT_CREDITS", "SERVICE_FAMILY_MISMATCH", "CAP_REACHED")
_ONCE = ("REQUEST_IN_PROGRESS", "IDEMPOTENCY_CONFLICT")
_EXAMPLE: dict[str, Any] = {
    "location_id": "loc_1",
    "external_contact_id": "ghl_contact_123",
    "product_config_id": "pc_package_1",
    "amount": 1,
}
_BOOKING: dict[str, Any] = {
    "external_ref": "appt_789",
    "appointment_time": "2026-12-01T10:00:00.000Z",
}

ROUTES = (
    Route(
        method="POST",
        path="/entitlements/check-eligibility",
        scope="check",
        request=CheckRequest,
        handler=check,
        answer=Eligible,
        refusal=NotEligible,
        codes=("eligible", "CONTACT_NOT_FOUND", *_TAKING),
        tag="Credits",
        summary="Check whether a contact can pay",
        description=(
            "The same decision a deduction makes, without making it: nothing is locked or changed. "
            "With `explain` every plan and lot considered is listed with the reason against it."
        ),
        example=_EXAMPLE,
    ),
    Route(
        method="POST",
        path="/entitlements/deduct",
        scope="deduct",
        request=DeductRequest,
        handler=deduct,
        answer=Deducted,
        refusal=NotEligible,
        codes=("deducted", *_TAKING, "DUPLICATE_EVENT", "BILLING_SUSPENDED", *_ONCE),
        tag="Credits",
        summary="Deduct credits for a booking",
        description=(
            "All or nothing, from the lots that expire first. `balance_after` is what the contact "
            "has left; `slices` say which lots paid."
        ),
        example=_EXAMPLE | {"request_id": "req_1002"} | _BOOKING,
    ),
    Route(
        method="POST",
        path="/entitlements/restore",
        scope="restore",
        request=RestoreRequest,
        handler=restore,
        answer=Restored,
        refusal=NotRestored,
        codes=(
            "restored",
            "NO_ENTITLEMENT",
            "CANCELLATION_WINDOW_EXPIRED",
            "NOTHING_TO_RESTORE",
            "ALREADY_RESTORED",
            *_ONCE,
        ),
        tag="Credits",
        summary="Give back a deduction",
        description=(
            "Returns the credits to the lots they came from, if the booking is cancelled in time. "
            "The deduction is found by `external_ref`, else it is the newest of that contact and "
            "product or calendar with enough left to give back."
        ),
        example=_EXAMPLE | {"request_id": "req_1003"} | _BOOKING,
    ),
)

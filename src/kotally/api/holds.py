"""POST /holds: reserve at booking, settle at attendance (S2)."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from kotally.api import fields
from kotally.api.call import Answer, Call, Invalid, Reply, Request
from kotally.api.entitlements import DeductRequest, NotEligible, Slice, submitted
from kotally.api.outcomes import act_of, key_of
from kotally.api.routing import Route
from kotally.ledger import holds
from kotally.ledger.acts import Act, act

TTL_SECONDS_MAX = 86_400
_encode = msgspec.json.Encoder().encode


class HoldRequest(DeductRequest, frozen=True, kw_only=True, omit_defaults=True):
    """Reserve credits for a booking, or for a short while at a checkout."""

    ttl_seconds: (
        Annotated[
            int,
            Meta(
                ge=1,
                le=TTL_SECONDS_MAX,
                description="When nobody settles it, release it after this time; at most a day.",
            ),
        ]
        | None
    ) = None


class SettleRequest(Request, frozen=True, kw_only=True, omit_defaults=True):
    """End a hold."""

    location_id: fields.LocationId
    request_id: fields.RequestId


class CaptureRequest(SettleRequest, frozen=True, kw_only=True, omit_defaults=True):
    """Use up a hold, in whole or in part."""

    amount: Annotated[
        fields.Amount | None, Meta(description="Units used; all that was booked if left out.")
    ] = None


class Held(Answer, frozen=True, kw_only=True):
    """Say what is reserved, and from where."""

    balance_after: fields.Credits
    entitlement_id: fields.OtherRowId
    contact_id: fields.RowId
    hold_id: fields.RowId
    credits: fields.Credits
    slices: list[Slice]


class Captured(Answer, frozen=True, kw_only=True):
    """Say what was used up, and what went back."""

    balance_after: fields.Credits
    contact_id: fields.RowId
    hold_id: fields.RowId
    credits_captured: fields.Credits
    credits_released: fields.Credits
    credits_expired: fields.LostCredits


class Released(Answer, frozen=True, kw_only=True):
    """Say what went back."""

    balance_after: fields.Credits
    contact_id: fields.RowId
    hold_id: fields.RowId
    credits_released: fields.Credits
    credits_expired: fields.LostCredits


class NotSettled(NotEligible, frozen=True, kw_only=True):
    """Say why the hold was not ended, and how it ended before."""

    hold_id: fields.RowId | UnsetType = UNSET
    status: str | UnsetType = UNSET


def hold_act(call: Call[Any], request: HoldRequest) -> Act:
    """Make the act of a hold."""
    args = None
    if request.ttl_seconds is not None:
        args = _encode({"ttl_seconds": request.ttl_seconds}).decode()
    return act_of(call, "hold", request, args=args)


async def place(call: Call[HoldRequest]) -> Reply:
    """Reserve credits."""
    return await submitted(call, hold_act(call, call.request))


async def capture(call: Call[CaptureRequest]) -> Reply:
    """Use up a hold."""
    return await _settle(call, "capture", amount=call.request.amount)


async def release(call: Call[SettleRequest]) -> Reply:
    """Give a hold back."""
    return await _settle(call, "release", amount=None)


async def _settle(call: Call[Any], operation: Any, *, amount: int | None) -> Reply:  # noqa: ANN401 - a literal of Operation
    request, engine = call.request, call.engine
    hold_id = _hold_id(call)
    contact = await holds.contact_of(engine.db, request.location_id, hold_id)
    if contact is None:
        return call.refuse("HOLD_NOT_FOUND")
    key = key_of(call, f"{operation} {hold_id}", request, request_id=request.request_id)
    act_ = act(operation, key, external_contact_id=contact, hold_id=hold_id, amount=amount)
    return await submitted(call, act_)


def _hold_id(call: Call[Any]) -> UUID:
    try:
        return UUID(call.path["id"])
    except ValueError as fault:
        raise Invalid("id", "must be the hold_id of an earlier answer, a uuid") from fault


_TAKING = ("NO_ENTITLEMENT", "INSUFFICIENT_CREDITS", "SERVICE_FAMILY_MISMATCH", "CAP_REACHED")
_ONCE = ("REQUEST_IN_PROGRESS", "IDEMPOTENCY_CONFLICT")
_ENDED = ("HOLD_NOT_FOUND", "HOLD_ALREADY_CLOSED", *_ONCE)
_EXAMPLE = {"location_id": "loc_1", "request_id": "req_1004"}

ROUTES = (
    Route(
        method="POST",
        path="/holds",
        scope="hold",
        request=HoldRequest,
        handler=place,
        answer=Held,
        refusal=NotEligible,
        codes=("held", *_TAKING, "DUPLICATE_EVENT", "BILLING_SUSPENDED", *_ONCE),
        tag="Holds",
        summary="Reserve credits",
        description=(
            "Chooses the lots as a deduction does and sets the credits aside until the hold is "
            "captured or released. Held credits do not expire."
        ),
    ),
    Route(
        method="POST",
        path="/holds/{id}/capture",
        scope="hold",
        request=CaptureRequest,
        handler=capture,
        answer=Captured,
        refusal=NotSettled,
        codes=(
            "captured",
            "NO_ENTITLEMENT",
            "INSUFFICIENT_CREDITS",
            "SERVICE_FAMILY_MISMATCH",
            "BILLING_SUSPENDED",
            *_ENDED,
        ),
        tag="Holds",
        summary="Use up a hold",
        description=(
            "For less than was held, the rest goes back; for more, the difference is taken first "
            "like a deduction."
        ),
        example=_EXAMPLE,
    ),
    Route(
        method="POST",
        path="/holds/{id}/release",
        scope="hold",
        request=SettleRequest,
        handler=release,
        answer=Released,
        refusal=NotSettled,
        codes=("released", *_ENDED),
        tag="Holds",
        summary="Release a hold",
        description="Gives all of it back to the lots it came from.",
        example=_EXAMPLE,
    ),
)

"""POST /shares and GET /contacts/{id}/shares: who may use a member's credits (S12.4)."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from kotally.api import fields
from kotally.api.call import Answer, Call, Decided, Refusal, Reply, Request
from kotally.api.company import Phone
from kotally.api.contacts import Look, unknown_contact
from kotally.api.outcomes import key_of, reply_to
from kotally.api.refunds import Preview
from kotally.api.routing import Route
from kotally.bookings.meeting import Somebody
from kotally.payments import sharing

_WHICH = "Only this entitlement; all that can be shared if left out."


class EndShareRequest(Request, frozen=True, kw_only=True, omit_defaults=True):
    """Name an owner and a user."""

    location_id: fields.LocationId
    request_id: fields.RequestId
    owner_contact_id: fields.ContactKey
    user_contact_id: fields.ContactKey
    entitlement_id: Annotated[fields.OtherRowId | None, Meta(description=_WHICH)] = None
    preview: Preview = False


class ShareRequest(EndShareRequest, frozen=True, kw_only=True, omit_defaults=True):
    """Let somebody use credits; with a name, e-mail or phone somebody new becomes a contact."""

    email: fields.Email | None = None
    name: fields.Name | None = None
    phone: Phone | None = None


class Shared(Answer, frozen=True, kw_only=True):
    """Say who may use whose credits."""

    owner_id: fields.RowId
    user_id: fields.OtherRowId
    entitlement_id: fields.OtherRowId | None
    share_id: fields.RowId | UnsetType = UNSET


class NotShared(Refusal, frozen=True, kw_only=True):
    """Say why not, and of how many people."""

    contact: str | UnsetType = UNSET
    contact_id: fields.OtherRowId | UnsetType = UNSET
    owner_id: fields.RowId | UnsetType = UNSET
    user_id: fields.OtherRowId | UnsetType = UNSET
    entitlement_id: fields.OtherRowId | UnsetType = UNSET
    users: int | UnsetType = UNSET
    allowed: int | UnsetType = UNSET


class Share(Struct, frozen=True, kw_only=True):
    """A right to use somebody's credits; `uses` are those that were not given back."""

    share_id: fields.RowId
    owner_id: fields.RowId
    owner_contact_id: fields.ContactKey
    owner_name: str | None
    user_id: fields.OtherRowId
    user_contact_id: fields.ContactKey
    user_name: str | None
    entitlement_id: fields.OtherRowId | None
    since: fields.Time
    uses: int


class SharesLoaded(Answer, frozen=True, kw_only=True):
    """Say who may use the contact's credits, and whose the contact may use."""

    contact_id: fields.RowId
    users: list[Share]
    owners: list[Share]


async def share(call: Call[ShareRequest]) -> Reply:
    """Let somebody use credits."""
    request = call.request
    key = key_of(call, "share", request, request_id=request.request_id)
    user = Somebody(
        reference=request.user_contact_id,
        email=request.email,
        name=request.name,
        phone=request.phone,
    )
    outcome = await sharing.share(
        call.engine.db,
        request.location_id,
        request.owner_contact_id,
        user=user,
        entitlement_id=request.entitlement_id,
        key=key,
        preview=request.preview,
    )
    return reply_to(outcome, key.body)


async def end(call: Call[EndShareRequest]) -> Reply:
    """Let somebody use credits no more."""
    request = call.request
    key = key_of(call, "unshare", request, request_id=request.request_id)
    outcome = await sharing.unshare(
        call.engine.db,
        request.location_id,
        request.owner_contact_id,
        user=request.user_contact_id,
        entitlement_id=request.entitlement_id,
        key=key,
        preview=request.preview,
    )
    return reply_to(outcome, key.body)


async def listed(call: Call[Look]) -> Reply:
    """List who may use a contact's credits, and whose the contact may use."""
    found = await sharing.shares_of(call.engine.db, call.request.location_id, call.path["id"])
    if found is None:
        return unknown_contact(call)
    return Decided("shares_loaded", call.correlation_id, found)


_ONCE = ("REQUEST_IN_PROGRESS", "IDEMPOTENCY_CONFLICT")
_TAG = "Sharing and guests"
_EXAMPLE = {
    "location_id": "loc_1",
    "request_id": "req_1041",
    "owner_contact_id": "ghl_contact_123",
    "user_contact_id": "ghl_contact_456",
}

ROUTES = (
    Route(
        method="POST",
        path="/shares",
        scope="adjust",
        request=ShareRequest,
        handler=share,
        answer=Shared,
        refusal=NotShared,
        codes=(
            "shared",
            "CONTACT_NOT_FOUND",
            "SHARE_WITH_SELF",
            "SHARE_CYCLE",
            "NOT_SHAREABLE",
            "SHARE_LIMIT_REACHED",
            *_ONCE,
        ),
        tag=_TAG,
        summary="Let somebody use a member's credits",
        description=(
            "Of products that can be shared, as far as they allow so many people. Sharing goes one "
            "way and not on to others; who may do so already stays where they are."
        ),
        example=_EXAMPLE | {"name": "Leo Example"},
    ),
    Route(
        method="POST",
        path="/shares/end",
        scope="adjust",
        request=EndShareRequest,
        handler=end,
        answer=Shared,
        refusal=NotShared,
        codes=("unshared", "CONTACT_NOT_FOUND", "NOT_SHARED", *_ONCE),
        tag=_TAG,
        summary="Let somebody use them no more",
        description="Bookings that were made stay, and are paid as they were.",
        example=_EXAMPLE,
    ),
    Route(
        method="GET",
        path="/contacts/{id}/shares",
        scope="summary",
        request=Look,
        handler=listed,
        answer=SharesLoaded,
        codes=("shares_loaded", "NOT_FOUND"),
        tag=_TAG,
        summary="List who may use whose credits",
        description="Both ways, who was named first first.",
    ),
)

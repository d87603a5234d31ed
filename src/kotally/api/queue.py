"""GET /work-items and POST /work-items/{id}/…: what a person has to look at."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from kotally.api import fields
from kotally.api.call import Answer, Call, Invalid, Refusal, Reply, Request
from kotally.api.contact_answers import NextCursor
from kotally.api.listings import Listing, ListRequest
from kotally.api.memberships import Preview
from kotally.api.outcomes import key_of, reply_to
from kotally.api.routing import Route
from kotally.workspaces import work_items

Status = Literal["open", "resolved", "dismissed"]
_ITEMS = Listing("work_items_loaded", "work_items", work_items.After)


class WorkItemsRequest(ListRequest, frozen=True, kw_only=True):
    """Ask for the work queue."""

    status: Annotated[
        Literal["open", "settled", "all"], Meta(description="Which; the open ones if left out.")
    ] = "open"
    kind: work_items.Kind | None = None


class WorkItem(Struct, frozen=True, kw_only=True):
    """Something that a person has to look at."""

    id: fields.RowId
    kind: Annotated[
        work_items.Kind,
        Meta(
            description=(
                "billing_drift: a charge did not follow a freeze, or is for something that could "
                "not be done; `details.reason` says which. same_sale: a payment was taken "
                "for the one that another provider had told. strikes_reached: late cancellations "
                "or absences have reached the number at which the plan asks for a look."
            )
        ),
    ]
    status: Status
    contact_id: fields.OtherRowId
    external_contact_id: str
    entitlement_id: fields.OtherRowId | None
    details: dict[str, Any]
    raised_at: fields.Time
    settled_at: fields.Time | None
    settled_by: str | None
    note: str | None


class WorkItemsLoaded(Answer, frozen=True, kw_only=True):
    """List the work queue."""

    work_items: list[WorkItem]
    next_cursor: NextCursor


class WorkItemRequest(Request, frozen=True, kw_only=True, omit_defaults=True):
    """Say what became of an item."""

    location_id: fields.LocationId
    request_id: fields.RequestId
    note: Annotated[
        str,
        Meta(min_length=1, max_length=fields.TEXT_LENGTH_MAX, description="What was done, or why."),
    ]
    preview: Preview = False


class WorkItemSettled(Answer, frozen=True, kw_only=True):
    """Say how an item stands."""

    work_item_id: fields.RowId
    kind: work_items.Kind
    status: Status
    settled_at: fields.Time
    contact_id: fields.OtherRowId


class WorkItemNotSettled(Refusal, frozen=True, kw_only=True):
    """Say why not, and how it was settled before."""

    work_item_id: fields.RowId | UnsetType = UNSET
    kind: work_items.Kind | UnsetType = UNSET
    status: Status | UnsetType = UNSET
    settled_at: fields.Time | UnsetType = UNSET


async def listed(call: Call[WorkItemsRequest]) -> Reply:
    """List the work queue."""
    request = call.request
    read = partial(
        work_items.listed,
        call.engine.db,
        request.location_id,
        status=request.status,
        kind=request.kind,
    )
    whose = f"{request.status} {request.kind}"
    return await _ITEMS.answer(call, read, whose) or _ITEMS.nothing(call)


async def resolve(call: Call[WorkItemRequest]) -> Reply:
    """Say that something was done about an item."""
    return await _settle(call, "resolved")


async def dismiss(call: Call[WorkItemRequest]) -> Reply:
    """Say that nothing has to be done about an item."""
    return await _settle(call, "dismissed")


async def _settle(call: Call[WorkItemRequest], outcome: work_items.Settled) -> Reply:
    request = call.request
    try:
        id_ = UUID(call.path["id"])
    except ValueError as fault:
        raise Invalid("id", "must be the id of a work item, a uuid") from fault
    key = key_of(call, f"{outcome} work item {id_}", request, request_id=request.request_id)
    done = await work_items.settle(
        call.engine.db,
        request.location_id,
        id_,
        outcome=outcome,
        note=request.note,
        key=key,
        preview=request.preview,
    )
    return reply_to(done, key.body)


_CODES = (
    "work_item_settled",
    "WORK_ITEM_NOT_FOUND",
    "WORK_ITEM_ALREADY_SETTLED",
    "REQUEST_IN_PROGRESS",
    "IDEMPOTENCY_CONFLICT",
)
_EXAMPLE = {"location_id": "loc_1", "request_id": "req_1040", "note": "Talked to the member."}

ROUTES = (
    Route(
        method="GET",
        path="/work-items",
        scope="summary",
        request=WorkItemsRequest,
        handler=listed,
        answer=WorkItemsLoaded,
        codes=("work_items_loaded",),
        tag="Work queue",
        summary="List what a person has to look at",
        description="The newest first; the open ones, unless asked otherwise.",
    ),
    *(
        Route(
            method="POST",
            path=f"/work-items/{{id}}/{verb}",
            scope="adjust",
            request=WorkItemRequest,
            handler=handler,
            answer=WorkItemSettled,
            refusal=WorkItemNotSettled,
            codes=_CODES,
            tag="Work queue",
            summary=summary,
            description="Once; the note stays with it and on the contact's timeline.",
            example=_EXAMPLE,
        )
        for verb, handler, summary in (
            ("resolve", resolve, "Say that something was done about it"),
            ("dismiss", dismiss, "Say that nothing has to be done about it"),
        )
    ),
)

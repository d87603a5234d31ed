"""POST /closures and POST /lots/{id}/extend: credits that live longer (S6.7)."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta

from kotally.api import fields
from kotally.api.call import Call, Invalid, Reply, Request
from kotally.api.dates import LocalDate, check_dates
from kotally.api.freeze_answers import ClosureShown, ExpiryExtended, ExpiryNotMoved
from kotally.api.memberships import Preview
from kotally.api.outcomes import key_of, reply_to
from kotally.api.routing import Route
from kotally.bookings import overdue
from kotally.memberships import closures, extensions
from kotally.memberships.closures import Closing

PRODUCTS_MAX = 100

Note = Annotated[
    str,
    Meta(min_length=1, max_length=fields.TEXT_LENGTH_MAX, description="Why; it is kept."),
]


class ExtendRequest(Request, frozen=True, kw_only=True, omit_defaults=True):
    """Make credits live longer."""

    location_id: fields.LocationId
    request_id: fields.RequestId
    valid_to: Annotated[LocalDate, Meta(description="The last local day they are good.")]
    reason: Note
    preview: Preview = False

    def __post_init__(self) -> None:
        """Refuse dates that no calendar of ours has."""
        super().__post_init__()
        check_dates(valid_to=self.valid_to)


class ClosureRequest(Request, frozen=True, kw_only=True, omit_defaults=True):
    """Tell the days on which the location is closed."""

    location_id: fields.LocationId
    request_id: fields.RequestId
    starts_on: LocalDate
    reopens_on: Annotated[LocalDate, Meta(description="The first day that it is open again.")]
    note: Note
    product_config_ids: (
        Annotated[
            list[fields.ProductConfigId],
            Meta(
                min_length=1,
                max_length=PRODUCTS_MAX,
                description="Only credits of these; all if left out.",
            ),
        ]
        | None
    ) = None
    preview: Preview = False

    def __post_init__(self) -> None:
        """Refuse dates that no calendar of ours has."""
        super().__post_init__()
        check_dates(starts_on=self.starts_on, reopens_on=self.reopens_on)


class UndoRequest(Request, frozen=True, kw_only=True, omit_defaults=True):
    """Take something back."""

    location_id: fields.LocationId
    request_id: fields.RequestId
    preview: Preview = False


async def extend(call: Call[ExtendRequest]) -> Reply:
    """Make a lot live longer."""
    request = call.request
    id_ = _id(call, "must be the id of a lot, a uuid")
    key = key_of(call, f"extend {id_}", request, request_id=request.request_id)
    await overdue.bring_owner_up_to_date(call.engine.db, request.location_id, id_)
    outcome = await extensions.extend_lot(
        call.engine.db,
        request.location_id,
        id_,
        valid_to=request.valid_to,
        reason=request.reason,
        key=key,
        preview=request.preview,
    )
    return reply_to(outcome, key.body)


async def close(call: Call[ClosureRequest]) -> Reply:
    """Make the credits of closed days live longer."""
    request = call.request
    key = key_of(call, "closure", request, request_id=request.request_id)
    closing = Closing(
        starts_on=request.starts_on,
        reopens_on=request.reopens_on,
        note=request.note,
        product_config_ids=request.product_config_ids,
    )
    await overdue.bring_location_up_to_date(call.engine.db, request.location_id)
    outcome = await closures.close(
        call.engine.db, request.location_id, closing=closing, key=key, preview=request.preview
    )
    return reply_to(outcome, key.body)


async def undo(call: Call[UndoRequest]) -> Reply:
    """Take a closure back."""
    request = call.request
    id_ = _id(call, "must be the closure_id of an earlier answer, a uuid")
    key = key_of(call, f"undo closure {id_}", request, request_id=request.request_id)
    await overdue.bring_location_up_to_date(call.engine.db, request.location_id)
    outcome = await closures.undo(
        call.engine.db, request.location_id, id_, key=key, preview=request.preview
    )
    return reply_to(outcome, key.body)


def _id(call: Call[Any], message: str) -> UUID:
    try:
        return UUID(call.path["id"])
    except ValueError as fault:
        raise Invalid("id", message) from fault


_ONCE = ("REQUEST_IN_PROGRESS", "IDEMPOTENCY_CONFLICT")
_EXAMPLE = {"location_id": "loc_1", "request_id": "req_1030"}

ROUTES = (
    Route(
        method="POST",
        path="/lots/{id}/extend",
        scope="adjust",
        request=ExtendRequest,
        handler=extend,
        answer=ExpiryExtended,
        refusal=ExpiryNotMoved,
        codes=(
            "expiry_extended",
            "LOT_NOT_FOUND",
            "LOT_NEVER_EXPIRES",
            "EXPIRY_NOT_LATER",
            *_ONCE,
        ),
        tag="Corrections",
        summary="Make credits live longer",
        description="To the end of a local day; what had expired of them comes back.",
        example=_EXAMPLE | {"valid_to": "2026-06-30", "reason": "Was ill"},
    ),
    Route(
        method="POST",
        path="/closures",
        scope="adjust",
        request=ClosureRequest,
        handler=close,
        answer=ClosureShown,
        refusal=ExpiryNotMoved,
        codes=("closure_applied", "CLOSURE_ENDS_BEFORE_START", "CLOSURE_TOO_LONG", *_ONCE),
        tag="Corrections",
        summary="Make the credits of closed days live longer",
        description=(
            "Every lot that could have been used on one of the days lives longer by their number. "
            "With `preview` it is a dry run."
        ),
        example=_EXAMPLE
        | {"starts_on": "2026-08-01", "reopens_on": "2026-08-15", "note": "Summer break"},
    ),
    Route(
        method="POST",
        path="/closures/{id}/undo",
        scope="adjust",
        request=UndoRequest,
        handler=undo,
        answer=ClosureShown,
        refusal=ExpiryNotMoved,
        codes=("closure_undone", "CLOSURE_NOT_FOUND", "CLOSURE_ALREADY_UNDONE", *_ONCE),
        tag="Corrections",
        summary="Undo a closure",
        description="Once; what was used meanwhile stays used.",
        example=_EXAMPLE,
    ),
)

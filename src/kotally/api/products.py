"""POST /products and what follows: create, read, make a version, archive."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from kotally.api import fields
from kotally.api.call import Answer, Call, Decided, Invalid, Refusal, Reply, Request
from kotally.api.memberships import Preview
from kotally.api.outcomes import key_of, reply_to
from kotally.api.routing import Route
from kotally.products import products, publishing
from kotally.products.products import Changes, Terms
from kotally.products.rules import Rules
from kotally.workspaces.refusals import Refused

_encode = msgspec.json.Encoder().encode

Calendars = Annotated[
    dict[str, int],
    Meta(description="Credits asked by each calendar; all at one credit if left out."),
]
ProductRules = Annotated[
    Rules, Meta(description="What differs from the house rules; the answer says it in words.")
]


class ProductRequest(Request, frozen=True, kw_only=True, omit_defaults=True):
    """Act on a product config."""

    location_id: fields.LocationId
    request_id: fields.RequestId
    preview: Preview = False


class ProductCreateRequest(ProductRequest, frozen=True, kw_only=True, omit_defaults=True):
    """Create a product config."""

    name: fields.Name
    type: Literal["package", "membership"]
    credits: Annotated[
        int, Meta(description="Of a package, or of each period of a membership.", examples=[10])
    ]
    product_config_id: fields.ProductConfigId | None = None
    expiry_days: int | None = None
    calendars: Calendars | None = None
    rules: ProductRules | None = None


class ProductVersionRequest(ProductRequest, frozen=True, kw_only=True, omit_defaults=True):
    """Make the next version of a product config; what is left out stays."""

    name: fields.Name | None = None
    credits: int | None = None
    expiry_days: int | None = None
    never_expires: Annotated[bool, Meta(description="Instead of expiry_days.")] = False
    calendars: Calendars | None = None
    all_calendars: Annotated[bool, Meta(description="Instead of calendars.")] = False
    rules: Annotated[
        ProductRules | None, Meta(description="All the rules anew; those left out are the house's.")
    ] = None

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        super().__post_init__()
        if self.never_expires and self.expiry_days is not None:
            raise Invalid("never_expires", "cannot be sent together with expiry_days")
        if self.all_calendars and self.calendars is not None:
            raise Invalid("all_calendars", "cannot be sent together with calendars")


class ProductReadRequest(Request, frozen=True, kw_only=True):
    """Ask for a product config."""

    location_id: fields.LocationId
    version: Annotated[int, Meta(ge=1, le=2_147_483_647)] | None = None


class ProductShown(Answer, frozen=True, kw_only=True):
    """Show a product config, and say its rules in plain sentences."""

    product_config_id: fields.ProductConfigId
    name: str
    type: Literal["package", "membership"]
    status: Literal["active", "archived"]
    version: int
    credits: fields.Credits
    expiry_days: int | None
    calendars: dict[str, int] | None
    rules: dict[str, Any]
    created_at: fields.Time
    sentences: list[str]


class ProductNotDone(Refusal, frozen=True, kw_only=True):
    """Say why not."""

    detail: str | UnsetType = UNSET
    product_config_id: str | UnsetType = UNSET


async def create(call: Call[ProductCreateRequest]) -> Reply:
    """Create a product config."""
    request = call.request
    key = key_of(call, "product", request, request_id=request.request_id)
    outcome = await publishing.create(
        call.engine.db,
        request.location_id,
        type=request.type,
        terms=Terms(
            name=request.name,
            credits=request.credits,
            expiry_days=request.expiry_days,
            coverage=request.calendars,
            rules=request.rules or Rules(),
        ),
        key=key,
        product_id=request.product_config_id,
        preview=request.preview,
    )
    return reply_to(outcome, key.body)


async def edit(call: Call[ProductVersionRequest]) -> Reply:
    """Make the next version."""
    request, id_ = call.request, call.path["id"]
    key = key_of(call, f"version of {id_}", request, request_id=request.request_id)
    changes = Changes(
        name=_wanted(request.name),
        credits=_wanted(request.credits),
        expiry_days=None if request.never_expires else _wanted(request.expiry_days),
        coverage=None if request.all_calendars else _wanted(request.calendars),
        rules=_wanted(request.rules),
    )
    outcome = await publishing.edit(
        call.engine.db,
        request.location_id,
        id_,
        changes=changes,
        key=key,
        preview=request.preview,
    )
    return reply_to(outcome, key.body)


async def archive(call: Call[ProductRequest]) -> Reply:
    """Stop selling."""
    request, id_ = call.request, call.path["id"]
    key = key_of(call, f"archive {id_}", request, request_id=request.request_id)
    outcome = await publishing.archive(
        call.engine.db, request.location_id, id_, key=key, preview=request.preview
    )
    return reply_to(outcome, key.body)


async def show(call: Call[ProductReadRequest]) -> Reply:
    """Show a product config."""
    request, db = call.request, call.engine.db
    found = await products.find(db, request.location_id, call.path["id"])
    if isinstance(found, Refused):
        return call.refuse("NOT_FOUND")
    if request.version not in (None, found.version):
        found = await products.find(db, request.location_id, found.id, version=request.version)
    if isinstance(found, Refused):
        return call.refuse("NOT_FOUND", message=found.message)
    said = await publishing.promises(db, request.location_id, found)
    facts = publishing.facts_of(found) | {"sentences": said}
    return Decided("product_loaded", call.correlation_id, _encode(facts).decode())


def _wanted(value: Any) -> Any:  # noqa: ANN401 - any field of a version
    return UNSET if value is None else value


_ONCE = ("REQUEST_IN_PROGRESS", "IDEMPOTENCY_CONFLICT")
_EXAMPLE = {"location_id": "loc_1", "request_id": "req_1040"}

ROUTES = (
    Route(
        method="POST",
        path="/products",
        scope="product",
        request=ProductCreateRequest,
        handler=create,
        answer=ProductShown,
        refusal=ProductNotDone,
        codes=("product_created", "PRODUCT_INVALID", "PRODUCT_ID_TAKEN", *_ONCE),
        tag="Products",
        summary="Create a product config",
        description="In its first version; the answer says its rules in plain sentences.",
        example=_EXAMPLE
        | {
            "name": "8 a month",
            "type": "membership",
            "credits": 8,
            "rules": {
                "rollover": {"max_per_roll": 4, "lives_months": 2},
                "cancel_window_minutes": 720,
            },
        },
    ),
    Route(
        method="GET",
        path="/products/{id}",
        scope="summary",
        request=ProductReadRequest,
        handler=show,
        answer=ProductShown,
        codes=("product_loaded", "NOT_FOUND"),
        tag="Products",
        summary="Show a product config",
        description="In its current version, or in an earlier one.",
    ),
    Route(
        method="POST",
        path="/products/{id}/versions",
        scope="product",
        request=ProductVersionRequest,
        handler=edit,
        answer=ProductShown,
        refusal=ProductNotDone,
        codes=(
            "product_changed",
            "PRODUCT_INVALID",
            "PRODUCT_ARCHIVED",
            "CONFIG_NOT_FOUND",
            *_ONCE,
        ),
        tag="Products",
        summary="Make the next version of a product config",
        description=(
            "It touches nobody: credits that were issued and running memberships keep theirs."
        ),
        example=_EXAMPLE | {"credits": 12},
    ),
    Route(
        method="POST",
        path="/products/{id}/archive",
        scope="product",
        request=ProductRequest,
        handler=archive,
        answer=ProductShown,
        refusal=ProductNotDone,
        codes=("product_archived", "CONFIG_NOT_FOUND", *_ONCE),
        tag="Products",
        summary="Archive a product config",
        description="Nobody can buy it any more, and what was bought stays. Safe to repeat.",
        example=_EXAMPLE,
    ),
)

"""POST /products/{id}/migrate: move running memberships to a version, at their next periods."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from kotally.api import fields
from kotally.api.call import Answer, Call, Reply
from kotally.api.outcomes import key_of, reply_to
from kotally.api.products import ProductNotDone, ProductRequest
from kotally.api.routing import Route
from kotally.bookings import overdue
from kotally.memberships import migrations


class MigrateRequest(ProductRequest, frozen=True, kw_only=True, omit_defaults=True):
    """Move the members of a product config to a version of it."""

    version: (
        Annotated[int, Meta(ge=1, le=2_147_483_647, description="The current one if left out.")]
        | None
    ) = None


class MigrationScheduled(Answer, frozen=True, kw_only=True):
    """Say how many memberships change, and when."""

    product_config_id: fields.ProductConfigId
    version: int
    memberships: Annotated[int, Meta(description="How many change at their next period.")]
    left_alone: Annotated[
        int, Meta(description="How many do not, because they leave or change already.")
    ]
    first_at: fields.Time | None
    last_at: fields.Time | None


async def migrate(call: Call[MigrateRequest]) -> Reply:
    """Plan the change of every running membership."""
    request, id_ = call.request, call.path["id"]
    key = key_of(call, f"migrate {id_}", request, request_id=request.request_id)
    await overdue.bring_location_up_to_date(call.engine.db, request.location_id)
    outcome = await migrations.migrate(
        call.engine.db,
        request.location_id,
        id_,
        version=request.version,
        key=key,
        preview=request.preview,
    )
    return reply_to(outcome, key.body)


ROUTES = (
    Route(
        method="POST",
        path="/products/{id}/migrate",
        scope="product",
        request=MigrateRequest,
        handler=migrate,
        answer=MigrationScheduled,
        refusal=ProductNotDone,
        codes=(
            "migration_scheduled",
            "CONFIG_NOT_FOUND",
            "REQUEST_IN_PROGRESS",
            "IDEMPOTENCY_CONFLICT",
        ),
        tag="Products",
        summary="Move running memberships to a version",
        description=(
            "Nothing changes before each one's next period; who leaves, or has another change "
            "waiting, is left alone. With `preview` it says how many and when, and plans nothing."
        ),
        example={"location_id": "loc_1", "request_id": "req_1041"},
    ),
)

"""POST /location/timezone: a location moves to another time zone (S14.5)."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from kotally.api import fields
from kotally.api.call import Answer, Call, Refusal, Reply, Request
from kotally.api.memberships import Preview
from kotally.api.outcomes import key_of, reply_to
from kotally.api.routing import Route
from kotally.bookings import overdue
from kotally.memberships import zones

ZONE_LENGTH_MAX = 100

Zone = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=ZONE_LENGTH_MAX,
        description="An IANA time zone.",
        examples=["Europe/Berlin"],
    ),
]


class TimezoneRequest(Request, frozen=True, kw_only=True, omit_defaults=True):
    """Give the location another time zone."""

    location_id: fields.LocationId
    request_id: fields.RequestId
    timezone: Zone
    preview: Preview = False


class TimezoneChanged(Answer, frozen=True, kw_only=True):
    """Say which zone it was and is."""

    location_id: str
    timezone_before: str
    timezone: str
    lots_moved: Annotated[int, Meta(description="Lots whose expiry is at another instant now.")]


class TimezoneNotChanged(Refusal, frozen=True, kw_only=True):
    """Say what is wrong with the name."""

    detail: str | UnsetType = UNSET


async def change_timezone(call: Call[TimezoneRequest]) -> Reply:
    """Give the location another time zone."""
    request = call.request
    key = key_of(call, "timezone", request, request_id=request.request_id)
    await overdue.bring_location_up_to_date(call.engine.db, request.location_id)
    outcome = await zones.change_zone(
        call.engine.db,
        request.location_id,
        request.timezone,
        key=key,
        preview=request.preview,
    )
    return reply_to(outcome, key.body)


ROUTES = (
    Route(
        method="POST",
        path="/location/timezone",
        scope="adjust",
        request=TimezoneRequest,
        handler=change_timezone,
        answer=TimezoneChanged,
        refusal=TimezoneNotChanged,
        codes=(
            "timezone_changed",
            "TIMEZONE_UNKNOWN",
            "REQUEST_IN_PROGRESS",
            "IDEMPOTENCY_CONFLICT",
        ),
        tag="Locations",
        summary="Move the location to another time zone",
        description=(
            "Local dates to come stay the same dates: periods, freezes and expiries move to the "
            "midnights of the new zone. What was posted stays as it was."
        ),
        example={"location_id": "loc_1", "request_id": "req_1050", "timezone": "Europe/Berlin"},
    ),
)

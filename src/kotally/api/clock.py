"""POST /clock/advance: time travel in a sandbox."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from kotally.api import fields
from kotally.api.call import Answer, Call, Decided, Invalid, Reply, Request
from kotally.api.routing import Route
from kotally.core.calendar import iso
from kotally.workspaces import clocks, locations
from kotally.workspaces.refusals import Refused

DAYS_MAX: Final = 366  # a step; longer ways are several requests
HAPPENINGS_MAX: Final = 1_000

_encode = msgspec.json.Encoder().encode


class AdvanceRequest(Request, frozen=True, kw_only=True):
    """Say how far the clock goes: by local days, or to an instant."""

    location_id: fields.LocationId
    days: Annotated[int, Meta(ge=1, le=DAYS_MAX, description="Local days, same time of day.")] | (
        None
    ) = None
    to: fields.Time | None = None

    either = (("days", "to"),)


class Happened(Struct, frozen=True):
    """Say what happened by itself on the way, and when."""

    at: fields.Time
    sweep: str
    line: str


class ClockAdvanced(Answer, frozen=True, kw_only=True):
    """Say what time it was and is, and what happened in between."""

    location_id: str
    before: fields.Time
    now: fields.Time
    happened: Annotated[list[Happened], Meta(description=f"In order, the first {HAPPENINGS_MAX}.")]
    happened_count: int


async def advance(call: Call[AdvanceRequest]) -> Reply:
    """Move a sandbox's clock through every due instant, in order."""
    request, engine = call.request, call.engine
    location = await locations.find(engine.db, request.location_id)
    if isinstance(location, Refused):
        return call.refuse("CLOCK_NOT_ADVANCED", message=location.message)
    to = clocks.target(location, days=request.days, to=request.to)
    if isinstance(to, Refused):
        return call.refuse("CLOCK_NOT_ADVANCED", message=to.message)
    if (to - location.now).days > DAYS_MAX:
        raise Invalid("to", f"may be at most {DAYS_MAX} days on; go there in several steps")
    assert engine.travel is not None, "the application gives the engine its way to travel"
    happened: list[dict[str, str]] = []
    count = 0
    async for each in engine.travel(engine.db, location.id, to):
        if isinstance(each, Refused):
            return call.refuse("CLOCK_NOT_ADVANCED", message=each.message)
        count += 1
        if count <= HAPPENINGS_MAX:
            happened.append({"at": iso(each.at), "sweep": each.sweep, "line": each.line})
    answer = {
        "location_id": location.id,
        "before": iso(location.now),
        "now": iso(to),
        "happened": happened,
        "happened_count": count,
    }
    return Decided("clock_advanced", call.correlation_id, _encode(answer).decode())


ROUTES = (
    Route(
        method="POST",
        path="/clock/advance",
        scope="clock",
        request=AdvanceRequest,
        handler=advance,
        answer=ClockAdvanced,
        codes=("clock_advanced", "CLOCK_NOT_ADVANCED"),
        tag="Sandbox",
        summary="Advance a sandbox's clock",
        description=(
            "Moves the clock of a sandbox location through every instant at which something is "
            "due, in order, and says what happened: renewals, expiries, freezes, bookings that "
            "settle by themselves."
        ),
        example={"location_id": "loc_1", "days": 30},
    ),
)

"""A small table of routes with which the door is tested, without any database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any, ClassVar, Literal
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from kotally.api import openapi, system
from kotally.api.call import Answer, Call, Invalid, Refusal, Replayed, Reply, Request
from kotally.api.engine import Engine
from kotally.api.fields import (
    AMOUNT_MAX,
    Amount,
    ContactKey,
    Credits,
    Limit,
    LocationId,
    Metadata,
    RequestId,
    RowId,
    Time,
)
from kotally.api.limits import Limiter
from kotally.api.routing import Route
from kotally.api.site import Parts, Site
from kotally.db import DatabaseUnavailable
from kotally.ledger.writer import Writer

TOKEN = "ktly_0199c0de-7a1e-7c3b-9f10-3b5e2d4c6a70_0199c0de-7a1e-7c3b-9f10-3b5e2d4c6a71"
FIRST_TIME = UUID("0199c0de-0000-7000-8000-000000000001")
LOT = UUID("0199c0de-0000-7000-8000-000000000002")


class Take(Request, frozen=True, kw_only=True):
    either: ClassVar[tuple[tuple[str, ...], ...]] = (("external_contact_id", "ghl_contact_id"),)

    location_id: LocationId
    request_id: RequestId
    external_contact_id: ContactKey | None = None
    ghl_contact_id: ContactKey | None = None
    amount: Amount = 1
    appointment_time: Time | None = None
    metadata: Metadata | None = None
    mode: Literal["plain", "strict"] = "plain"


class Step(Request, frozen=True, kw_only=True, tag_field="operation", tag="take"):
    request_id: RequestId
    amount: Amount = 1
    appointment_time: Time | None = None


class Steps(Request, frozen=True, kw_only=True):
    location_id: LocationId
    operations: list[Step]


class Look(Request, frozen=True, kw_only=True):
    location_id: LocationId
    limit: Limit = 20
    as_of: Time | None = None


class Taken(Answer, frozen=True, kw_only=True):
    balance_after: Credits
    lot_id: RowId


class NotTaken(Refusal, frozen=True, kw_only=True):
    short_by: Credits | UnsetType = UNSET


class Looked(Answer, frozen=True, kw_only=True):
    id: str
    limit: int


class Counted(Answer, frozen=True, kw_only=True):
    count: int


async def take(call: Call[Take]) -> Reply:
    """Behave as the request id says."""
    match call.request.request_id:
        case "boom":
            raise RuntimeError("secret detail")
        case "away":
            raise DatabaseUnavailable("connection refused")
        case "busy":
            return call.refuse("REQUEST_IN_PROGRESS")
        case "unknown-code":
            return Taken(
                reason_code="no_such_code",
                correlation_id=call.correlation_id,
                balance_after=0,
                lot_id=LOT,
            )
        case "invalid":
            raise Invalid("product_config_id", "is archived")
        case "again":
            return Replayed(_taken(FIRST_TIME, 9))
        case "slow":
            await asyncio.sleep(1)
        case "stuck":
            await asyncio.sleep(60)
        case _:
            pass
    if call.request.amount == AMOUNT_MAX:
        return NotTaken(
            reason_code="INSUFFICIENT_CREDITS",
            correlation_id=call.correlation_id,
            message="Too few.",
            short_by=1,
        )
    return _taken(call.correlation_id, 10 - min(call.request.amount, 10))


def _taken(correlation_id: UUID, balance: int) -> Taken:
    return Taken(
        reason_code="deducted", correlation_id=correlation_id, balance_after=balance, lot_id=LOT
    )


async def steps(call: Call[Steps]) -> Reply:
    """Count the operations."""
    return Counted(
        reason_code="batch_handled",
        correlation_id=call.correlation_id,
        count=len(call.request.operations),
    )


async def look(call: Call[Look]) -> Reply:
    """Show what arrived."""
    if call.path["id"] == "nobody":
        return call.refuse("NOT_FOUND")
    return Looked(
        reason_code="contact_loaded",
        correlation_id=call.correlation_id,
        id=call.path["id"],
        limit=call.request.limit,
    )


def _route(method: Literal["GET", "POST"], path: str, **rest: Any) -> Route:
    return Route(method=method, path=path, summary="A toy", description="For tests.", **rest)


ROUTES = (
    *system.ROUTES,
    _route(
        "POST",
        "/take",
        scope="deduct",
        request=Take,
        handler=take,
        answer=Taken,
        refusal=NotTaken,
        codes=("deducted", "NO_ENTITLEMENT", "INSUFFICIENT_CREDITS", "REQUEST_IN_PROGRESS"),
    ),
    _route(
        "POST",
        "/steps",
        scope="deduct",
        request=Steps,
        handler=steps,
        answer=Counted,
        codes=("batch_handled",),
    ),
    _route(
        "GET",
        "/contacts/{id}",
        scope="summary",
        request=Look,
        handler=look,
        answer=Looked,
        codes=("contact_loaded", "NOT_FOUND"),
    ),
    _route(
        "POST",
        "/grants",
        scope="grant",
        request=Take,
        handler=take,
        answer=Taken,
        codes=("deducted",),
    ),
)


class ToyClient(Struct, frozen=True, kw_only=True):
    id: UUID = UUID(TOKEN[5:41])
    workspace_id: UUID = UUID(TOKEN[5:41])
    location_id: str = "loc_1"
    scopes: frozenset[str] = frozenset({"deduct", "summary"})
    location_active: bool = True
    rate: int = 0


class Toys:
    """The site over some routes; tests change who is let in and whether it is ready."""

    def __init__(self, routes: Sequence[Route] = ROUTES) -> None:
        self.routes = routes
        self.client: ToyClient | None = ToyClient()
        self.asked: list[tuple[str, str]] = []
        self.fault: Exception | None = None
        self.closed = False
        self.site = Site(routes, self._run)
        self.metrics = self.site.metrics

    def reset(self) -> None:
        """Forget what earlier tests did."""
        self.client, self.asked, self.fault = ToyClient(), [], None
        self.metrics.series.clear()
        assert self.site._door is not None
        self.site._door._limiter = Limiter()

    async def authenticate(self, client_id: str, secret: str) -> ToyClient | None:
        self.asked.append((client_id, secret))
        return self.client

    async def ready(self) -> None:
        if self.fault is not None:
            raise self.fault

    @asynccontextmanager
    async def _run(self) -> AsyncGenerator[Parts, None]:
        nothing: Any = None
        writer = Writer(nothing, lanes=0)
        engine = Engine(
            db=nothing,
            writer=writer,
            checks=nothing,
            summaries=nothing,
            settings=nothing,
            openapi=openapi.encoded(self.routes),
        )
        try:
            yield Parts(engine=engine, authenticate=self.authenticate, ready=self.ready)
        finally:
            self.closed = True

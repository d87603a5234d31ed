"""
Let requests in: find the route, know the caller, check, decode, call, answer.

One ASGI application for everything below /api/v2. It has no layers to pass through: each request
is one task, one walk down `_reply`, one answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from operator import attrgetter

import structlog
from msgspec import Struct, structs

from kotally.api.call import (
    Answer,
    Call,
    Client,
    Invalid,
    Problem,
    Refusal,
    Reply,
    Request,
    refusal,
)
from kotally.api.engine import Engine
from kotally.api.exchange import (
    Exchange,
    Gone,
    Headers,
    Receive,
    Scope,
    Send,
    is_json,
    read_body,
    read_headers,
    token,
)
from kotally.api.limits import RATE_DEFAULT, Limiter
from kotally.api.metrics import RequestMetrics
from kotally.api.rendering import Empty, Rendered, render, send_rendered
from kotally.api.routing import ANY_SCOPE, Match, Route, Table
from kotally.api.validation import BodyDecoder, QueryDecoder, segment
from kotally.api.watchdog import BODY_NS, HANDLER_NS, Watchdog
from kotally.core.clock import monotonic_ns
from kotally.core.ids import new_id
from kotally.core.logging import log_request

IN_FLIGHT_MAX = 4_096
_NS_PER_US = 1_000

Authenticate = Callable[[str, str], Awaitable[Client | None]]

_log = structlog.get_logger("kotally.api")


class _Bound(Struct, frozen=True):
    """Be a route made ready: its decoder built, its questions answered."""

    route: Route
    decode: Callable[[bytes], Request]
    takes_body: bool
    location: Callable[[Request], str] | None


class Door:
    """Serve a table of routes as an ASGI application."""

    def __init__(
        self,
        routes: Sequence[Route],
        engine: Engine,
        *,
        authenticate: Authenticate,
        unavailable: tuple[type[Exception], ...] = (),
        metrics: RequestMetrics | None = None,
    ) -> None:
        """Answer `unavailable` exceptions of handlers with 503, all others with 500."""
        self._table = Table((route, _bind(route)) for route in routes)
        self._engine = engine
        self._authenticate = authenticate
        self._unavailable = unavailable
        self._limiter = Limiter()
        self._watchdog = Watchdog()
        self.metrics = metrics or RequestMetrics()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; whatever happens, in the one form of answers."""
        started = monotonic_ns()
        exchange = Exchange(scope, receive, new_id(), started, started + BODY_NS)
        self._watchdog.enter(exchange)
        self.metrics.in_flight += 1
        try:
            rendered = await self._rendered(exchange)
            await send_rendered(rendered, scope, send)
        except Gone:
            return
        finally:
            self._watchdog.leave(exchange)
            self.metrics.in_flight -= 1
        self._note(exchange, rendered)

    async def _rendered(self, exchange: Exchange) -> Rendered:
        try:
            return render(exchange, await self._reply(exchange))
        except Invalid as fault:
            reply = _invalid(exchange, fault.problems)
        except self._unavailable as fault:
            _log.warning(
                "unavailable", correlation_id=str(exchange.correlation_id), fault=str(fault)
            )
            reply = refusal("UNAVAILABLE", exchange.correlation_id)
        except asyncio.CancelledError:
            reply = _overdue(exchange)
        except Gone:
            raise
        except Exception:  # noqa: BLE001 - the last line of defence: a fault becomes a 500
            _log.exception(
                "request failed",
                correlation_id=str(exchange.correlation_id),
                route=exchange.route.template if exchange.route else None,
            )
            reply = refusal("INTERNAL_ERROR", exchange.correlation_id)
        return render(exchange, reply)

    async def _reply(self, exchange: Exchange) -> Reply | Empty:
        if len(self._watchdog.running) > IN_FLIGHT_MAX:
            return refusal("UNAVAILABLE", exchange.correlation_id)
        scope = exchange.scope
        match: Match | None = self._table.find(scope["raw_path"])
        method: str = scope["method"]
        bound: _Bound | None = match and match.routes.get("GET" if method == "HEAD" else method)
        if match is None or bound is None:
            return self._unmatched(exchange, match)
        exchange.route = bound.route
        headers = read_headers(scope)
        refused = await self._admit(exchange, headers)
        if refused is not None:
            return refused
        return await self._call(exchange, bound, headers=headers, match=match)

    async def _call(
        self, exchange: Exchange, bound: _Bound, *, headers: Headers, match: Match
    ) -> Reply:
        request = await self._request(exchange, bound, headers)
        if isinstance(request, Refusal):
            return request
        client = exchange.client
        if client is not None:
            if bound.location is not None and bound.location(request) != client.location_id:
                return refusal("LOCATION_MISMATCH", exchange.correlation_id)
            if not client.location_active:
                return refusal("LOCATION_INACTIVE", exchange.correlation_id)
        path = {
            name: segment(value, name)
            for name, value in zip(match.names, match.values, strict=True)
        }
        exchange.deadline = monotonic_ns() + HANDLER_NS
        call = Call(self._engine, client, request, exchange.correlation_id, path)  # pyright: ignore[reportArgumentType] - a public route has no client
        return await bound.route.handler(call)

    async def _request(
        self, exchange: Exchange, bound: _Bound, headers: Headers
    ) -> Request | Refusal:
        query: bytes = exchange.scope["query_string"]
        if not bound.takes_body:
            return bound.decode(query)
        if query:
            raise Invalid("query", "is not used here; send every field in the body")
        if not is_json(headers):
            return refusal("UNSUPPORTED_MEDIA_TYPE", exchange.correlation_id)
        body = await read_body(exchange, headers.content_length)
        if body is None:
            return refusal("PAYLOAD_TOO_LARGE", exchange.correlation_id)
        return bound.decode(body)

    async def _admit(self, exchange: Exchange, headers: Headers) -> Refusal | None:
        """Refuse who may not come in; afterwards the exchange knows its client."""
        route = exchange.route
        if route is None or route.scope is None:
            return self._count_stranger(exchange)
        parts = token(headers.authorization)
        client = await self._authenticate(*parts) if parts else None
        if client is None:
            return self._count_stranger(exchange) or refusal(
                "UNAUTHORIZED", exchange.correlation_id
            )
        exchange.client = client
        allowance = self._limiter.take(client.id, client.rate, exchange.started)
        exchange.allowance = allowance
        if allowance.retry_after:
            return refusal("RATE_LIMITED", exchange.correlation_id)
        if route.scope != ANY_SCOPE and route.scope not in client.scopes:
            message = f"This endpoint needs the scope `{route.scope}`; use a client that has it."
            return refusal("INSUFFICIENT_SCOPE", exchange.correlation_id, message=message)
        return None

    def _count_stranger(self, exchange: Exchange) -> Refusal | None:
        """Limit by address who shows no valid token."""
        exchange.allowance = self._limiter.take(exchange.peer, RATE_DEFAULT, exchange.started)
        if exchange.allowance.retry_after:
            return refusal("RATE_LIMITED", exchange.correlation_id)
        return None

    def _unmatched(self, exchange: Exchange, match: Match | None) -> Answer | Empty:
        refused = self._count_stranger(exchange)
        if refused is not None:
            return refused
        if match is None:
            message = "There is no such route. Check the path; /api/docs lists every endpoint."
            return refusal("NOT_FOUND", exchange.correlation_id, message=message)
        head = {"HEAD"} if "GET" in match.routes else set[str]()
        allowed = ", ".join(sorted({"OPTIONS", *match.routes, *head}))
        exchange.add(b"allow", allowed.encode())
        if exchange.scope["method"] == "OPTIONS":
            return Empty()
        message = f"This path does not know that method. Use one of: {allowed}."
        return refusal("METHOD_NOT_ALLOWED", exchange.correlation_id, message=message)

    def _note(self, exchange: Exchange, rendered: Rendered) -> None:
        micros = (monotonic_ns() - exchange.started) // _NS_PER_US
        route, client = exchange.route, exchange.client
        # Without a route the method is the caller's own word, and no label is made of that.
        method, template = (route.method, route.template) if route else ("other", "unknown")
        self.metrics.observe(method, template, status=rendered.status, micros=micros)
        log_request(
            method=method,
            route=template,
            status=rendered.status,
            reason_code=rendered.reason_code,
            duration_us=micros,
            client_id=client.id if client else None,
            location_id=client.location_id if client else None,
            correlation_id=exchange.correlation_id,
        )


def _bind(route: Route) -> _Bound:
    takes_body = route.method == "POST"
    decoder = BodyDecoder(route.request) if takes_body else QueryDecoder(route.request)
    named = any(field.name == "location_id" for field in structs.fields(route.request))
    location = attrgetter("location_id") if named else None
    return _Bound(route, decoder.decode, takes_body, location)


def _invalid(exchange: Exchange, problems: list[Problem]) -> Refusal:
    first = f"{problems[0].field} {problems[0].message}"
    more = f" ({len(problems)} problems in all)" if len(problems) > 1 else ""
    is_read = exchange.route is not None and exchange.route.method == "GET"
    return refusal(
        "VALIDATION_ERROR",
        exchange.correlation_id,
        message=f"{first}{more}." if is_read else f"{first}{more}; nothing was written.",
        errors=problems,
    )


def _overdue(exchange: Exchange) -> Refusal:
    """Answer for a request the watchdog stopped; anybody else's cancellation goes on."""
    if not exchange.overdue or exchange.task is None:
        raise asyncio.CancelledError
    exchange.task.uncancel()
    in_handler = exchange.deadline - exchange.started > BODY_NS
    return refusal("UNAVAILABLE" if in_handler else "REQUEST_TIMEOUT", exchange.correlation_id)

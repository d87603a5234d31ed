"""Hold one request while it is handled, and read what it sends."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from uuid import UUID

from msgspec import Struct

from kotally.api.call import Client
from kotally.api.limits import Allowance
from kotally.api.routing import Route

BODY_MAX = 1_048_576
DRAIN_MAX = 8_388_608  # read and thrown away, so that the caller gets to read the refusal
DRAIN_SECONDS = 2

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_HEX = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_TOKEN = re.compile(f"(?i:bearer) +ktly_({_HEX})_({_HEX})".encode())
_JSON = b"application/json"


class Gone(Exception):
    """The caller hung up before the request was complete; nobody waits for an answer."""


class Exchange(Struct):
    """Be one request on its way: what came in, who sent it, and what its answer must carry."""

    scope: Scope
    receive: Receive
    correlation_id: UUID
    started: int
    deadline: int
    task: asyncio.Task[Any] | None = None
    overdue: bool = False
    route: Route | None = None
    client: Client | None = None
    allowance: Allowance | None = None
    extra: list[tuple[bytes, bytes]] | None = None

    @property
    def peer(self) -> str:
        """Be the address of the other side; all of a proxy's callers share one."""
        address = self.scope.get("client")
        return address[0] if address else ""

    def add(self, name: bytes, value: bytes) -> None:
        """Add a header to the answer."""
        self.extra = [*(self.extra or ()), (name, value)]


class Headers(Struct):
    """Hold the four headers the door looks at."""

    authorization: bytes = b""
    content_type: bytes = b""
    content_length: bytes = b""
    content_encoding: bytes = b""


def read_headers(scope: Scope) -> Headers:
    """Pick the headers the door looks at; a repeated Authorization counts as none."""
    found = Headers()
    for name, value in scope["headers"]:
        if name == b"authorization":
            found.authorization = b"" if found.authorization else value
        elif name == b"content-type":
            found.content_type = value
        elif name == b"content-length":
            found.content_length = value
        elif name == b"content-encoding":
            found.content_encoding = value
    return found


def token(authorization: bytes) -> tuple[str, str] | None:
    """Part `Bearer ktly_<client id>_<secret>`; None when it is not of that form."""
    found = _TOKEN.fullmatch(authorization)
    return (found[1].decode(), found[2].decode()) if found else None


def is_json(headers: Headers) -> bool:
    """Tell whether the body says that it is plain JSON in UTF-8."""
    if headers.content_encoding not in (b"", b"identity"):
        return False
    if headers.content_type == _JSON:
        return True
    kind, *parameters = headers.content_type.lower().split(b";")
    return kind.strip() == _JSON and all(
        parameter.strip() in (b"charset=utf-8", b'charset="utf-8"', b"") for parameter in parameters
    )


async def read_body(exchange: Exchange, announced: bytes) -> bytes | None:
    """Read the body; None when it is larger than allowed, by its own word or in fact."""
    if announced and int(announced) > BODY_MAX:
        await _drain(exchange)
        return None
    message = await _next(exchange)
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        return body if len(body) <= BODY_MAX else None
    chunks, size = [body], len(body)
    while message.get("more_body", False):
        message = await _next(exchange)
        chunk: bytes = message.get("body", b"")
        chunks.append(chunk)
        size += len(chunk)
        if size > BODY_MAX:
            await _drain(exchange)
            return None
    return b"".join(chunks)


async def _next(exchange: Exchange) -> Message:
    message = await exchange.receive()
    if message["type"] == "http.disconnect":
        raise Gone
    return message


async def _drain(exchange: Exchange) -> None:
    size = 0
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            while size <= DRAIN_MAX:
                message = await _next(exchange)
                size += len(message.get("body", b""))
                if not message.get("more_body", False):
                    return
    except TimeoutError:
        return

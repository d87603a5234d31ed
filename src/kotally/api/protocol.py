"""Speak HTTP/1.1 with limits that the server library leaves open."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from kotally.api.call import Problem, refusal
from kotally.api.one_piece import EXTENSION, OnePiece
from kotally.core.ids import new_id

HEAD_BYTES_MAX = 65_536
HEAD_SECONDS_MAX = 10  # for the request line and the headers, however slowly they trickle
CONNECTIONS_MAX = 8_192


class _HeadTooLarge(Exception):
    """Stop the parser: the request line and headers have no end."""


class LimitedHttp(HttpToolsProtocol):
    """Bound the size and the time of a request's head, and the number of connections."""

    def __init__(self, **given: Any) -> None:  # noqa: ANN401 - passed on as it is
        """Take what the server gives to its protocol."""
        super().__init__(**given)
        self._head_bytes = 0
        self._in_head = False
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Let a silent connection wait no longer than an idle one."""
        super().connection_made(transport)
        if len(self.connections) > CONNECTIONS_MAX:
            transport.abort()
            return
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timers of the connection."""
        self._stop_head_timer()
        super().connection_lost(exc)

    def data_received(self, received: bytes) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - by position only
        """Start the clock when a head did not arrive in one piece."""
        super().data_received(received)
        if self._in_head and self._head_timer is None:
            self._head_timer = self.loop.call_later(
                HEAD_SECONDS_MAX, self.timeout_keep_alive_handler
            )

    def on_message_begin(self) -> None:
        """Begin a head."""
        super().on_message_begin()
        self._in_head, self._head_bytes = True, 0

    def on_url(self, url: bytes) -> None:
        """Count the request line."""
        super().on_url(url)
        self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count a header."""
        super().on_header(name, value)
        self._count(len(name) + len(value))

    def on_headers_complete(self) -> None:
        """End the head."""
        self._in_head = False
        self._stop_head_timer()
        super().on_headers_complete()
        if self.cycle.scope is self.scope:
            cast("dict[str, Any]", self.scope)[EXTENSION] = OnePiece(self.cycle)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the parent's signature
        """Answer what is not HTTP in the one form of answers, and hang up."""
        message = "This is not a valid HTTP request; nothing was written."
        problems = [Problem("request", "is malformed HTTP, or its head is too large")]
        answer = refusal("VALIDATION_ERROR", new_id(), message=message, errors=problems)
        body = msgspec.json.encode(answer)
        head = (
            "HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\n"
            "cache-control: no-store\r\nx-content-type-options: nosniff\r\n"
            f"x-correlation-id: {answer.correlation_id}\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()

    def _count(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > HEAD_BYTES_MAX:
            raise _HeadTooLarge

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


PROTOCOL = cast("type[asyncio.Protocol]", LimitedHttp)

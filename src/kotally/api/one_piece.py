"""
Send an answer in one piece.

ASGI sends the head and the body of an answer apart: two system calls, two packets, and each
header checked by a pattern. Our answers are small and their headers our own, so the protocol
offers the application a way to send everything at once; that is worth a third of a request.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec import Struct
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

EXTENSION: Final = "kotally.one_piece"  # where in the scope it is offered

_CLOSE: Final = (b"connection", b"close")


class OnePiece(Struct, frozen=True):
    """Send the whole answer of one exchange, over uvicorn's own bookkeeping of it."""

    cycle: RequestResponseCycle

    async def send(self, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> None:
        """Send, unless the caller hung up; the exchange is then complete."""
        cycle = self.cycle
        if cycle.flow.write_paused and not cycle.disconnected:
            await cycle.flow.drain()
        if cycle.disconnected:
            return
        cycle.response_started = cycle.response_complete = True
        cycle.waiting_for_100_continue = False
        lines = [STATUS_LINE[status]]
        for header in (*cycle.default_headers, *headers):
            lines += (header[0], b": ", header[1], b"\r\n")
            if header == _CLOSE:
                cycle.keep_alive = False
        if not cycle.keep_alive and _CLOSE not in headers:
            lines.append(b"connection: close\r\n")
        lines.append(b"\r\n")
        if cycle.scope["method"] != "HEAD":
            lines.append(body)
        cycle.transport.write(b"".join(lines))
        cycle.message_event.set()
        if not cycle.keep_alive:
            cycle.transport.close()
        cycle.on_response()

"""Turn a reply into the two messages that send it."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct
from msgspec.json import format as format_json

from kotally.api.answers import OWN_WORDS, REASONS, STATUS, sentence
from kotally.api.call import Decided, Document, Replayed, Reply
from kotally.api.exchange import Exchange, Scope, Send
from kotally.api.one_piece import EXTENSION, OnePiece

NO_CONTENT = 204

_encode = msgspec.json.Encoder().encode
_FIXED = (
    (b"content-type", b"application/json"),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
)
_SPACED = b'" : '
_REPLAYED = (b"idempotent-replayed", b"true")
_AFTER = {
    "UNAUTHORIZED": (b"www-authenticate", b"Bearer"),
    "REQUEST_IN_PROGRESS": (b"retry-after", b"1"),
    "UNAVAILABLE": (b"retry-after", b"1"),
    # The rest of the body may still be on its way: it must not be taken for the next request.
    "PAYLOAD_TOO_LARGE": (b"connection", b"close"),
    "REQUEST_TIMEOUT": (b"connection", b"close"),
}


def _frame(code: str, operation: str | None = None) -> tuple[bytes, bytes]:
    ok = b"true" if REASONS[code].ok else b"false"
    before = b'{"ok":%s,"reason_code":"%s","correlation_id":"' % (ok, code.encode())
    after = b'"' if REASONS[code].ok else b'","message":' + _encode(sentence(code, operation))
    return before, after


_FRAMES = {code: _frame(code) for code in REASONS}
_OWN_FRAMES = {(operation, code): _frame(code, operation) for operation, code in OWN_WORDS}


class Empty(Struct, frozen=True):
    """Answer without a body, to OPTIONS."""


class Rendered(Struct):
    """Hold an answer that is ready to be sent."""

    status: int
    reason_code: str
    headers: list[tuple[bytes, bytes]]
    body: bytes


def render(exchange: Exchange, reply: Reply | Empty) -> Rendered:
    """Encode the reply; a reason code that is not in the catalogue is a fault."""
    headers = list(_FIXED)
    correlation_id = exchange.correlation_id
    if isinstance(reply, Decided):
        body, code, correlation_id = decided_body(reply), reply.code, reply.correlation_id
        status = STATUS[code]
        exchange.correlation_id = correlation_id
        if reply.replayed:
            headers.append(_REPLAYED)
    elif isinstance(reply, Document | Empty):
        body = reply.body if isinstance(reply, Document) else b""
        status, code = (200, "document") if isinstance(reply, Document) else (NO_CONTENT, "options")
    else:
        if isinstance(reply, Replayed):
            reply = reply.answer
            headers.append(_REPLAYED)
        body, code = _encode(reply), reply.reason_code
        status, correlation_id = STATUS[code], reply.correlation_id
        exchange.correlation_id = correlation_id
    headers.append((b"x-correlation-id", str(correlation_id).encode()))
    if status != NO_CONTENT:
        headers.append((b"content-length", b"%d" % len(body)))
    if code in _AFTER:
        headers.append(_AFTER[code])
    _append_allowance(headers, exchange)
    return Rendered(status, code, headers, body)


def decided_body(reply: Decided) -> bytes:
    """Put the three common keys, and a refusal's sentence, in front of what the kernel answered."""
    before, after = _OWN_FRAMES.get((reply.operation, reply.code)) or _FRAMES[reply.code]
    fields = reply.answer.encode()
    # What the kernel writes out itself is without spaces already; what PostgreSQL makes is not.
    if _SPACED in fields:
        fields = format_json(fields, indent=-1)
    # The answer is an object: its opening brace gives way to what comes in front.
    return b"".join(
        (
            before,
            str(reply.correlation_id).encode(),
            after,
            b"}" if fields == b"{}" else b"," + fields[1:],
        )
    )


async def send_rendered(rendered: Rendered, scope: Scope, send: Send) -> None:
    """Send the answer: in one piece if the server offers it, else the start and the body."""
    one_piece: OnePiece | None = scope.get(EXTENSION)
    if one_piece is not None:
        await one_piece.send(rendered.status, rendered.headers, rendered.body)
        return
    start: dict[str, Any] = {
        "type": "http.response.start",
        "status": rendered.status,
        "headers": rendered.headers,
    }
    await send(start)
    await send({"type": "http.response.body", "body": rendered.body})


def _append_allowance(headers: list[tuple[bytes, bytes]], exchange: Exchange) -> None:
    if (allowance := exchange.allowance) is not None:
        headers += (
            (b"ratelimit-limit", b"%d" % allowance.limit),
            (b"ratelimit-remaining", b"%d" % allowance.remaining),
            (b"ratelimit-reset", b"%d" % allowance.reset),
        )
        if allowance.retry_after:
            headers.append((b"retry-after", b"%d" % allowance.retry_after))
    if exchange.extra:
        headers += exchange.extra

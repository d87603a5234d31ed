"""
Write logs: one JSON line per event on stderr, or a readable form on a terminal.

Nothing secret is ever given to a logger: no headers, no query strings, no bodies.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import MutableMapping
from datetime import datetime
from typing import Any, BinaryIO, ClassVar, Final, Literal
from uuid import UUID

import msgspec
import structlog
from msgspec import Struct

from kotally.core.clock import now

LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}

Style = Literal["auto", "console", "json"]
_Event = MutableMapping[str, Any]

_encode = msgspec.json.Encoder(enc_hook=str).encode


class _RequestLine(Struct):
    """Be the wide line of one request; its fields come in this order."""

    at: datetime
    level: str
    event: str
    method: str
    route: str
    status: int
    reason_code: str
    duration_us: int
    client_id: UUID | None
    location_id: str | None
    correlation_id: UUID


class _Lines:
    """Write lines to stderr as it is now; a log that nobody can read stops no request."""

    def __init__(self, *_names: str) -> None:
        pass

    def msg(self, line: str) -> None:
        try:
            sys.stderr.write(line + "\n")
            sys.stderr.flush()
        except (OSError, ValueError):
            return

    debug = info = warning = error = critical = exception = msg


class _Output:
    """Know where the request lines go; None until logging is configured, and above info."""

    stream: BinaryIO | None = None
    console: bool = False
    lines: ClassVar[list[bytes]] = []
    loop: asyncio.AbstractEventLoop | None = None  # that will write them


def configure(*, level: str = "info", style: Style = "auto") -> None:
    """Set up logging for this process; `auto` is readable on a terminal and JSON elsewhere."""
    console = style == "console" or (style == "auto" and sys.stderr.isatty())
    threshold = LEVELS[level]
    _Output.stream = sys.stderr.buffer if threshold <= LEVELS["info"] else None
    _Output.console = console
    before: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        _stamp,
    ]
    if console:
        # Plain: the pretty one prints every local variable, tokens and all, and takes a second.
        last: structlog.typing.Processor = structlog.dev.ConsoleRenderer(
            exception_formatter=structlog.dev.plain_traceback
        )
    else:
        before.append(structlog.processors.format_exc_info)
        last = _render
    structlog.configure(
        processors=[*before, last],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=_Lines,
        cache_logger_on_first_use=False,
    )
    _take_over(before, last, threshold)


def log_request(
    *,
    method: str,
    route: str,
    status: int,
    reason_code: str,
    duration_us: int,
    client_id: UUID | None,
    location_id: str | None,
    correlation_id: UUID,
) -> None:
    """Write the one line of a request, past structlog: this is the only hot log line."""
    if _Output.stream is None:
        return
    line = _RequestLine(
        now(),
        "info",
        "request",
        method,
        route,
        status,
        reason_code,
        duration_us,
        client_id,
        location_id,
        correlation_id,
    )
    _Output.lines.append(_readable(line) if _Output.console else _encode(line) + b"\n")
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        _write_lines()
        return
    # The requests that are answered in one turn of the loop write their lines together.
    if len(_Output.lines) == 1 or _Output.loop is not loop:
        _Output.loop = loop
        loop.call_soon(_write_lines)


def _write_lines() -> None:
    text = b"".join(_Output.lines)
    _Output.lines.clear()
    if (stream := _Output.stream) is None:
        return
    try:
        stream.write(text)
        stream.flush()
    except (OSError, ValueError):
        # Nobody reads our logs any more; the requests were answered all the same.
        _Output.stream = None


def _readable(line: _RequestLine) -> bytes:
    text = (
        f"{line.at:%H:%M:%S} {line.status} {line.method} {line.route} {line.reason_code} "
        f"{line.duration_us} us {line.correlation_id}\n"
    )
    return text.encode()


def _stamp(_logger: object, _name: str, event: _Event) -> _Event:
    event["at"] = now().isoformat(timespec="microseconds").replace("+00:00", "Z")
    return event


def _render(_logger: object, _name: str, event: _Event) -> str:
    first = {name: event.pop(name) for name in ("at", "level", "event") if name in event}
    return _encode({**first, **event}).decode()


def _take_over(
    before: list[structlog.typing.Processor], last: structlog.typing.Processor, threshold: int
) -> None:
    """Give the lines of libraries the same form as ours."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=before,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                last,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(threshold, LEVELS["warning"]))

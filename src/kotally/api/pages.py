"""Serve what is not the API: its reference, health, metrics and static files."""

from __future__ import annotations

import gzip
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec
import structlog
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
)
from starlette.routing import Mount, Route as Page
from starlette.staticfiles import StaticFiles

from kotally.api import openapi
from kotally.api.routing import Route
from kotally.api.sweep_metrics import exposed
from kotally.db import DatabaseUnavailable
from kotally.db.migrator import SchemaError
from kotally.ledger.sweep_log import SweepStatus

STATIC = Path(__file__).parent / "static"
HTTP_NOT_MODIFIED = 304
DIGEST_BYTES = 8
_NO_STORE = {"cache-control": "no-store"}

Ready = Callable[[], Awaitable[None]]
Sweeps = Callable[[], Awaitable[list[SweepStatus]]]

_log = structlog.get_logger("kotally.pages")


class _Kept:
    """A long page that is made once: sent compressed, and not at all to who has it already."""

    def __init__(self, html: bytes) -> None:
        self._html = html
        self._packed = gzip.compress(html, mtime=0)
        tag = blake2b(html, digest_size=DIGEST_BYTES).hexdigest()
        self._headers = {
            "etag": f'W/"{tag}"',
            "cache-control": "no-cache",  # ask each time whether it is still the same
            "vary": "Accept-Encoding",
        }

    def answer(self, request: Request) -> Response:
        """Answer in the form that the reader takes."""
        if self._headers["etag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=HTTP_NOT_MODIFIED, headers=self._headers)
        if "gzip" in request.headers.get("accept-encoding", ""):
            packed = {**self._headers, "content-encoding": "gzip"}
            return HTMLResponse(self._packed, headers=packed)
        return HTMLResponse(self._html, headers=self._headers)


def build_pages(
    routes: Sequence[Route],
    counts: Collector,
    *,
    ready: Ready,
    sweeps: Sweeps,
) -> Starlette:
    """Build the pages around a table of API routes."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(counts)
    ProcessCollector(registry=registry)
    kept: list[_Kept] = []

    async def docs(request: Request) -> Response:
        if not kept:
            # Imported at the first reader: the template engine would slow every start down.
            from kotally.api import reference  # noqa: PLC0415 - the reason stands above

            html = reference.page(routes, openapi.document(routes))
            kept.append(_Kept(html.encode()))
        return kept[0].answer(request)

    async def readyz(_request: Request) -> Response:
        return await _readiness(ready)

    async def measured(_request: Request) -> Response:
        body = generate_latest(registry)
        # What the processes count is shown even while the database is away.
        with suppress(DatabaseUnavailable):
            body += exposed(await sweeps())
        return Response(body, media_type=CONTENT_TYPE_LATEST, headers=_NO_STORE)

    return Starlette(
        routes=[
            Page("/", _home),
            Page("/healthz", _healthz),
            Page("/readyz", readyz),
            Page("/metrics", measured),
            Page("/api/docs", docs),
            Mount("/static", StaticFiles(directory=STATIC)),
        ],
        exception_handlers={HTTPException: _refused, Exception: _failed},
    )


async def _home(_request: Request) -> Response:
    return RedirectResponse("/api/docs")


async def _healthz(_request: Request) -> Response:
    """Say that this process runs; nothing about what it needs."""
    return _json({"alive": True}, status=200)


async def _readiness(ready: Ready) -> Response:
    """Say whether requests can be served now: the database answers and is up to date."""
    try:
        await ready()
    except DatabaseUnavailable as fault:
        _log.warning("not ready", fault=str(fault))
        return _json({"ready": False, "problem": "The database cannot be reached."}, status=503)
    except SchemaError as fault:
        return _json({"ready": False, "problem": str(fault)}, status=503)
    return _json({"ready": True}, status=200)


async def _refused(_request: Request, fault: Exception) -> Response:
    assert isinstance(fault, HTTPException), "registered for this class only"
    text = "There is no such page." if fault.status_code == 404 else fault.detail  # noqa: PLR2004 - HTTP's own number
    return PlainTextResponse(text + "\n", fault.status_code, headers=fault.headers)


async def _failed(_request: Request, _fault: Exception) -> Response:
    return PlainTextResponse("Something failed on our side. Nothing was changed.\n", 500)


def _json(content: Any, *, status: int) -> Response:  # noqa: ANN401 - whatever JSON holds
    body = msgspec.json.encode(content)
    return Response(body, status, media_type="application/json", headers=_NO_STORE)

"""A toy site on a real port, and a client that speaks to it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest_asyncio

from kotally.server.process import listening, run_until_stopped, url
from tests.api.toys import TOKEN, Toys

HEADERS = {"authorization": f"Bearer {TOKEN}"}
BODY = {"location_id": "loc_1", "request_id": "r1", "external_contact_id": "c1"}


class Caller:
    """Calls the toy site; by default with a good token."""

    def __init__(self, address: str, http: httpx2.AsyncClient, toys: Toys) -> None:
        self.address = address
        self.http = http
        self.toys = toys

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    async def take(self, **fields: object) -> httpx2.Response:
        return await self.http.post("/api/v2/take", json={**BODY, **fields})

    async def raw(self, body: bytes, content_type: str = "application/json") -> httpx2.Response:
        headers = {"content-type": content_type}
        return await self.http.post("/api/v2/take", content=body, headers=headers)

    async def get(self, path: str) -> httpx2.Response:
        return await self.http.get(path)


def refused(response: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    """Check the form of a refusal, and return it."""
    answer = response.json()
    assert (status, code) == (response.status_code, answer["reason_code"])
    assert list(answer)[:4] == ["ok", "reason_code", "correlation_id", "message"]
    assert answer["ok"] is False
    assert answer["message"].endswith((".", "`"))
    assert answer["correlation_id"] == response.headers["x-correlation-id"]
    return answer


@asynccontextmanager
async def serving(toys: Toys) -> AsyncGenerator[Caller, None]:
    """Serve the toys on a free port until the block ends, then wait for the server's end."""
    up = asyncio.Event()
    stopped, stop = os.pipe()
    with listening("127.0.0.1", 0) as listener:
        address = url("127.0.0.1", listener)
        running = run_until_stopped(toys.site, listener, started=up.set, stop_when_readable=stopped)
        server = asyncio.create_task(running)
        await up.wait()
        try:
            async with httpx2.AsyncClient(base_url=address, headers=HEADERS) as http:
                yield Caller(address, http, toys)
        finally:
            os.write(stop, b".")
            await server
            os.close(stop)
            os.close(stopped)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def served() -> AsyncIterator[Caller]:
    """Serve toys for the tests of a module."""
    async with serving(Toys()) as caller:
        yield caller


@pytest_asyncio.fixture(loop_scope="session")
async def caller(served: Caller) -> AsyncIterator[Caller]:
    """Call the toys as if they were fresh."""
    served.toys.reset()
    async with httpx2.AsyncClient(base_url=served.address, headers=HEADERS) as http:
        yield Caller(served.address, http, served.toys)

"""A toy site and the whole product, each on a real port, and clients that speak to them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest_asyncio

from kotally.core import logging
from tests.api.front import Front, Shop, opened_front, running
from tests.api.studio import Studio
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
    async with (
        running(toys.site) as address,
        httpx2.AsyncClient(base_url=address, headers=HEADERS) as http,
    ):
        yield Caller(address, http, toys)


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


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def product(clones: Any, template: str, directory: Path) -> AsyncIterator[Front]:
    """Serve the product for all tests of a worker; each opens a shop of its own."""
    logging.configure(level="warning", style="json")
    target = await clones.make(template)
    async with opened_front(target, directory) as opened:
        yield opened
    await clones.drop(target)


@pytest_asyncio.fixture(loop_scope="session")
async def front(product: Front) -> Front:
    """Give the running product to one test, as it begins."""
    await product.begin()
    return product


@pytest_asyncio.fixture(loop_scope="session")
async def shop(front: Front) -> Shop:
    """Open a shop for one test."""
    return await front.shop()


@pytest_asyncio.fixture(loop_scope="session")
async def studio(front: Front) -> Studio:
    """Open a studio, whose clock the test moves, for one test."""
    return await Studio.opened(front)

"""The product's page on a port, and a browser that reads it."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright

from kotally.api.routes import ROUTES
from tests.api.front import running
from tests.api.toys import Toys

NAMES = ("chromium", "chromium-browser", "google-chrome")
REQUIRED = "required"
MISSING = "there is no Chromium here; on Debian and Ubuntu: apt-get install chromium"
# Asks nobody but the page, and starts as root in a container, too.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
TALL = 900
WIDE = 1280
PAGE = "/api/docs"


class Reader:
    """Opens the page as different people would, and hears what the browser complains of."""

    def __init__(self, browser: Browser, address: str) -> None:
        self.browser = browser
        self.address = address
        self.asked: list[str] = []
        self.complaints: list[str] = []
        self._contexts: list[BrowserContext] = []

    async def open(self, anchor: str = "", *, width: int = WIDE, **options: Any) -> Page:
        """Open the page in a browser that has never seen it."""
        viewport = {"width": width, "height": TALL}
        context = await self.browser.new_context(viewport=viewport, **options)  # pyright: ignore[reportArgumentType] - two numbers
        self._contexts.append(context)
        page = await context.new_page()
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("requestfailed", lambda request: self.complaints.append(request.url))
        answer = await page.goto(f"{self.address}{PAGE}{anchor}")
        assert answer is not None
        assert answer.ok
        return page

    async def close(self) -> None:
        """Close what was opened."""
        for context in self._contexts:
            await context.close()

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Start Chromium once for all tests of a worker."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None and os.environ.get("KOTALLY_BROWSER") == REQUIRED:
        pytest.fail(MISSING)
    if path is None:
        pytest.skip(MISSING)
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield started
        await started.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def address() -> AsyncIterator[str]:
    """Serve the page of the product's routes; it needs nothing that is behind them."""
    async with running(Toys(ROUTES).site) as served:
        yield served


@pytest_asyncio.fixture(loop_scope="session")
async def reader(browser: Browser, address: str) -> AsyncIterator[Reader]:
    """Read the page in one test; whatever the test is about, the browser finds nothing wrong."""
    reader = Reader(browser, address)
    yield reader
    complaints = [*reader.complaints]  # what closing breaks off is no complaint
    await reader.close()
    assert complaints == []

"""The product on a port, and a studio in it for each story; at its end the books must prove."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest_asyncio

from kotally.core import logging
from tests.api.front import Front, opened_front
from tests.stories.cast import Studio

Opens = Callable[..., Awaitable[Studio]]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def front(clones: Any, template: str, directory: Path) -> AsyncIterator[Front]:
    """Serve the product for all stories."""
    logging.configure(level="warning", style="json")
    target = await clones.make(template)
    async with opened_front(target, directory) as opened:
        yield opened
    await clones.drop(target)


@pytest_asyncio.fixture(loop_scope="session")
async def opens(front: Front) -> AsyncIterator[Opens]:
    """Open studios; when the story is told the books of each must be right."""
    opened: list[Studio] = []

    async def open_one(**how: Any) -> Studio:
        opened.append(await Studio.opens(front, **how))
        return opened[-1]

    yield open_one
    for each in opened:
        await each.shop.assert_books()


@pytest_asyncio.fixture(loop_scope="session")
async def studio(opens: Opens) -> Studio:
    """Open a studio in New York on Monday, 5 January 2026, at nine."""
    return await opens()

"""Commands as a person runs them: a process each, on this test's database."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import msgspec
import pytest

from kotally.db.connections import Target

RUN_TIMEOUT_S = 60


class Ran(NamedTuple):
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """Read the one JSON object."""
        assert self.out.count("\n") == 1, self
        return msgspec.json.decode(self.out)


Kotally = Callable[..., Awaitable[Ran]]


def url(target: Target) -> str:
    """Write the address of a database as KOTALLY_DATABASE_URL takes it."""
    if target.url is not None:
        base, _, _ = target.url.reveal().rpartition("/")
        return f"{base}/{target.database}"
    assert target.user
    assert target.password
    login = f"{quote(target.user)}:{quote(target.password.reveal())}"
    return f"postgresql://{login}@/{target.database}?{urlencode({'host': target.host})}"


async def start(*words: str, **variables: str) -> asyncio.subprocess.Process:
    """Start a command in a clean environment."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KOTALLY_")}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "kotally",
        *words,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**kept, **variables},
    )


async def ran(*words: str, stdin: bytes = b"", **variables: str) -> Ran:
    """Run a command to its end."""
    process = await start(*words, **variables)
    async with asyncio.timeout(RUN_TIMEOUT_S):
        out, err = await process.communicate(stdin)
    assert process.returncode is not None
    return Ran(process.returncode, out.decode(), err.decode())


@pytest.fixture
def kotally(target: Target) -> Kotally:
    """Run commands on this test's database."""

    async def run(*words: str, stdin: bytes = b"") -> Ran:
        return await ran(*words, stdin=stdin, KOTALLY_DATABASE_URL=url(target))

    return run

"""Clients written from the documentation alone: curl, Node's fetch, Python's own urllib."""

from __future__ import annotations

import asyncio
import shutil
import sys
from pathlib import Path

import msgspec
import pytest

from tests.api.front import Shop

STEPS = [
    "grant_applied", "eligible", "deducted", "deducted", "restored", "NO_ENTITLEMENT",
    "summary_loaded", "ledger_loaded", "NOT_FOUND", "VALIDATION_ERROR", "UNAUTHORIZED",
]  # fmt: skip
PROGRAMS = Path(__file__).with_name("programs")


async def lines(shop: Shop, *command: str) -> list[dict[str, object]]:
    """Run a program with the address, the location and the token; read a JSON object a line."""
    process = await asyncio.create_subprocess_exec(
        *command,
        f"{shop.front.address}/api/v2",
        shop.id,
        shop.token,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(30):
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return [msgspec.json.decode(line) for line in out.splitlines() if line]


@pytest.mark.parametrize(
    ("program", "script"),
    [("bash", "walk.sh"), ("node", "walk.mjs"), (sys.executable, "walk.py")],
)
async def test_a_client_walks_through_the_documented_day(
    shop: Shop, program: str, script: str
) -> None:
    """Buy, check, book, book again by mistake, cancel; read; and be refused in four ways."""
    if shutil.which(program) is None or (program == "bash" and shutil.which("curl") is None):
        pytest.skip(f"{program} or curl is not installed here")

    answers = await lines(shop, program, str(PROGRAMS / script))

    assert [answer["reason_code"] for answer in answers] == STEPS
    assert answers[2] == answers[3]
    assert answers[4]["balance_after"] == 10
    for answer in answers:
        assert list(answer)[:3] == ["ok", "reason_code", "correlation_id"]
        assert answer["ok"] is str(answer["reason_code"]).islower()
    await shop.assert_books()

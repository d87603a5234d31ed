"""Too much at once: the rate of a client, and the queue of the writer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest

from kotally.api.limits import BURST_SECONDS
from kotally.workspaces.api_clients import RATE_DEFAULT
from tests.api.conftest import refused
from tests.api.front import CALENDAR, MEMBER, Shop
from tests.api.test_idempotency import locked


async def test_every_answer_says_what_may_still_be_sent(shop: Shop) -> None:
    answer = await shop.get(f"/contacts/{MEMBER}")

    assert answer.headers["ratelimit-limit"] == str(RATE_DEFAULT * BURST_SECONDS)
    assert answer.headers["ratelimit-remaining"] == str(RATE_DEFAULT * BURST_SECONDS - 1)
    assert int(answer.headers["ratelimit-reset"]) <= BURST_SECONDS


async def test_a_client_over_its_rate_waits_and_another_does_not(shop: Shop) -> None:
    """Refused before anything is read: nothing is done, and the same request is done later."""
    await shop.grant()
    token = await shop.client("deduct", rate=2)
    sent = [
        {"request_id": f"r{n}", "external_contact_id": MEMBER, "calendar_id": CALENDAR}
        for n in range(8)
    ]

    answers = [await shop.post("/entitlements/deduct", body, token=token) for body in sent]

    done = [answer for answer in answers if answer.status_code == 200]
    assert 4 <= len(done) <= 6
    refused(answers[-1], 429, "RATE_LIMITED")
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert answers[-1].headers["ratelimit-remaining"] == "0"
    assert (await shop.get(f"/contacts/{MEMBER}")).status_code == 200
    assert await shop.available() == 10 - len(done)
    await asyncio.sleep(int(answers[-1].headers["retry-after"]))
    again = await shop.post("/entitlements/deduct", sent[-1], token=token)
    assert again.status_code == 200


async def until(true: Callable[[], bool]) -> None:
    """Look again at every turn of the loop until it is so."""
    async with asyncio.timeout(2):
        while not true():  # noqa: ASYNC110 - what is watched sends no event
            await asyncio.sleep(0)


@pytest.fixture
def small_queue(shop: Shop) -> Iterator[int]:
    """Make the writer's queue small for one test."""
    writer = shop.front.writer
    size, writer._queue_max = writer._queue_max, 5
    yield 5
    writer._queue_max = size


async def test_a_full_queue_is_a_503_and_nothing_of_it_is_done(
    shop: Shop, small_queue: int
) -> None:
    await shop.grant()
    body = {"external_contact_id": MEMBER, "calendar_id": CALENDAR}
    sent = [{**body, "request_id": f"r{number}"} for number in range(10)]
    async with locked(shop, MEMBER):
        waiting = [asyncio.create_task(shop.post("/entitlements/deduct", one)) for one in sent[:5]]
        await until(lambda: shop.front.writer.stats.waiting == small_queue)
        for one in sent[5:]:
            answer = await shop.post("/entitlements/deduct", one)
            refused(answer, 503, "UNAVAILABLE")
            assert answer.headers["retry-after"] == "1"
        batch = [{**one, "operation": "deduct"} for one in sent]
        refused(await shop.post("/batch", {"operations": batch}), 503, "UNAVAILABLE")
        assert (await shop.check())["reason_code"] == "eligible", "reading goes on"
    accepted = await asyncio.gather(*waiting)

    assert {answer.status_code for answer in accepted} <= {200, 409}
    assert shop.front.writer.stats.waiting == 0
    answers = [await shop.post("/entitlements/deduct", one) for one in sent]
    assert [answer.status_code for answer in answers] == [200] * 10
    assert await shop.available() == 0
    await shop.assert_books()

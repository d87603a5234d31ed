"""One request_id, one effect, one answer: in a row, at once, with another payload, while busy."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest

from tests.api.conftest import refused
from tests.api.front import CALENDAR, MEMBER, PACKAGE, Body, Shop

WHO: Body = {"request_id": "r1", "external_contact_id": MEMBER}
PAYLOADS: dict[str, Body] = {
    "/grants": {**WHO, "product_config_id": PACKAGE, "external_payment_id": "pay_1"},
    "/entitlements/deduct": {**WHO, "calendar_id": CALENDAR, "external_ref": "appt_1"},
    "/entitlements/restore": {**WHO, "calendar_id": CALENDAR},
    "/holds": {**WHO, "calendar_id": CALENDAR, "external_ref": "appt_1"},
}
CHANGES: dict[str, Body] = {
    "/grants": {"external_payment_id": "pay_2"},
    "/entitlements/deduct": {"amount": 2},
    "/entitlements/restore": {"external_ref": "appt_2"},
    "/holds": {"ttl_seconds": 60},
}
EVERY = pytest.mark.parametrize("path", PAYLOADS)
AT_ONCE = 50


async def arranged(shop: Shop) -> Shop:
    """Give the member credits and a deduction to give back."""
    await shop.grant()
    await shop.deduct(external_ref="appt_0")
    return shop


def business(answer: httpx2.Response) -> tuple[int, bytes]:
    return answer.status_code, answer.content


@EVERY
async def test_a_repetition_gets_the_first_answer_byte_for_byte(shop: Shop, path: str) -> None:
    await arranged(shop)
    first = await shop.post(path, PAYLOADS[path])
    async with shop.front.untouched():
        again = await shop.post(path, PAYLOADS[path])

    assert first.json()["ok"] is True
    assert business(again) == business(first)
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["x-correlation-id"] == first.json()["correlation_id"]


@EVERY
async def test_the_same_payload_may_be_written_differently(shop: Shop, path: str) -> None:
    """Order of fields, null, defaults and white space do not make another request."""
    await arranged(shop)
    first = await shop.post(path, PAYLOADS[path])
    turned: Body = dict(reversed(PAYLOADS[path].items()))
    spelled = {"ghl_contact_id": None, "external_ref": None, **turned}
    if path != "/grants":
        spelled["amount"] = 1

    for body in (turned, spelled):
        assert business(await shop.post(path, body)) == business(first)


@EVERY
async def test_another_payload_is_a_conflict_that_names_the_field(shop: Shop, path: str) -> None:
    await arranged(shop)
    first = await shop.post(path, PAYLOADS[path])
    async with shop.front.untouched():
        answer = await shop.post(path, PAYLOADS[path] | CHANGES[path])
        errors = refused(answer, 409, "IDEMPOTENCY_CONFLICT")["errors"]
        assert [error["field"] for error in errors] == list(CHANGES[path])

    assert business(await shop.post(path, PAYLOADS[path])) == business(first)


async def test_another_operation_is_a_conflict(shop: Shop) -> None:
    await arranged(shop)
    body = {**WHO, "calendar_id": CALENDAR}
    assert (await shop.post("/entitlements/deduct", body)).json()["ok"]

    for path in ("/entitlements/restore", "/holds"):
        answer = refused(await shop.post(path, body), 409, "IDEMPOTENCY_CONFLICT")
        assert "deduct" in answer["errors"][0]["message"]


@EVERY
async def test_the_key_is_the_locations_own(shop: Shop, path: str) -> None:
    """Two locations may use the same ids; two clients of one location share them."""
    other = await arranged(await shop.front.shop())
    await arranged(shop)
    first = await shop.post(path, PAYLOADS[path])
    theirs = await other.post(path, PAYLOADS[path])
    colleague = await shop.client()

    assert theirs.json()["correlation_id"] != first.json()["correlation_id"]
    assert "idempotent-replayed" not in theirs.headers
    answer = await shop.post(path, PAYLOADS[path], token=colleague)
    assert business(answer) == business(first)


async def test_a_refusal_is_remembered_too(shop: Shop) -> None:
    body = PAYLOADS["/entitlements/deduct"]
    first = await shop.post("/entitlements/deduct", body)
    await shop.grant()
    again = await shop.post("/entitlements/deduct", body)
    new = await shop.post("/entitlements/deduct", {**body, "request_id": "r2"})

    assert first.json()["reason_code"] == "NO_ENTITLEMENT"
    assert business(again) == business(first)
    assert again.headers["idempotent-replayed"] == "true"
    assert new.json()["reason_code"] == "deducted"


async def test_a_malformed_request_uses_up_nothing(shop: Shop) -> None:
    await shop.grant()
    body = PAYLOADS["/entitlements/deduct"]
    refused(await shop.post("/entitlements/deduct", {**body, "amount": 0}), 400, "VALIDATION_ERROR")

    assert (await shop.post("/entitlements/deduct", body)).json()["reason_code"] == "deducted"


@EVERY
async def test_fifty_at_once_have_one_effect_and_one_answer(shop: Shop, path: str) -> None:
    await arranged(shop)
    before = await shop.count("postings")

    answers = await asyncio.gather(*(shop.post(path, PAYLOADS[path]) for _ in range(AT_ONCE)))

    assert {business(answer) for answer in answers} == {business(answers[0])}
    assert answers[0].json()["ok"] is True
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
    # What a deduction takes and gives is one posting, whatever the operation.
    assert await shop.count("postings") == before + 1
    await shop.assert_books()


@EVERY
async def test_fifty_at_once_with_two_payloads_let_one_win(shop: Shop, path: str) -> None:
    await arranged(shop)
    bodies = [PAYLOADS[path], PAYLOADS[path] | CHANGES[path]]

    answers = await asyncio.gather(
        *(shop.post(path, bodies[number % 2]) for number in range(AT_ONCE))
    )

    winners = [answer for answer in answers if answer.status_code == 200]
    assert len(winners) == AT_ONCE // 2
    assert {business(answer) for answer in winners} == {business(winners[0])}
    for answer in answers:
        if answer.status_code != 200:
            refused(answer, 409, "IDEMPOTENCY_CONFLICT")
    await shop.assert_books()


@asynccontextmanager
async def locked(shop: Shop, *members: str) -> AsyncGenerator[None, None]:
    """Hold the locks of members, as a long act of somebody else would."""
    async with shop.front.owner.transaction() as tx:
        await tx.fetch(
            "select from kotally.balances b join kotally.contacts c"
            " on c.location_id = b.location_id and c.id = b.contact_id"
            " where b.location_id = $1 and c.external_id = any ($2) for update of b",
            shop.id,
            [*members],
        )
        yield


@EVERY
async def test_a_member_who_is_busy_too_long_is_in_progress(shop: Shop, path: str) -> None:
    """409 with Retry-After and nothing written; the same request is done when it comes again."""
    await arranged(shop)
    async with locked(shop, MEMBER), shop.front.untouched():
        answers = await asyncio.gather(*(shop.post(path, PAYLOADS[path]) for _ in range(3)))
        for answer in answers:
            refused(answer, 409, "REQUEST_IN_PROGRESS")
            assert answer.headers["retry-after"] == "1"

    again = await shop.post(path, PAYLOADS[path])
    assert again.json()["ok"] is True
    assert "idempotent-replayed" not in again.headers
    await shop.assert_books()


async def test_a_member_who_is_busy_stops_no_other(shop: Shop) -> None:
    members = [f"m{number}" for number in range(10)]
    for member in members:
        await shop.grant(external_contact_id=member)

    async def deduct(member: str) -> int:
        body = {**WHO, "request_id": member, "calendar_id": CALENDAR}
        response = await shop.post("/entitlements/deduct", body | {"external_contact_id": member})
        return response.status_code

    async with locked(shop, "m3"):
        answers = await asyncio.gather(*map(deduct, members))

    assert answers == [409 if member == "m3" else 200 for member in members]


async def test_all_or_nothing_waits_no_longer_either(shop: Shop) -> None:
    await shop.grant()
    operation: dict[str, Any] = {**PAYLOADS["/entitlements/deduct"], "operation": "deduct"}
    body = {"operations": [operation], "atomic": True}
    async with locked(shop, MEMBER), shop.front.untouched():
        answer = await shop.post("/batch", body)
        assert answer.status_code in {409, 503}
        assert answer.headers["retry-after"] == "1"

    assert (await shop.post("/batch", body)).json()["ok"] is True


async def test_a_caller_who_hangs_up_is_answered_when_he_comes_back(shop: Shop) -> None:
    """What was accepted is done once, whether or not somebody waits for the answer."""
    await shop.grant()
    body = PAYLOADS["/entitlements/deduct"]
    async with locked(shop, MEMBER):
        waiting = asyncio.create_task(shop.post("/entitlements/deduct", body))
        await asyncio.sleep(0.2)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    await asyncio.sleep(0.2)

    answer = await shop.post("/entitlements/deduct", body)
    assert answer.json()["balance_after"] == 9
    assert await shop.available() == 9
    await shop.assert_books()

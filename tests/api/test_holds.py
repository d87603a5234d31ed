"""Holds over HTTP: reserve, use up, give back (S2)."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from kotally.core.ids import new_id
from kotally.workspaces import clocks, locations
from kotally.workspaces.locations import Location
from tests import make
from tests.api.conftest import refused
from tests.api.front import Body, Front, Shop

START = ["ok", "reason_code", "correlation_id", "balance_after"]


async def settle(shop: Shop, hold: Body | str, verb: str, **body: object) -> Body:
    """Capture or release under a new request_id unless one is given."""
    hold_id = hold if isinstance(hold, str) else hold["hold_id"]
    named = {"request_id": make.name("settle"), **body}
    answer = await shop.post(f"/holds/{hold_id}/{verb}", named)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_what_is_held_is_not_available_and_is_used_up_by_capture(shop: Shop) -> None:
    """T of S2: 10 credits, weight 2: 8 and 2 held; attended: 8."""
    await shop.grant()
    held = await shop.hold(calendar_id="cal_2")
    credits_ = (await shop.get("/contacts/ghl_contact_123/credits")).json()["credits"]
    captured = await settle(shop, held, "capture")

    assert list(held)[:5] == [*START, "entitlement_id"]
    assert (held["reason_code"], held["balance_after"], held["credits"]) == ("held", 8, 2)
    assert (credits_["available"], credits_["held"]) == (8, 2)
    assert list(captured)[:4] == START
    assert (captured["reason_code"], captured["credits_captured"]) == ("captured", 2)
    assert captured["balance_after"] == 8
    await shop.assert_books()


async def test_released_credits_are_back(shop: Shop) -> None:
    await shop.grant()
    held = await shop.hold(amount=3)

    released = await settle(shop, held, "release")

    assert (released["reason_code"], released["credits_released"]) == ("released", 3)
    assert released["balance_after"] == 10


async def test_a_part_is_used_and_the_rest_goes_back(shop: Shop) -> None:
    await shop.grant()

    answer = await settle(shop, await shop.hold(amount=5), "capture", amount=2)

    assert (answer["credits_captured"], answer["credits_released"]) == (2, 3)
    assert answer["balance_after"] == 8


async def test_more_than_held_takes_the_difference_first_or_nothing(shop: Shop) -> None:
    await shop.grant()
    held = await shop.hold(amount=5)

    short = await settle(shop, held, "capture", amount=11)
    more = await settle(shop, held, "capture", amount=7)

    assert (short["ok"], short["reason_code"]) == (False, "INSUFFICIENT_CREDITS")
    assert (more["reason_code"], more["balance_after"]) == ("captured", 3)
    await shop.assert_books()


@pytest.mark.parametrize("first", ["capture", "release"])
@pytest.mark.parametrize("second", ["capture", "release"])
async def test_a_hold_ends_exactly_once(shop: Shop, first: str, second: str) -> None:
    """S2.2: the same request is answered again, another is told how it ended."""
    await shop.grant()
    held = await shop.hold()
    ended = await settle(shop, held, first, request_id="r1")

    assert await settle(shop, held, first, request_id="r1") == ended
    answer = await settle(shop, held, second, request_id="r2")
    assert (answer["ok"], answer["reason_code"]) == (False, "HOLD_ALREADY_CLOSED")
    assert answer["hold_id"] == held["hold_id"]
    await shop.assert_books()


async def test_one_request_id_cannot_end_two_holds(shop: Shop) -> None:
    await shop.grant()
    one, two = await shop.hold(), await shop.hold()
    await settle(shop, one, "release", request_id="r1")

    for hold, verb in ((two, "release"), (one, "capture")):
        answer = await shop.post(f"/holds/{hold['hold_id']}/{verb}", {"request_id": "r1"})
        refused(answer, 409, "IDEMPOTENCY_CONFLICT")
    assert await shop.available() == 9


async def test_an_unknown_or_foreign_hold_is_not_found(front: Front, shop: Shop) -> None:
    other = await front.shop()
    await other.grant()
    foreign = await other.hold()
    for hold_id in (str(new_id()), foreign["hold_id"], str(UUID(int=0))):
        for verb in ("capture", "release"):
            answer = await settle(shop, hold_id, verb)
            assert (answer["ok"], answer["reason_code"]) == (False, "HOLD_NOT_FOUND")
    assert (await settle(other, foreign, "release"))["ok"] is True


@pytest.mark.parametrize("hold_id", ["1", "hold_1", "0199c0de", "%00", "null", "'"])
async def test_what_is_no_hold_id_is_refused(shop: Shop, hold_id: str) -> None:
    for verb in ("capture", "release"):
        answer = await shop.post(f"/holds/{hold_id}/{verb}", {"request_id": "r"})
        assert refused(answer, 400, "VALIDATION_ERROR")["errors"][0]["field"] == "id"


async def test_a_hold_with_a_time_to_live_lapses_by_itself(shop: Shop) -> None:
    """S2.5: released by every read after its time, with or without a sweep."""
    await shop.grant()
    held = await shop.hold(amount=10, ttl_seconds=600)
    assert held["balance_after"] == 0
    location = await locations.find(shop.front.db, shop.id)
    assert isinstance(location, Location)
    await clocks.advance_days(shop.front.db, shop.id, 1)

    assert await shop.available() == 10
    assert (await shop.deduct())["balance_after"] == 9
    assert (await settle(shop, held, "capture"))["reason_code"] == "HOLD_ALREADY_CLOSED"
    await shop.assert_books()


@pytest.mark.parametrize("seconds", [0, -1, 86_401, 1.5, "600"])
async def test_a_time_to_live_is_a_day_at_most(shop: Shop, seconds: object) -> None:
    body = {"request_id": "r", "external_contact_id": "c", "calendar_id": "cal_1"}

    refused(await shop.post("/holds", {**body, "ttl_seconds": seconds}), 400, "VALIDATION_ERROR")


async def test_fifty_ends_of_one_hold_end_it_once(shop: Shop) -> None:
    await shop.grant()
    held = await shop.hold(amount=4)
    verbs = ["capture", "release"] * 25

    answers = await asyncio.gather(*(settle(shop, held, verb) for verb in verbs))

    assert sum(answer["ok"] for answer in answers) == 1
    assert {a["reason_code"] for a in answers if not a["ok"]} == {"HOLD_ALREADY_CLOSED"}
    await shop.assert_books()


async def test_fifty_bookings_of_one_place_hold_it_once(shop: Shop) -> None:
    await shop.grant()

    answers = await asyncio.gather(*(shop.hold(external_ref="appt_1") for _ in range(50)))

    codes = sorted(answer["reason_code"] for answer in answers)
    assert codes == ["DUPLICATE_EVENT"] * 49 + ["held"]
    assert await shop.available() == 9

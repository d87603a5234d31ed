"""Products over HTTP: created, edited, archived, and said in plain sentences."""

from __future__ import annotations

from typing import Any

import pytest

from tests import make
from tests.api.conftest import refused
from tests.api.front import PACKAGE, Front

GOLD: dict[str, Any] = {
    "name": "8 a month",
    "type": "membership",
    "credits": 8,
    "rules": {"rollover": {"max_per_roll": 4, "lives_months": 2}, "cancel_window_minutes": 720},
}


async def post(shop: Any, path: str, **body: Any) -> dict[str, Any]:
    answer = await shop.post(path, {"request_id": make.name("request"), **body})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_product_is_created_and_says_what_it_promises(front: Front) -> None:
    shop = await front.shop()

    preview = await post(shop, "/products", **GOLD, product_config_id="gold", preview=True)
    made = await post(shop, "/products", **GOLD, product_config_id="gold")

    assert made["reason_code"] == "product_created"
    assert made["rules"] == GOLD["rules"]
    assert made["sentences"][:2] == [
        "8 credits every month.",
        "Of the unused credits up to 4 carry over for 2 months; the rest is lost.",
    ]
    assert "Cancelling is free until 12 hours before the start." in made["sentences"]
    unlike = ("correlation_id", "created_at")
    assert {**preview, **{name: made[name] for name in unlike}} == made
    found = (await shop.get("/products/gold")).json()
    assert (found["reason_code"], found["sentences"]) == ("product_loaded", made["sentences"])
    assert (await shop.grant("gold"))["credits_granted"] == 8


async def test_the_same_request_makes_one_product(front: Front) -> None:
    shop = await front.shop()
    body = {"request_id": "p-1", **GOLD}

    first = await shop.post("/products", body)
    again = await shop.post("/products", body)

    assert first.json() == again.json()
    assert (await shop.get("/products")).json()["products"][-1]["name"]
    assert await shop.count("products") == 3


async def test_a_version_touches_nobody(front: Front) -> None:
    shop = await front.shop()
    path = f"/products/{PACKAGE}/versions"

    changed = await post(shop, path, credits=12, never_expires=True, all_calendars=True)

    assert (changed["version"], changed["credits"], changed["calendars"]) == (2, 12, None)
    first = (await shop.get(f"/products/{PACKAGE}", version=1)).json()
    assert (first["version"], first["credits"]) == (1, 10)
    assert (await post(shop, path, credits=12))["version"] == 2
    unknown = await post(shop, "/products/pc_none/versions", credits=12)
    assert unknown["reason_code"] == "CONFIG_NOT_FOUND"


async def test_a_product_that_is_not_there_is_not_found(front: Front) -> None:
    shop = await front.shop()

    unknown = await shop.get("/products/pc_none")
    version = await shop.get(f"/products/{PACKAGE}", version=9)
    neither = await shop.get("/products/pc_none", version=9)

    refused(unknown, 404, "NOT_FOUND")
    message = refused(version, 404, "NOT_FOUND")["message"]
    assert message == f"There is no version 9 of product '{PACKAGE}'; its newest is 1."
    assert refused(neither, 404, "NOT_FOUND")["message"] == unknown.json()["message"]


async def test_an_archived_product_does_not_change(front: Front) -> None:
    shop = await front.shop()

    gone = await post(shop, f"/products/{PACKAGE}/archive")
    again = await post(shop, f"/products/{PACKAGE}/archive")
    changed = await post(shop, f"/products/{PACKAGE}/versions", credits=12)

    assert (gone["status"], again["status"]) == ("archived", "archived")
    assert changed["reason_code"] == "PRODUCT_ARCHIVED"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"credits": -1}, "0 to 1000000"),
        ({"rules": {"caps": [{"count": 1, "window": "rolling"}]}}, "rolling cap"),
        ({"rules": {"validity": {"starts": "fixed"}}}, "fixed date"),
        ({"rules": {"validity": {"must_activate_days": 3}}}, "first class"),
        ({"rules": {"period_months": 12, "grant_months": 5}}, "whole parts"),
        ({"rules": {"freeze": {"min_days": 9, "max_days": 3}}}, "longest freeze"),
        (
            {"rules": {"validity": {"starts": "fixed", "starts_on": "9999-12-31"}}},
            "1970 to 2199",
        ),
        ({"expiry_days": 3}, "period"),
        ({"product_config_id": "a b"}, "letters"),
        ({"calendars": {"cal_1": 0}}, "cal_1 costs 1 to 1000 credits, not 0"),
        ({"calendars": {"cal_1": -2}}, "cal_1 costs 1 to 1000 credits, not -2"),
        ({"calendars": {"": 2}}, "calendar id is empty"),
        ({"calendars": {}}, "or all of them"),
    ],
)
async def test_what_cannot_be_is_refused_with_the_rule(
    front: Front, change: dict[str, Any], says: str
) -> None:
    shop = await front.shop()

    answer = await post(shop, "/products", **{**GOLD, **change})

    assert answer["reason_code"] == "PRODUCT_INVALID"
    assert says in answer["detail"]
    assert await shop.count("products") == 2


@pytest.mark.parametrize(
    "change",
    [
        {"rules": {"unknown": 1}},
        {"rules": {"caps": [{"count": 0, "window": "week"}]}},
        {"rules": {"rollover": {"percent": 101}}},
        {"rules": []},
        {"type": "voucher"},
        {"calendars": {"cal_1": "x"}},
        {"calendars": {"cal_1": 1.5}},
        {"calendars": ["cal_1:2"]},
        {"credits": "8"},
    ],
)
async def test_malformed_rules_are_refused_by_the_door(
    front: Front, change: dict[str, Any]
) -> None:
    shop = await front.shop()

    async with front.untouched():
        answer = await shop.post("/products", {"request_id": "p-2", **GOLD, **change})

    assert (answer.status_code, answer.json()["reason_code"]) == (400, "VALIDATION_ERROR")


async def test_an_id_can_be_taken_once(front: Front) -> None:
    shop = await front.shop()

    taken = await post(shop, "/products", **GOLD, product_config_id=PACKAGE)

    assert taken["reason_code"] == "PRODUCT_ID_TAKEN"


async def test_products_ask_for_their_scope(front: Front) -> None:
    shop = await front.shop()
    token = await shop.client("grant", "summary")

    for path in ("/products", f"/products/{PACKAGE}/versions", f"/products/{PACKAGE}/archive"):
        body = {"request_id": make.name("request")} | (GOLD if path == "/products" else {})
        answer = await shop.post(path, body, token=token)
        assert answer.json()["reason_code"] == "INSUFFICIENT_SCOPE"

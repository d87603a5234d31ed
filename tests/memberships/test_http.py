"""The endpoints of memberships, over HTTP, held to the OpenAPI document."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests import make
from tests.api.front import MEMBERSHIP, Front, Shop, opened_front


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def front(
    clones: Any, template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Front]:
    target = await clones.make(template)
    async with opened_front(target, tmp_path_factory.mktemp("front")) as made:
        yield made
    await clones.drop(target)


async def member(shop: Shop) -> str:
    body = {"request_id": "g", "external_payment_id": "p", "external_contact_id": "ana"}
    answer = await shop.post("/grants", {**body, "product_config_id": MEMBERSHIP})
    return answer.json()["entitlement_id"]


async def ask(shop: Shop, path: str, **body: Any) -> dict[str, Any]:
    answer = await shop.post(path, {"request_id": make.name("r"), **body})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_each_act_previews_the_numbers_of_its_commit(front: Front) -> None:
    shop = await front.shop()
    await shop.product("pc_12", kind="membership", credits_=12)
    path = f"/memberships/{await member(shop)}"
    for verb, body in (
        ("change", {"product_config_id": "pc_12", "payment_expected": False}),
        ("renew", {}),
        ("payment-failed", {"reason": "card declined"}),
        ("cancel", {"reason": "moving"}),
        ("uncancel", {}),
        ("cancel", {"at": "now"}),
    ):
        async with front.untouched():
            preview = await ask(shop, f"{path}/{verb}", preview=True, **body)
        done = await ask(shop, f"{path}/{verb}", **body)
        assert done["ok"], done
        assert comparable(preview) == comparable(done)
    assert (await ask(shop, f"{path}/renew"))["reason_code"] == "MEMBERSHIP_ENDED"


async def test_a_cancellation_names_the_change_it_drops_and_the_one_that_comes_back(
    front: Front,
) -> None:
    """S9.7."""
    shop = await front.shop()
    await shop.product("pc_12", kind="membership", credits_=12)
    path = f"/memberships/{await member(shop)}"
    change = await ask(shop, f"{path}/change", product_config_id="pc_12", when="next_period")
    dropped = (await ask(shop, f"{path}/cancel"))["change_dropped"]
    restored = (await ask(shop, f"{path}/uncancel"))["change_restored"]

    assert dropped == restored
    assert {name: change[name] for name in dropped} == dropped


async def test_the_same_request_has_the_same_answer(front: Front) -> None:
    shop = await front.shop()
    path = f"/memberships/{await member(shop)}/renew"
    first = await shop.post(path, {"request_id": "r"})
    again = await shop.post(path, {"request_id": "r"})

    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"


async def test_every_time_is_written_with_milliseconds(front: Front) -> None:
    """Also those of what happened, and of time travel; each answer is held to it."""
    shop = await front.shop()
    id_ = await member(shop)
    travelled = await shop.post("/clock/advance", {"days": 1})
    await ask(shop, f"/memberships/{id_}/cancel")
    timeline = await shop.get("/contacts/ana/timeline")

    [cancelled] = [
        item for item in timeline.json()["items"] if item["type"] == "membership_cancelled"
    ]
    assert cancelled["details"]["ends_at"].endswith(".000Z")
    assert travelled.json()["now"][-5:-4] == "."


async def test_what_is_wrong_is_said(front: Front) -> None:
    shop = await front.shop()
    id_ = await member(shop)
    neither = await shop.post(f"/memberships/{id_}/change", {"request_id": "a"})
    not_uuid = await shop.post("/memberships/x/renew", {"request_id": "b"})
    stranger = await ask(await front.shop(), f"/memberships/{id_}/renew")

    assert neither.json()["errors"][0]["field"] == "product_config_id"
    assert not_uuid.json()["errors"][0]["field"] == "id"
    assert stranger["reason_code"] == "MEMBERSHIP_NOT_FOUND"


def comparable(answer: dict[str, Any]) -> dict[str, Any]:
    """Leave out the ids that are made anew each time."""
    made = {"correlation_id", "lot_id", "change_id"}
    return {name: value for name, value in answer.items() if name not in made}

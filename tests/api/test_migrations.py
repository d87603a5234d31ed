"""S9.8: members move to another version at their next periods, with a preview, over HTTP."""

from __future__ import annotations

from typing import Any

from tests import make
from tests.api.front import MEMBERSHIP, Shop


async def ask(shop: Shop, path: str, **body: Any) -> dict[str, Any]:
    answer = await shop.post(path, {"request_id": make.name("r"), **body})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_members_move_to_the_current_version(shop: Shop) -> None:
    """The preview says the commit's numbers and plans nothing."""
    await shop.grant(MEMBERSHIP)
    await ask(shop, f"/products/{MEMBERSHIP}/versions", credits=12)

    preview = await ask(shop, f"/products/{MEMBERSHIP}/migrate", preview=True)
    planned = await shop.count("membership_changes")
    done = await ask(shop, f"/products/{MEMBERSHIP}/migrate", request_id="m")
    again = await ask(shop, f"/products/{MEMBERSHIP}/migrate", request_id="m")
    later = await ask(shop, f"/products/{MEMBERSHIP}/migrate")

    assert planned == 0
    assert {**preview, "correlation_id": done["correlation_id"]} == done == again
    assert (done["version"], done["memberships"], done["left_alone"]) == (2, 1, 0)
    assert done["first_at"] == done["last_at"]
    assert (later["memberships"], later["left_alone"]) == (0, 1)


async def test_what_is_not_there_is_refused(shop: Shop) -> None:
    unknown = await ask(shop, "/products/nothing/migrate")
    version = await ask(shop, f"/products/{MEMBERSHIP}/migrate", version=9)

    assert [unknown["reason_code"], version["reason_code"]] == ["CONFIG_NOT_FOUND"] * 2

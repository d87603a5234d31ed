"""S3.1: `explain` has one row per plan and lot considered."""

from __future__ import annotations

from typing import Any

from kotally.products.policies import Cap
from kotally.products.rules import Rules
from tests.api.front import CALENDAR, Shop


async def explained(shop: Shop, **asked: Any) -> list[tuple[Any, ...]]:
    answer = await shop.check(explain=True, **asked)
    return [
        (row["product_config_id"], row["lot_id"] is None, row["verdict"], row["fix"] is None)
        for row in answer["explain"]
    ]


async def test_an_unlimited_plan_is_named_before_the_lots(shop: Shop) -> None:
    await shop.product("pc_all", kind="membership", rules=Rules(unlimited=True))
    await shop.grant("pc_all")
    await shop.grant()

    rows = await explained(shop)

    assert rows == [
        ("pc_all", True, "eligible", True),
        ("pc_package_1", False, "eligible", True),
    ]
    far = await explained(shop, appointment_time="2199-01-01T00:00:00Z")
    assert far[0] == ("pc_all", True, "EXPIRES_BEFORE_APPOINTMENT", False)
    other = await explained(shop, product_config_id="pc_package_1")
    assert other[0] == ("pc_all", True, "OTHER_PRODUCT", False)


async def test_a_plan_whose_cap_is_reached_says_so(shop: Shop) -> None:
    """S3.2: the cap is the refusal; the plan and its lot are both in the list."""
    await shop.product("pc_capped", rules=Rules(caps=[Cap(count=1, window="day")]))
    await shop.grant("pc_capped")
    before = await explained(shop)
    await shop.deduct(calendar_id=CALENDAR)

    after = await explained(shop)

    assert before[0] == ("pc_capped", True, "eligible", True)
    assert after[0] == ("pc_capped", True, "CAP_REACHED", False)
    assert [row[:2] for row in after] == [("pc_capped", True), ("pc_capped", False)]

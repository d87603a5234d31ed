"""All orders of an upgrade, a freeze and a renewal around a boundary, told once or more often."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from tests.ledger.desk import SCALE, at
from tests.lifecycle import acts, prints
from tests.lifecycle.conftest import Opened
from tests.lifecycle.studio import Do, Studio, how

UPGRADE = {"membership": 0, "product_config_id": "twelve", "when": "next_period"}
EVENTS: dict[str, tuple[Do, dict[str, Any]]] = {
    "upgrade": (acts.change, UPGRADE),
    "freeze": (acts.freeze, {"membership": 0, "days": 10}),
    "renewal": (acts.pay, {"member": "ana", "product": "eight", "payment": "inv_2"}),
}
ORDERS = list(permutations(EVENTS))
PLAIN = [order for order in ORDERS if order.index("upgrade") < order.index("renewal")]
# S9.5: an upgrade takes effect at the next period's start, and what is paid for has one already:
# asked for after the payment of the period to come, it is for the one after that.
PAID_AHEAD = [order for order in ORDERS if order not in PLAIN]
BOUGHT = timedelta(days=17)  # on 15 February: the period turns on 15 March, unless it is frozen
ASKED = timedelta(days=21)  # a week before
FROZEN_ON = date(2026, 3, 12)  # for ten days, over the boundary
BOUNDARY = timedelta(days=27, hours=13)  # its first instant in New York
SHORT = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


async def ended(
    studio: Studio,
    order: Any,
    *,
    bought: timedelta = BOUGHT,
    asked: timedelta = ASKED,
    frozen_on: date = FROZEN_ON,
) -> dict[str, Any]:
    """Tell a studio of the events in an order, and say how it stands after the boundary."""
    if bought:
        await studio.waits(bought, is_punctual=True)
    said = {"member": "ana", "product": "eight", "payment": "inv_1"}
    studio.know_membership(studio.learn(await acts.pay(studio, how("start"), **said)))
    await acts.spend(studio, how("use"), operation="deduct", member="ana", amount=3)
    await studio.waits(asked, is_punctual=True)
    for number, name in enumerate(order):
        do, wanted = EVENTS[name]
        when: dict[str, Any] = {"starts_on": frozen_on} if name == "freeze" else {}
        await do(studio, how(f"{name} {number}"), **wanted, **when)
    await studio.waits(timedelta(days=60) - asked, is_punctual=True)
    return await prints.state(studio)


@pytest.mark.parametrize("orders", [PLAIN, PAID_AHEAD], ids=["before", "after"])
async def test_each_order_ends_the_same(opened: Opened, orders: list[Any]) -> None:
    """The shifted bounds, the plan, the credits and the freeze do not depend on who came first."""
    ends = [await ended(await opened(), order) for order in orders]

    for end in ends[1:]:
        assert prints.differences(ends[0], end) == {}


async def test_the_orders_differ_by_what_was_paid_ahead(opened: Opened) -> None:
    """S9.5: the plan of a period that was paid for stays; the upgrade is for the next one."""
    upgraded, ahead = [await ended(await opened(), orders[0]) for orders in (PLAIN, PAID_AHEAD)]

    assert [row[1] for row in upgraded["lots"]].count("twelve") == 1
    assert [row[1] for row in ahead["lots"]].count("twelve") == 0
    # The bounds and the freeze are the same.
    assert [row[2:4] for row in upgraded["periods"][:2]] == [
        row[2:4] for row in ahead["periods"][:2]
    ]
    assert upgraded["freezes"] == ahead["freezes"]


@settings(max_examples=6 * SCALE, deadline=None, suppress_health_check=SHORT)
@given(
    order=st.sampled_from(PLAIN),
    again=st.lists(st.tuples(st.integers(0, 2), st.integers(1, 9)), min_size=1, max_size=4),
)
async def test_duplicates_anywhere_change_nothing(
    opened: Opened, order: tuple[str, ...], again: list[tuple[int, int]]
) -> None:
    """S9.1, S15.3: told again under other requests, anywhere after the first time."""
    told = list(order)
    for which, later in again:
        place = told.index(order[which]) + later
        # A second upgrade is one after the payment too; before it, it is the same wish again.
        if order[which] == "upgrade":
            place = min(place, told.index("renewal"))
        told.insert(place, order[which])

    plain, twice = await ended(await opened(), order), await ended(await opened(), told)

    assert prints.differences(plain, twice) == {}


async def test_told_twice_at_the_first_instant_of_a_period(opened: Opened) -> None:
    """S9.1, S9.5: whoever is late finds it done."""
    ends = [
        await ended(await opened(), order, asked=BOUNDARY)
        for order in (("upgrade", "renewal"), ("upgrade", "upgrade", "renewal", "renewal"))
    ]

    assert prints.differences(*ends) == {}


async def test_a_month_paid_before_a_freeze_keeps_its_days(opened: Opened) -> None:
    """
    S8.5: its bounds move by the frozen days. S9.2: one paid after counts a month from its start.

    The two differ only where the freeze takes the boundary into a month of another length.
    """
    in_february: dict[str, Any] = {"bought": timedelta(0), "frozen_on": date(2026, 2, 24)}
    paid, frozen = [
        await ended(await opened(), order, **in_february)
        for order in (("renewal", "freeze"), ("freeze", "renewal"))
    ]

    second = [
        next(row[2:4] for row in end["periods"] if row[1] == 2)  # its first instant and its last
        for end in (paid, frozen)
    ]
    assert second == [
        (at("2026-03-10T04:00"), at("2026-04-08T04:00")),  # 28 February to 29 March, and ten days
        (at("2026-03-10T04:00"), at("2026-04-10T04:00")),
    ]

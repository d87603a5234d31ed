"""S8.4, S8.5: a period that is confirmed after its freeze began or ended."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio

from tests.memberships.club import Club, ny
from tests.memberships.pausing import Pausing
from tests.memberships.test_freezes import member


@pytest_asyncio.fixture(loop_scope="session")
async def pausing(club: Club) -> Pausing:
    return Pausing(club)


async def unpaid(club: Club, pausing: Pausing, **freeze: Any) -> str:
    """Let a freeze be planned for February, and January end without a payment for it."""
    id_ = await member(club, **freeze)
    await pausing.freeze(id_, "2026-02-10", "2026-02-24", override_reason="planned before")
    await pausing.moves_to("2026-02-01T12:00")
    return id_


@pytest.mark.parametrize("mode", ["shift", "prorate", "keep"])
@pytest.mark.parametrize("paid_at", ["2026-02-01T13:00", "2026-02-12T12:00", "2026-02-26T12:00"])
async def test_a_payment_after_the_freeze_began_or_ended_comes_to_the_same(
    club: Club, pausing: Pausing, mode: str, paid_at: str
) -> None:
    """S8.4, S8.5: bounds and expiry of the period are those of a payment in time."""
    id_ = await unpaid(club, pausing, mode=mode, while_past_due=True)
    await pausing.moves_to(paid_at)
    paid = await club.pays("eight-ana")
    await pausing.moves_to("2026-02-27T12:00")

    bound = ny("2026-03-15T04:00") if mode == "shift" else ny("2026-03-01T05:00")
    standing = await club.membership(id_)
    assert standing["period_ends_at"] == standing["expected_next_charge_at"] == bound
    assert await pausing.expiry(paid["lot_id"]) == (ny("2026-03-15T04:00"), None)
    assert [each["shifted_days"] for each in await pausing.freezes()] == [
        14 if mode == "shift" else 0
    ]
    if paid_at == "2026-02-26T12:00":
        assert ny(paid["expires_at"].replace("Z", "+00:00")) == ny("2026-03-15T04:00")


@pytest.mark.parametrize("mode", ["shift", "prorate", "keep"])
@pytest.mark.parametrize("late", [False, True])
async def test_a_worker_that_comes_after_a_freeze_of_the_next_period(
    club: Club, pausing: Pausing, mode: str, late: bool
) -> None:
    """S8.5, S6.5: what rolls over and what renews at a bound before the freeze follows it too."""
    await club.sells("own", renews="itself", rollover={"max_per_roll": 4})
    id_ = (await club.pays("own"))["entitlement_id"]
    await pausing.freeze(id_, "2026-02-10", "2026-02-24", mode=mode)
    for at in [] if late else ["2026-02-01T12:00", "2026-02-10T12:00", "2026-02-24T12:00"]:
        await pausing.moves_to(at)
    await pausing.moves_to("2026-02-26T12:00")

    bound = ny("2026-03-15T04:00") if mode == "shift" else ny("2026-03-01T05:00")
    assert (await club.membership(id_))["period_ends_at"] == bound
    assert sorted(await club.open()) == [
        ("included", 8, ny("2026-03-15T04:00")),
        ("rollover", 4, ny("2026-03-15T04:00")),
    ]


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize(
    ("freeze", "ends"),
    [  # across the bound, until it, and before it
        (("2026-01-25", "2026-02-08"), ("2026-02-15T05:00", "2026-03-08T05:00")),
        (("2026-01-25", "2026-02-01"), ("2026-02-08T05:00", "2026-03-01T05:00")),
        (("2026-01-10", "2026-01-24"), ("2026-02-15T05:00", "2026-03-01T05:00")),
    ],
)
async def test_a_period_rolls_over_at_its_bound_though_a_freeze_lets_its_credits_live(
    club: Club, pausing: Pausing, freeze: tuple[str, str], ends: tuple[str, str], *, late: bool
) -> None:
    """S7.1, S8.4, S8.5, `keep`: the bound stays, so it rolls there; the rest lives on; S6.5."""
    await club.sells("own", renews="itself", rollover={"max_per_roll": 4})
    id_ = (await club.pays("own"))["entitlement_id"]
    await club.uses(1)
    await pausing.freeze(id_, *freeze, mode="keep")
    for day in [] if late else sorted([*freeze, "2026-02-01"]):
        await pausing.moves_to(f"{day}T05:00")
    old, new = ends
    await pausing.moves_to("2026-02-10T12:00" if old > "2026-02-10" else "2026-02-07T12:00")

    assert sorted(await club.open()) == [
        ("included", 3, ny(old)),
        ("included", 8, ny(new)),
        ("rollover", 4, ny(new)),
    ]
    assert await club.moved("rollover") == [("rolled_over", 4, ny("2026-02-01T05:00"))]
    assert await club.moved("forfeit") == []

    await pausing.moves_to("2026-02-16T12:00")

    assert await club.moved("expire") == [("expired", 3, ny(old))]
    await pausing.moves_to("2026-03-09T12:00")
    assert [at for _, _, at in await club.moved("rollover")] == [
        ny("2026-02-01T05:00"),
        ny("2026-03-01T05:00"),
    ]


async def test_a_freeze_of_another_membership_leaves_the_roll_over_where_it_is(
    club: Club, pausing: Pausing
) -> None:
    """S7.1, S8.4: it covers all of the member's lots, and moves the bounds of its own."""
    await club.sells("own", renews="itself", rollover={"max_per_roll": 4})
    await club.pays("own")
    await club.sells("other", 0, unlimited=True, renews="itself")
    other = (await club.pays("other"))["entitlement_id"]
    await pausing.freeze(other, "2026-01-10", "2026-01-20", covers_packs=True)

    await pausing.moves_to("2026-02-01T12:00")

    assert sorted(await club.open()) == [
        ("included", 4, ny("2026-02-11T05:00")),
        ("included", 8, ny("2026-03-01T05:00")),
        ("rollover", 4, ny("2026-03-01T05:00")),
    ]

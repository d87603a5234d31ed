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

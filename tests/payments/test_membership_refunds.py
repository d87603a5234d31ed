"""Refunds of a membership's payments (S10.7), and of what rolled over (S10.3)."""

from __future__ import annotations

from uuid import UUID

import pytest

from kotally.memberships import cancellations
from kotally.memberships.cancellations import Wish
from tests.payments.till import Said, Till


async def _status(till: Till) -> str:
    return await till.db.fetchval(
        "select status from kotally.memberships m where m.location_id = $1", till.location
    )


async def _cancels(till: Till, membership: Said) -> None:
    await cancellations.cancel(
        till.db,
        till.location,
        UUID(membership["entitlement_id"]),
        wish=Wish(at="period_end"),
        key=till.key(),
    )


async def test_a_refunded_period_loses_its_credits_and_the_membership_goes_on(till: Till) -> None:
    """S10.7."""
    await till.sells("pc_m", 8, kind="membership")
    bought = await till.buys("pc_m", 8000)
    refunded = await till.refunds(bought)
    assert (refunded["credits_revoked"], await _status(till)) == (8, "active")


async def test_access_ends_if_the_membership_was_cancelled_too(till: Till) -> None:
    """S10.7."""
    await till.sells("pc_m", 8, kind="membership")
    bought = await till.buys("pc_m", 8000)
    await _cancels(till, bought)
    assert await _status(till) == "active"
    await till.refunds(bought, 4000)
    assert await _status(till) == "active"
    await till.refunds(bought, 4000)
    assert await _status(till) == "ended"


@pytest.mark.parametrize("cents", [8000, None, 0])
@pytest.mark.parametrize("order", [("refund", "cancel"), ("cancel", "refund")])
async def test_refund_and_cancellation_end_access_in_both_orders(
    till: Till, cents: int | None, order: tuple[str, str]
) -> None:
    """S10.7: also of a payment whose figure nobody told."""
    await till.sells("pc_m", 8, kind="membership")
    bought = await till.buys("pc_m", cents)
    for step in order:
        assert await _status(till) == "active"
        if step == "refund":
            await till.refunds(bought)
        else:
            await _cancels(till, bought)

    assert await _status(till) == "ended"
    assert await till.balance() == (0, 0, 0, 0)


async def test_a_period_paid_ahead_outlives_the_refund_of_the_running_one(till: Till) -> None:
    """S10.7: what is still paid is still given."""
    await till.sells("pc_m", 8, kind="membership")
    bought = await till.buys("pc_m", 8000)
    await till.buys("pc_m", 8000)
    await till.refunds(bought)
    await _cancels(till, bought)

    assert await _status(till) == "active"


@pytest.mark.parametrize("cents", [None, 0])
async def test_a_pack_whose_figure_nobody_told_ends_when_it_is_refunded(
    till: Till, cents: int | None
) -> None:
    """S10.7, B4: its purchase does not count any more."""
    await till.sells(intro={"max_per_contact": 1})
    bought = await till.buys(cents=cents)
    assert (await till.pays()).code == "PURCHASE_LIMIT_REACHED"
    back = await till.refunds(bought)

    assert (back["credits_revoked"], await till.balance()) == (10, (0, 0, 0, 0))
    reason = await till.db.fetchval(
        "select e.end_reason from kotally.entitlements e where e.location_id = $1", till.location
    )
    assert reason == "refunded"
    assert (await till.buys())["credits_granted"] == 10


async def test_a_refund_of_a_period_reaches_what_rolled_over(till: Till) -> None:
    """S10.3: available of the lot, then of its rollover children."""
    await till.sells("pc_m", 8, kind="membership", rollover={"max_per_roll": 4})
    first = await till.buys("pc_m", 8000)
    await till.uses(3)
    await till.moves_to("2026-04-02T12:00:00")
    second = await till.buys("pc_m", 8000)
    assert second["balance_after"] == 12
    refunded = await till.refunds(first)
    assert (refunded["taken"]["available"], refunded["taken"]["forfeited"]) == (4, 1)
    assert refunded["credits_owed"] == 3
    assert await till.balance() == (8, 0, 0, 3)

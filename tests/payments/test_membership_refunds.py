"""Refunds of a membership's payments (S10.7), and of what rolled over (S10.3)."""

from __future__ import annotations

from uuid import UUID

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

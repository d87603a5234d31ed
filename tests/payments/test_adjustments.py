"""Corrections by hand, and what needs another person (S12.1, S12.2)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from kotally.payments.choosing import Named
from kotally.payments.limits import Exceeded, Limits, decide, limits_of
from kotally.workspaces import approvals
from tests.payments.till import NOON, Till


async def test_given_credits_are_goodwill_without_cost_for_90_days(till: Till) -> None:
    """S12.1."""
    await till.contact_id()
    said = await till.adjusts(3, reason="goodwill")
    assert (said.code, said["balance_after"]) == ("adjusted", 3)
    lot = (await till.lots())[0]
    assert (lot["class"], lot["available"]) == ("goodwill", 3)
    assert datetime.fromisoformat(said["expires_at"]) - NOON > timedelta(days=90)
    assert (await till.uses(3, calendar_id="any")).code == "deducted"


async def test_given_credits_of_a_product_cover_what_it_covers(till: Till) -> None:
    await till.sells("pc_1", coverage={"cal_1": 1})
    await till.contact_id()
    assert (await till.adjusts(3, product_config_id="pc_1")).code == "adjusted"
    assert (await till.uses(1, calendar_id="cal_2")).code == "SERVICE_FAMILY_MISMATCH"
    unknown = await till.adjusts(3, product_config_id="pc_9")
    assert unknown.code == "CONFIG_NOT_FOUND"


async def test_taken_credits_are_those_that_would_be_spent_next(till: Till) -> None:
    """S12.1."""
    await till.sells()
    await till.buys()
    await till.buys()
    said = await till.adjusts(-12)
    assert (said.code, said["balance_after"]) == ("adjusted", 8)
    assert [lot.get("forfeited", 0) for lot in await till.lots()] == [10, 2]


async def test_taken_credits_are_not_those_that_are_blocked(till: Till) -> None:
    """S12.1: what is paused is not spent next; it is taken when there is nothing else."""
    await till.sells()
    first = await till.buys()
    await till.owner.execute(
        """
        insert into kotally.blockers (
          location_id, id, contact_id, entitlement_id, kind, starts_at, source, message, created_at)
        values ($1, gen_random_uuid(), $2, $3, 'admin', $4, 'tests', '', $4)
        """,
        till.location,
        await till.contact_id(),
        first["entitlement_id"],
        NOON,
    )
    await till.buys()

    said = await till.adjusts(-4)
    assert (said.code, said["balance_after"]) == ("adjusted", 6)
    assert [lot.get("forfeited", 0) for lot in await till.lots()] == [0, 4]
    refused = await till.adjusts(-30)
    assert (refused.code, refused["balance_after"], refused["available"]) == (
        "INSUFFICIENT_CREDITS", 6, 16,
    )  # fmt: skip
    assert (await till.adjusts(-8))["balance_after"] == 0


async def test_taken_credits_can_be_named_lot_by_lot(till: Till) -> None:
    """S12.1."""
    await till.sells()
    bought = [await till.buys(), await till.buys()]
    second = UUID(bought[1]["lot_id"])
    assert (await till.adjusts(-2, lots=[Named(second, 2)])).code == "adjusted"
    assert [lot.get("forfeited", 0) for lot in await till.lots()] == [0, 2]
    wrong = await till.adjusts(-3, lots=[Named(second, 2)])
    assert wrong.code == "LOTS_DO_NOT_ADD_UP"
    more = await till.adjusts(-9, lots=[Named(second, 9)])
    assert (more.code, more["available"]) == ("INSUFFICIENT_CREDITS", 8)


async def test_a_correction_never_touches_held_credits_nor_goes_below_zero(till: Till) -> None:
    """S12.1."""
    await till.sells()
    await till.buys()
    await till.holds(4)
    said = await till.adjusts(-7)
    assert (said.code, said["available"]) == ("INSUFFICIENT_CREDITS", 6)
    assert await till.balance() == (6, 4, 0, 0)


async def test_what_a_correction_took_is_not_taken_again_by_a_refund(till: Till) -> None:
    """S10.3: forfeited credits cost the member nothing."""
    await till.sells()
    bought = await till.buys()
    await till.adjusts(-4)
    refunded = await till.refunds(bought)
    assert (refunded["taken"]["forfeited"], refunded["shortfall"]) == (4, 0)


async def test_above_the_limit_of_a_role_another_person_decides(till: Till) -> None:
    """S12.2: until then nothing happens."""
    await till.contact_id()
    asked = await till.adjusts(51, role="admin")
    assert (asked.code, asked["limit"], asked["allowed"]) == (
        "approval_requested",
        "per_action",
        50,
    )
    assert await till.balance() == (0, 0, 0, 0)
    assert (await till.decides(asked, by="ann")).code == "APPROVAL_NEEDS_ANOTHER_PERSON"
    done = await till.decides(asked, by="bob")
    assert (done.code, done["balance_after"]) == ("adjusted", 51)
    again = await till.decides(asked, by="bob")
    assert (again.code, again["status"]) == ("APPROVAL_ALREADY_DECIDED", "approved")


async def test_a_rejected_request_has_no_effect(till: Till) -> None:
    """S12.2."""
    await till.contact_id()
    asked = await till.adjusts(51, role="admin")
    said = await till.decides(asked, by="bob", approved=False)
    assert (said.code, await till.balance()) == ("approval_rejected", (0, 0, 0, 0))


async def test_a_request_that_nobody_decides_lapses(till: Till) -> None:
    """S12.2."""
    await till.contact_id()
    asked = await till.adjusts(51, role="admin")
    await till.moves_to(NOON + timedelta(days=7))
    assert (await till.decides(asked, by="bob")).code == "APPROVAL_LAPSED"
    swept = await approvals.lapse_due(till.db, till.location, limit=10)
    assert (swept.count, swept.events) == (1, ["adjustment that staff:ann asked for lapsed"])
    assert (await approvals.lapse_due(till.db, till.location, limit=10)).count == 0
    assert (await till.decides(asked, by="bob")).code == "APPROVAL_LAPSED"


async def test_the_limit_of_a_day_counts_what_the_same_person_did(till: Till) -> None:
    """S12.2."""
    await till.contact_id()
    codes = [(await till.adjusts(50, role="admin")).code for _ in range(5)]
    assert codes == ["adjusted"] * 4 + ["approval_requested"]
    assert (await till.adjusts(50, role="admin", by="bob")).code == "adjusted"
    await till.moves_to(NOON + timedelta(days=1))
    assert (await till.adjusts(-50, role="admin")).code == "adjusted"


async def test_an_unknown_contact_is_refused(till: Till) -> None:
    assert (await till.of("nobody").adjusts(1)).code == "CONTACT_NOT_FOUND"


async def test_a_preview_says_what_the_correction_comes_to(till: Till) -> None:
    await till.sells()
    await till.buys()
    shown = await till.adjusts(-3, preview=True)
    assert await till.balance() == (10, 0, 0, 0)
    assert (await till.adjusts(-3)).answer == shown.answer


@pytest.mark.parametrize(
    ("amount", "today", "expected"),
    [
        (10, 0, None),
        (-10, 10, None),
        (11, 0, Exceeded(limit="per_action", allowed=10)),
        (-10, 11, Exceeded(limit="per_day", allowed=9)),
        (5, 30, Exceeded(limit="per_day", allowed=0)),
    ],
)
def test_a_correction_is_within_both_limits_or_says_which(
    amount: int, today: int, expected: Any
) -> None:
    """S12.2."""
    assert decide(Limits(per_action=10, per_day=20), amount, today=today) == expected


def test_a_location_sets_its_own_limits() -> None:
    """S12.2."""
    settings = {"adjustment_limits": {"admin": {"per_action": 7}, "owner": {"per_day": 9}}}
    assert limits_of(settings, "admin") == Limits(per_action=7, per_day=200)
    assert limits_of(settings, "owner") == Limits(per_day=9)


async def test_what_a_lapsed_hold_had_can_be_taken_though_no_sweep_has_come(till: Till) -> None:
    """S2.5."""
    await till.sells()
    await till.buys()
    await till.holds(8, args={"ttl_seconds": 60})
    await till.moves_to(NOON + timedelta(minutes=2))

    said = await till.adjusts(-5)

    assert (said.code, said["balance_after"]) == ("adjusted", 5)
    assert await till.balance() == (5, 0, 0, 0)

"""Credits used before they are granted, and paid back by the next grant (S11.5)."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from tests import make
from tests.payments.till import NOON, Till


async def _member(till: Till, used: int = 8) -> None:
    """A member whose plan allows two credits in advance, and who has used the month's."""
    await till.sells("pc_m", 8, kind="membership", arrears={"advance_max": 2})
    await till.buys("pc_m", 8000)
    if used:
        assert (await till.uses(used)).code == "deducted"


async def test_a_plan_lets_a_member_owe_up_to_its_limit(till: Till) -> None:
    """S11.5."""
    await _member(till)
    used = await till.uses(2)
    assert (used.code, used.answer["balance_after"], used.answer["credits"]) == ("deducted", 0, 2)
    assert await till.balance() == (0, 0, 0, 2)
    assert (await till.uses(1)).code == "INSUFFICIENT_CREDITS"


async def test_what_is_there_is_used_before_anything_is_owed(till: Till) -> None:
    """S11.5, S1.5."""
    await _member(till, used=7)
    checked = (
        await make.applied(
            till.db,
            till.location,
            [
                make.deduct(2, till.contact, product_config_id=None, request_id=None)._replace(
                    operation="check"
                )
            ],
        )
    )[0]
    assert (checked.code, checked.answer["balance_after"]) == ("eligible", 0)
    used = await till.uses(2)
    assert (used.code, used.answer["balance_after"]) == ("deducted", 0)
    assert await till.balance() == (0, 0, 0, 1)


async def test_a_lapsed_hold_of_an_advance_gives_back_nothing_but_the_debt(till: Till) -> None:
    """S2.5, S11.5: what was owed was never there; before the sweep and after it."""
    await _member(till)
    assert (await till.holds(2, args={"ttl_seconds": 60})).code == "held"
    await till.moves_to(NOON + timedelta(minutes=2))
    standing = "select kotally.contact_credits($1, $2, null) -> 'credits'"

    async def codes() -> list[str]:
        asked = [make.check(units, till.contact, product_config_id=None) for units in (2, 3)]
        sql = "select c.code from kotally.check($1, $2::kotally.act[]) c order by c.ord"
        return [row["code"] for row in await till.db.fetch(sql, till.location, asked)]

    before = await till.db.fetchval(standing, till.location, till.contact)
    assert await codes() == ["eligible", "INSUFFICIENT_CREDITS"]
    await till.db.fetchval("select kotally.lapse_holds($1, 10)", till.location)

    assert (before["available"], before["owed"], before["held"]) == (0, 0, 0)
    assert before == await till.db.fetchval(standing, till.location, till.contact)
    assert await codes() == ["eligible", "INSUFFICIENT_CREDITS"]


async def test_the_next_period_settles_the_advance_first_and_says_so(till: Till) -> None:
    """S11.5."""
    await _member(till)
    await till.uses(2)
    await till.moves_to("2026-04-02T12:00:00")
    paid = await till.buys("pc_m", 8000)
    assert (paid["credits_paid_back"], paid["notice"]) == (
        2,
        "2 of your 8 credits paid back earlier classes.",
    )
    assert (await till.balance())[3] == 0
    assert paid["balance_after"] == 6


async def test_any_grant_settles_an_advance(till: Till) -> None:
    """S11.5."""
    await _member(till)
    await till.uses(2)
    await till.sells("pc_1")
    assert (await till.buys("pc_1"))["balance_after"] == 8


async def test_an_advance_that_is_given_back_is_owed_no_more(till: Till) -> None:
    """S4.3, S11.5."""
    await _member(till)
    await till.uses(2, external_ref="class")
    given = await till.restores(1, external_ref="class")
    assert (given.code, await till.balance()) == ("restored", (0, 0, 0, 1))


async def test_an_advance_that_was_settled_and_is_given_back_comes_to_the_member(
    till: Till,
) -> None:
    """S4.3, S11.5."""
    await _member(till)
    await till.uses(2, external_ref="class")
    await till.sells("pc_1")
    await till.buys("pc_1")
    given = await till.restores(2, external_ref="class")
    assert given.answer["balance_after"] == 10
    assert await till.balance() == (10, 0, 0, 0)


async def test_a_booking_may_be_held_in_advance_and_released(till: Till) -> None:
    """S2.2, S11.5."""
    await _member(till)
    held = await till.holds(2)
    assert (held.code, await till.balance()) == ("held", (0, 2, 0, 2))
    act = make.act("release", till.contact, hold_id=UUID(held.answer["hold_id"]))
    assert (await make.applied(till.db, till.location, [act]))[0].code == "released"
    assert await till.balance() == (0, 0, 0, 0)


async def test_a_hold_in_advance_is_settled_and_then_released(till: Till) -> None:
    """S2.2, S11.5."""
    await _member(till)
    held = await till.holds(2)
    await till.sells("pc_1")
    await till.buys("pc_1")
    assert await till.balance() == (8, 2, 0, 0)
    act = make.act("release", till.contact, hold_id=UUID(held.answer["hold_id"]))
    await make.applied(till.db, till.location, [act])
    assert await till.balance() == (10, 0, 0, 0)


async def test_a_plan_without_an_advance_lets_nobody_owe(till: Till) -> None:
    await till.sells("pc_m", 8, kind="membership")
    await till.buys("pc_m", 8000)
    await till.uses(8)
    assert (await till.uses(1)).code == "INSUFFICIENT_CREDITS"


async def test_an_advance_counts_the_weight_of_its_calendar(till: Till) -> None:
    """S11.5, S1.3."""
    await till.sells(
        "pc_m", 8, kind="membership", coverage={"cal_2": 2}, arrears={"advance_max": 4}
    )
    await till.buys("pc_m", 8000)
    await till.uses(4, calendar_id="cal_2")
    assert (await till.uses(1, calendar_id="cal_2")).answer["credits"] == 2
    assert await till.balance() == (0, 0, 0, 2)

"""Giving credits away, and taking that back (S12.3)."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from kotally.payments.choosing import Named
from tests.payments.till import NOON, Till


async def test_a_gift_keeps_expiry_coverage_and_its_share_of_the_cost(till: Till) -> None:
    """S12.3."""
    await till.sells(coverage={"cal_1": 2}, expiry_days=30)
    await till.buys()
    await till.of("bob").contact_id()
    said = await till.gives(4, "bob")
    assert (said.code, said["from_balance_after"], said["to_balance_after"]) == (
        "transferred",
        6,
        4,
    )
    rows = await till.db.fetch(
        "select class, cost_minor, coverage, expires_at, parent_lot_id, id, transferred"
        "  from kotally.lots l where l.location_id = $1 order by l.issued_at, l.id",
        till.location,
    )
    parent, child = rows
    assert (child["class"], child["cost_minor"], child["parent_lot_id"]) == (
        "transfer",
        3960,
        parent["id"],
    )
    assert (child["coverage"], child["expires_at"]) == (parent["coverage"], parent["expires_at"])
    assert parent["transferred"] == 4
    assert (await till.of("bob").uses(2, calendar_id="cal_1")).code == "deducted"


async def test_only_available_credits_can_be_given(till: Till) -> None:
    """S12.3."""
    await till.sells()
    await till.buys()
    await till.of("bob").contact_id()
    await till.holds(4)
    said = await till.gives(7, "bob")
    assert (said.code, said["available"]) == ("INSUFFICIENT_CREDITS", 6)
    assert (await till.gives(1, "nobody")).code == "CONTACT_NOT_FOUND"
    assert (await till.gives(1, "ana")).code == "TRANSFER_TO_SELF"


async def test_intro_offers_goodwill_and_kept_products_are_not_given_unless_overridden(
    till: Till,
) -> None:
    """S12.3."""
    await till.sells("intro", intro={"max_per_contact": 1})
    await till.sells("kept", sharing={"transferable": False})
    await till.buys("intro")
    await till.buys("kept")
    await till.adjusts(5, reason="goodwill")
    await till.of("bob").contact_id()
    said = await till.gives(1, "bob")
    assert (said.code, said["available"], len(said["kept"])) == ("NOT_TRANSFERABLE", 0, 3)
    assert (await till.gives(25, "bob", override=True)).code == "transferred"


async def test_a_gift_can_name_its_lots(till: Till) -> None:
    await till.sells()
    bought = [await till.buys(), await till.buys()]
    await till.of("bob").contact_id()
    lot = UUID(bought[1]["lot_id"])
    assert (await till.gives(2, "bob", lots=[Named(lot, 2)])).code == "transferred"
    assert [each["available"] for each in await till.lots()] == [10, 8]


async def test_a_gift_is_taken_back_within_a_day_while_it_is_untouched(till: Till) -> None:
    """S12.3."""
    await till.sells()
    await till.buys()
    bob = till.of("bob")
    await bob.contact_id()
    given = await till.gives(4, "bob")
    await till.moves_to(NOON + timedelta(hours=24))
    back = await till.takes_back(given)
    assert (back.code, back["from_balance_after"]) == ("transfer_undone", 10)
    assert await bob.balance() == (0, 0, 0, 0)
    assert (await till.takes_back(given)).code == "TRANSFER_ALREADY_UNDONE"


async def test_a_gift_that_was_used_or_is_older_stays(till: Till) -> None:
    """S12.3."""
    await till.sells()
    await till.buys()
    bob = till.of("bob")
    await bob.contact_id()
    used, old = await till.gives(4, "bob"), await till.gives(2, "bob")
    await bob.uses(1)
    touched = await till.takes_back(used)
    assert (touched.code, touched["available"]) == ("TRANSFER_TOUCHED", 3)
    await till.moves_to(NOON + timedelta(hours=24, seconds=1))
    assert (await till.takes_back(old)).code == "TRANSFER_TOO_OLD"


@pytest.mark.parametrize("is_swept", [False, True])
async def test_a_gift_that_has_expired_is_taken_back_as_it_is(
    till: Till, *, is_swept: bool
) -> None:
    """S12.3, S6.5: nobody touched it, whether a sweep has been there or not."""
    await till.sells(expiry_days=1)
    await till.buys()
    bob = till.of("bob")
    await bob.contact_id()
    await till.moves_to("2026-03-04T02:00:00")
    given = await till.gives(4, "bob")
    await till.moves_to("2026-03-04T06:00:00")
    if is_swept:
        await till.expires()
    back = await till.takes_back(given)
    assert (back.code, back["from_balance_after"]) == ("transfer_undone", 0)
    await till.expires()
    assert await till.lots() == [{"issued": 10, "expired": 10, "class": "paid"}]
    assert await bob.lots() == [{"class": "transfer"}]


async def test_a_gift_in_a_dispute_cannot_be_taken_back(till: Till) -> None:
    """S12.3: available credits only."""
    await till.sells()
    bought = await till.buys()
    await till.of("bob").contact_id()
    given = await till.gives(4, "bob")
    await till.disputed(bought, "opened")
    touched = await till.takes_back(given)
    assert (touched.code, touched["available"]) == ("TRANSFER_TOUCHED", 0)


async def test_a_refund_follows_the_credits_to_whoever_has_them(till: Till) -> None:
    """S10.3: available of the lot, then of its transferred children; who used them owes them."""
    await till.sells()
    bought = await till.buys()
    bob = till.of("bob")
    await bob.contact_id()
    await till.gives(4, "bob")
    await bob.uses(3, external_ref="class")
    half = await till.refunds(bought, 6930)
    assert (half["taken"]["available"], half["shortfall"]) == (7, 0)
    assert (await till.balance())[0] == (await bob.balance())[0] == 0
    await till.refunds(bought)
    assert await bob.balance() == (0, 0, 0, 3)
    given = await bob.restores(3, external_ref="class")
    assert (given.code, await bob.balance()) == ("restored", (0, 0, 0, 0))


async def test_a_dispute_suspends_given_credits_too_and_its_win_gives_them_back(
    till: Till,
) -> None:
    """S10.6."""
    await till.sells()
    bought = await till.buys()
    bob = till.of("bob")
    await bob.contact_id()
    await till.gives(4, "bob")
    await till.disputed(bought, "opened")
    assert (await till.balance(), await bob.balance()) == ((0, 0, 6, 0), (0, 0, 4, 0))
    await till.disputed(bought, "won")
    assert (await till.balance(), await bob.balance()) == ((6, 0, 0, 0), (4, 0, 0, 0))


async def test_two_who_give_to_each_other_at_once_both_finish(till: Till) -> None:
    """S0: both contacts are locked in one order."""
    await till.sells()
    bob = till.of("bob")
    await till.buys()
    await bob.buys()
    said = await asyncio.gather(
        *(giver.gives(1, to) for _ in range(5) for giver, to in ((till, "bob"), (bob, "ana")))
    )
    assert {each.code for each in said} == {"transferred"}


async def test_a_preview_of_a_gift_moves_nothing(till: Till) -> None:
    await till.sells()
    await till.buys()
    await till.of("bob").contact_id()
    shown = await till.gives(4, "bob", preview=True)
    done = await till.gives(4, "bob")
    assert {**shown.answer, "transfer_id": 0} == {**done.answer, "transfer_id": 0}

"""S9.7: cancelling, and what is left."""

from __future__ import annotations

from typing import Any

import pytest

from tests.memberships.club import Club, Said, ny

FEBRUARY, MARCH = "2026-02-01T05:00", "2026-03-01T05:00"


async def test_a_cancellation_takes_effect_at_the_end_of_the_period(club: Club) -> None:
    await club.sells("eight", renews="itself")
    member = await club.pays("eight")
    done = await club.cancels(member["entitlement_id"])

    assert (done.code, done["ends_at"]) == ("cancellation_scheduled", "2026-02-01T05:00:00.000Z")
    assert await club.available() == 8

    await club.moves_to("2026-02-03T12:00")

    standing = await club.membership(member["entitlement_id"])
    assert (standing["status"], standing["ends_at"]) == ("ended", ny(FEBRUARY))
    assert await club.available() == 0
    assert await club.moved("grant") == [("purchase", 8, ny("2026-01-01T15:00"))]
    assert await club.happened() == ["membership_cancelled", "membership_ended"]


async def test_a_cancellation_can_be_taken_back_until_the_end(club: Club) -> None:
    await club.sells("eight", renews="itself")
    member = await club.pays("eight")
    id_ = member["entitlement_id"]
    await club.cancels(id_)
    await club.moves_to("2026-02-01T04:59:59")

    assert (await club.uncancels(id_)).code == "cancellation_withdrawn"
    assert (await club.uncancels(id_)).code == "NOT_CANCELLED"
    await club.moves_to("2026-02-01T05:00")
    assert await club.available() == 8

    await club.cancels(id_)
    await club.moves_to("2026-03-01T05:00", sweep=False)
    assert (await club.uncancels(id_)).code == "MEMBERSHIP_ENDED"


async def test_notice_and_minimum_term_put_the_end_off(club: Club) -> None:
    await club.sells("notice", renews="itself", ending={"notice_days": 40})
    await club.sells("term", renews="itself", ending={"minimum_periods": 3})
    notice = await club.pays("notice")
    term = await club.pays("term", "bob")

    assert (await club.cancels(notice["entitlement_id"]))["ends_at"] == "2026-03-01T05:00:00.000Z"
    assert (await club.cancels(term["entitlement_id"]))["ends_at"] == "2026-04-01T04:00:00.000Z"
    await club.moves_to("2026-02-02T12:00")
    assert await club.available() == 8


async def test_ending_at_once_within_the_term_needs_a_reason(club: Club) -> None:
    await club.sells("term", ending={"minimum_periods": 3})
    member = await club.pays("term")
    refused = await club.cancels(member["entitlement_id"], at="now")

    assert refused.code == "CANCELLATION_TOO_EARLY"
    assert refused["earliest_end_at"] == "2026-04-01T04:00:00.000Z"
    done = await club.cancels(member["entitlement_id"], at="now", override="moved away")
    assert done.code == "membership_ended"


@pytest.mark.parametrize(
    ("ending", "left"),
    [
        ({}, []),
        ({"leftover": "keep_until_expiry"}, [("included", 8, ny(FEBRUARY))]),
        (
            {"leftover": "keep_days", "keep_days": 60},
            [("included", 8, ny("2026-03-13T04:00"))],
        ),
    ],
)
async def test_what_is_left_follows_the_rule(club: Club, ending: Any, left: Any) -> None:
    await club.sells("eight", ending=ending)
    member = await club.pays("eight")
    await club.moves_to("2026-01-11T15:00")
    preview = await club.cancels(member["entitlement_id"], at="now", preview=True)
    done = await club.cancels(member["entitlement_id"], at="now")

    assert preview.answer == done.answer
    assert await club.open() == left
    assert done["credits_kept"] == sum(amount for _, amount, _ in left)


@pytest.mark.parametrize("rollover", [None, {}])
@pytest.mark.parametrize("is_swept", [False, True])
async def test_credits_are_kept_for_days_after_the_end_of_the_period(
    club: Club, *, rollover: Any, is_swept: bool
) -> None:
    """S9.7: they end with the period that was paid, and so does the membership."""
    ending = {"leftover": "keep_days", "keep_days": 5}
    await club.sells("eight", ending=ending, **({} if rollover is None else {"rollover": rollover}))
    member = await club.pays("eight")
    await club.uses(3)
    await club.cancels(member["entitlement_id"])
    if is_swept:
        await club.moves_to(FEBRUARY, sweep=False)
        await club.expires()
    await club.moves_to("2026-02-01T12:00")

    assert await club.open() == [("included", 5, ny("2026-02-06T05:00"))]
    assert await club.available() == 5
    await club.moves_to("2026-02-06T05:00")
    assert await club.available() == 0


async def test_bookings_after_the_end_go_unless_kept_credits_pay(club: Club) -> None:
    for product, ending in (("gone", {}), ("kept", {"leftover": "keep_until_expiry"})):
        await club.sells(product, ending=ending)
        member = await club.pays(product, product)
        await club.books("2026-01-20T12:00", 2, product)
        done = await club.cancels(member["entitlement_id"], at="now")
        count = 1 if product == "gone" else 0
        assert len(done["bookings_cancelled"]) == count

    assert await club.available("gone") == 0
    assert [(lot["available"], lot["held"]) for lot in await club.lots("kept")] == [(6, 2)]


async def test_a_payment_beyond_the_end_keeps_the_membership_for_its_period(club: Club) -> None:
    await club.sells("eight")
    member = await club.pays("eight")
    await club.cancels(member["entitlement_id"])
    await club.pays("eight")
    await club.moves_to("2026-02-03T12:00")

    assert await club.available() == 8
    await club.moves_to("2026-03-03T12:00")
    assert (await club.membership(member["entitlement_id"]))["ends_at"] == ny(MARCH)
    assert await club.available() == 0


async def test_a_cancelled_membership_that_is_paid_again_passes_its_bound(club: Club) -> None:
    """S9.1, S7.1: the end has moved, and all else happens as at any bound."""
    rolls = {"rollover": {"lives_months": 2}}
    for product, credits_, rules in (("all", 0, {"unlimited": True}), ("rolls", 8, rolls)):
        await club.sells(product, credits_, **rules)
        member = await club.pays(product, product)
        await club.cancels(member["entitlement_id"])
        await club.pays(product, product)
    await club.moves_to("2026-02-03T12:00")

    await club.uses(1, "all")
    assert await club.available("rolls") == 8 + 8
    assert await club.moved("rollover", "rolls") == [("rolled_over", 8, ny(FEBRUARY))]
    await club.moves_to("2026-03-03T12:00")
    for product in ("all", "rolls"):
        assert (await club.happened(product))[-1] == "membership_ended"
        assert (await club.does("deduct", 1, product, calendar_id="cal")).code == "NO_ENTITLEMENT"


async def test_a_cancellation_is_taken_back_in_a_period_that_was_paid_after_it(club: Club) -> None:
    """S9.7: it renews when that period ends, whether the sweep has come or not."""
    await club.sells("eight", rollover={"lives_months": 2})
    member = await club.pays("eight")
    id_ = member["entitlement_id"]
    await club.cancels(id_)
    await club.pays("eight")
    await club.moves_to("2026-02-03T12:00", sweep=False)

    assert (await club.uncancels(id_))["renews_at"] == "2026-03-01T05:00:00.000Z"
    standing = await club.membership(id_)
    assert (standing["period_number"], standing["renews_at"]) == (2, ny(MARCH))
    assert standing["ends_at"] is None
    assert await club.available() == 16


async def test_arrears_go_on_when_a_cancellation_is_taken_back(club: Club) -> None:
    """S11: what is overdue stays so, and still ends unpaid."""
    await club.sells("eight", arrears={"cancel_after_days": 20})
    id_ = (await club.pays("eight"))["entitlement_id"]
    await club.moves_to("2026-02-02T12:00")
    await club.cancels(id_)
    await club.uncancels(id_)
    await club.moves_to("2026-02-06T12:00")
    assert (await club.membership(id_))["status"] == "past_due"
    await club.moves_to("2026-02-25T12:00")
    assert (await club.membership(id_))["status"] == "ended"


async def waiting(club: Club, to: str, credits_: int, **wanted: Any) -> tuple[str, Said]:
    """Start with 8 a month and plan a change."""
    await club.sells("eight")
    await club.sells(to, credits_)
    id_ = (await club.pays("eight"))["entitlement_id"]
    return id_, await club.changes(id_, to, **wanted)


async def test_a_change_that_waits_is_dropped_by_a_cancellation_and_comes_back(club: Club) -> None:
    """S9.7: uncancelled, it goes on as if it had not been cancelled, cancelled twice or once."""
    id_, change = await waiting(club, "four", 4)
    preview = await club.cancels(id_, preview=True)
    first, second = await club.cancels(id_), await club.cancels(id_)

    named = {
        "change_id": change["change_id"],
        "kind": "downgrade",
        "product_config_id": "four",
        "version": 1,
        "effective_at": "2026-02-01T05:00:00.000Z",
    }
    assert preview["change_dropped"] == first["change_dropped"] == named
    assert second["change_dropped"] == named
    assert (await club.uncancels(id_))["change_restored"] == named

    assert (await club.pays("eight"))["credits_granted"] == 4
    await club.moves_to("2026-02-03T12:00")
    assert (await club.membership(id_))["product_config_id"] == "four"


async def test_a_change_comes_back_for_the_period_that_is_not_paid_yet(club: Club) -> None:
    """S9.5: what was paid meanwhile stays on the old plan."""
    id_, _ = await waiting(club, "four", 4)
    await club.cancels(id_)
    await club.pays("eight")

    back = (await club.uncancels(id_))["change_restored"]
    assert back["effective_at"] == "2026-03-01T05:00:00.000Z"
    await club.moves_to("2026-02-03T12:00")
    assert (await club.membership(id_))["product_config_id"] == "eight"
    assert (await club.removes_change(id_))["product_config_id"] == "four"


async def test_a_change_whose_time_came_while_it_was_cancelled_is_gone(club: Club) -> None:
    id_, change = await waiting(club, "four", 4)
    await club.cancels(id_)
    await club.pays("eight")
    await club.moves_to("2026-02-03T12:00")
    done = await club.uncancels(id_)

    assert done["change_dropped"]["change_id"] == change["change_id"]
    assert "change_restored" not in done.answer
    assert (await club.removes_change(id_)).code == "NO_PENDING_CHANGE"


async def test_an_upgrade_waits_for_its_payment_again(club: Club) -> None:
    """S9.4."""
    id_, _ = await waiting(club, "twelve", 12)
    await club.cancels(id_)
    await club.uncancels(id_)
    paid = await club.pays("twelve")

    assert paid["entitlement_id"] == id_
    assert (await club.membership(id_))["product_config_id"] == "twelve"


async def test_a_change_to_what_the_member_bought_meanwhile_is_gone(club: Club) -> None:
    id_, _ = await waiting(club, "four", 4)
    await club.cancels(id_)
    await club.pays("four")

    assert "change_dropped" in (await club.uncancels(id_)).answer
    assert (await club.removes_change(id_)).code == "NO_PENDING_CHANGE"


async def test_a_membership_that_is_ended_names_the_change_that_goes_with_it(club: Club) -> None:
    id_, change = await waiting(club, "four", 4)

    done = await club.cancels(id_, at="now")
    assert done["change_dropped"]["change_id"] == change["change_id"]


async def test_an_ended_membership_is_bought_anew(club: Club) -> None:
    await club.sells("eight")
    first = await club.pays("eight")
    await club.cancels(first["entitlement_id"], at="now")
    second = await club.pays("eight")

    assert second["entitlement_id"] != first["entitlement_id"]
    assert await club.available() == 8

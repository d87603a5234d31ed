"""S9.3 to S9.6: upgrades, downgrades, and what waits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, strategies as st

from kotally.memberships.periods import Period
from kotally.memberships.upgrades import prorated
from tests.memberships.club import Club, Said, ny

MARCH, APRIL, MAY = "2026-03-01T05:00", "2026-04-01T04:00", "2026-05-01T04:00"
START = datetime(2026, 4, 1, 4, tzinfo=UTC)
JUNE = Period(1, START, START + timedelta(days=30))


@pytest.mark.parametrize(("days_left", "more"), [(15, 2), (1, 1), (30, 4), (0, 0)])
def test_the_difference_is_prorated_and_rounded_up(days_left: int, more: int) -> None:
    """T: S9.3, 8 to 12 a month."""
    assert prorated(4, JUNE, JUNE.ends_at - timedelta(days=days_left)) == more


@given(st.integers(1, 100), st.integers(0, 30 * 86_400))
def test_at_any_second_the_difference_follows_the_formula(credits_: int, second: int) -> None:
    found = prorated(credits_, JUNE, START + timedelta(seconds=second))
    left = 30 * 86_400 - second

    assert 0 <= found <= credits_
    assert found == (credits_ * left + 30 * 86_400 - 1) // (30 * 86_400)


async def started(club: Club, **rules: object) -> Said:
    """Sell 8 and 12 a month, and start with 8 on 1 April 2026."""
    renews = rules.pop("renews", "itself")
    await club.sells("eight", 8, renews=renews, **rules)
    await club.sells("twelve", 12, renews=renews, **rules)
    await club.moves_to("2026-04-01T05:00")
    return await club.pays("eight")


async def test_an_upgrade_by_difference_keeps_the_lots(club: Club) -> None:
    """T: S9.3, 15 of 30 days left: two more."""
    member = await started(club)
    await club.moves_to("2026-04-16T04:00")
    preview = await club.changes(member["entitlement_id"], "twelve", preview=True)
    done = await club.changes(member["entitlement_id"], "twelve")

    assert (done.code, done["credits_granted"]) == ("membership_changed", 2)
    assert preview["credits_granted"] == 2
    assert await club.open() == [("included", 8, ny(MAY)), ("included", 2, ny(MAY))]
    assert (await club.membership(member["entitlement_id"]))["product_config_id"] == "twelve"
    await club.moves_to("2026-05-01T05:00")
    assert await club.available() == 12


async def test_an_upgrade_by_reset_starts_the_period_now(club: Club) -> None:
    member = await started(club, upgrade="reset")
    await club.uses(3)
    await club.moves_to("2026-04-16T16:00")
    done = await club.changes(member["entitlement_id"], "twelve")

    assert (done["credits_granted"], done["credits_rolled_over"]) == (12, 5)
    end = ny("2026-05-16T04:00")
    assert sorted(await club.open()) == [("included", 12, end), ("rollover", 5, end)]
    await club.moves_to("2026-05-16T05:00")
    standing = await club.membership(member["entitlement_id"])
    assert (standing["period_number"], standing["period_ends_at"]) == (3, ny("2026-06-16T04:00"))
    assert await club.available() == 12


async def test_an_upgrade_by_usage_counts_what_was_used(club: Club) -> None:
    member = await started(club, upgrade="usage")
    await club.uses(3)
    await club.books("2026-04-20T12:00", 2)
    done = await club.changes(member["entitlement_id"], "twelve")

    assert done["credits_granted"] == 4
    assert await club.available() == 12 - 5


async def test_an_upgrade_waits_for_its_payment_and_changes_nothing_until_then(club: Club) -> None:
    """S9.4."""
    member = await started(club, renews="payment")
    await club.moves_to("2026-04-16T04:00")
    waiting = await club.changes(member["entitlement_id"], "twelve")

    assert (waiting.code, waiting["credits_granted"]) == ("change_pending_payment", 2)
    assert await club.available() == 8
    assert (await club.membership(member["entitlement_id"]))["product_config_id"] == "eight"

    paid = await club.pays("twelve", amount_cents=2_000)

    assert (paid["credits_granted"], paid["balance_after"]) == (2, 10)
    assert paid["entitlement_id"] == member["entitlement_id"]
    standing = await club.membership(member["entitlement_id"])
    assert (standing["product_config_id"], standing["period_number"]) == ("twelve", 1)


@pytest.mark.parametrize(
    ("strategy", "starts", "ends"),
    [
        ("difference", MAY, "2026-06-01T04:00"),
        ("usage", MAY, "2026-06-01T04:00"),
        ("reset", "2026-05-06T16:00", "2026-06-06T04:00"),
    ],
)
async def test_an_upgrade_that_is_paid_after_the_bound_pays_the_next_period(
    club: Club, strategy: str, starts: str, ends: str
) -> None:
    """S9.4, S11.3: nothing is left to top up; what was put off at the bound is done."""
    member = await started(club, renews="payment", rollover={"lives_months": 2})
    id_ = member["entitlement_id"]
    await club.uses(3)
    await club.changes(id_, "twelve", strategy=strategy)
    await club.moves_to("2026-05-06T16:00")
    assert (await club.membership(id_))["status"] == "past_due"
    assert await club.available() == 0

    paid = await club.pays("twelve", amount_cents=12_000)

    assert (paid["credits_granted"], paid["balance_after"]) == (12, 12 + 5)
    assert sorted(await club.open()) == [
        ("included", 12, ny(ends)),
        ("rollover", 5, ny("2026-07-01T04:00")),
    ]
    standing = await club.membership(id_)
    assert (standing["status"], standing["product_config_id"]) == ("active", "twelve")
    assert (standing["period_number"], standing["paid_number"]) == (2, 2)
    assert (standing["period_starts_at"], standing["period_ends_at"]) == (ny(starts), ny(ends))
    assert (await club.happened())[-2:] == ["membership_recovered", "membership_changed"]
    assert (await club.uses(1)).code == "deducted"
    assert (await club.removes_change(id_)).code == "NO_PENDING_CHANGE"


@pytest.mark.parametrize("strategy", ["difference", "usage"])
async def test_an_upgrade_that_is_asked_for_after_the_bound_says_what_its_payment_gives(
    club: Club, strategy: str
) -> None:
    member = await started(club, renews="payment")
    await club.moves_to("2026-05-02T16:00")
    asked = await club.changes(member["entitlement_id"], "twelve", strategy=strategy)
    paid = await club.pays("twelve", amount_cents=12_000)

    assert asked.code == "change_pending_payment"
    assert asked["credits_granted"] == paid["credits_granted"] == 12


@pytest.mark.parametrize("strategy", ["difference", "usage"])
async def test_an_upgrade_without_a_payment_leaves_what_is_overdue_as_it_is(
    club: Club, strategy: str
) -> None:
    """S11: the period that is over gives nothing more, and the next one is still unpaid."""
    member = await started(club, renews="payment", arrears={"cancel_after_days": 20})
    id_ = member["entitlement_id"]
    await club.moves_to("2026-05-02T16:00")
    done = await club.changes(id_, "twelve", strategy=strategy, payment_expected=False)

    assert (done.code, done["credits_granted"]) == ("membership_changed", 0)
    assert await club.open() == []
    await club.moves_to("2026-05-06T16:00")
    assert (await club.membership(id_))["status"] == "past_due"
    assert (await club.pays("twelve"))["credits_granted"] == 12
    assert (await club.membership(id_))["status"] == "active"


async def test_a_payment_whose_upgrade_cannot_be_applied_is_kept_and_looked_at(club: Club) -> None:
    """S9.4, S10.1: the period cannot start anew while the next one is paid."""
    member = await started(club, renews="payment")
    id_ = member["entitlement_id"]
    await club.changes(id_, "twelve", strategy="reset")
    await club.pays("eight")

    paid = await club.pays("twelve", amount_cents=4_000, payment="in_3")
    again = await club.pays("twelve", amount_cents=4_000, payment="in_3")

    assert (paid.code, paid["credits_granted"]) == ("PERIOD_PAID_AHEAD", 0)
    assert paid["paid_until"] == "2026-06-01T04:00:00.000Z"
    assert (again.code, again["payment_id"]) == ("DUPLICATE_EVENT", paid["payment_id"])
    kept = await club.db.fetchrow(
        """
        select p.amount_cents, p.entitlement_id, w.kind, w.details ->> 'reason' as reason
          from kotally.payments p
          join kotally.work_items w
            on w.location_id = $1 and w.details ->> 'payment_id' = p.id::text
         where p.location_id = $1 and p.id = $2
        """,
        club.location,
        UUID(paid["payment_id"]),
    )
    assert kept is not None
    assert tuple(kept) == (4_000, UUID(id_), "billing_drift", "period_paid_ahead")
    assert (await club.membership(id_))["product_config_id"] == "eight"
    assert (await club.removes_change(id_)).code == "change_removed"


async def test_a_change_whose_payment_fails_is_dropped(club: Club) -> None:
    """S9.4: by the failure itself; what changes with the next period waits for no payment."""
    member = await started(club, renews="payment")
    id_ = member["entitlement_id"]
    change = await club.changes(id_, "twelve")
    other = await club.fails(id_, product_config_id="eight")
    assert (other["change_id"], other["past_due_from"]) == (None, "2026-05-04T04:00:00.000Z")
    failed = await club.fails(id_, reason="card declined")

    assert failed.code == "payment_failure_noted"
    assert (failed["change_id"], failed["product_config_id"]) == (change["change_id"], "twelve")
    assert (await club.removes_change(id_)).code == "NO_PENDING_CHANGE"
    assert (await club.happened())[-2:] == ["payment_failed", "payment_failed"]
    assert await club.available() == 8

    planned = await club.changes(id_, "twelve", when="next_period")
    assert (await club.fails(id_))["change_id"] is None
    assert (await club.removes_change(id_))["change_id"] == planned["change_id"]


async def test_a_change_is_called_off(club: Club) -> None:
    """S9.5."""
    member = await started(club, renews="payment")
    await club.changes(member["entitlement_id"], "twelve")

    assert (await club.removes_change(member["entitlement_id"])).code == "change_removed"
    assert (await club.removes_change(member["entitlement_id"])).code == "NO_PENDING_CHANGE"


async def test_a_downgrade_waits_for_the_next_period(club: Club) -> None:
    """S9.5: visible, and it takes effect with the period."""
    await started(club)
    member = await club.pays("twelve", "bob")
    done = await club.changes(member["entitlement_id"], "eight")

    assert (done.code, done["effective_at"]) == ("change_scheduled", "2026-05-01T04:00:00.000Z")
    assert await club.available("bob") == 12
    await club.moves_to("2026-05-01T05:00")
    assert await club.available("bob") == 8
    assert (await club.membership(member["entitlement_id"]))["product_config_id"] == "eight"


async def test_a_newer_change_replaces_the_one_that_waits(club: Club) -> None:
    """S9.5."""
    await started(club)
    await club.sells("four", 4, renews="itself")
    member = await club.pays("twelve", "bob")
    await club.changes(member["entitlement_id"], "eight")
    await club.changes(member["entitlement_id"], "four")
    await club.moves_to("2026-05-01T05:00")

    assert await club.available("bob") == 4
    statuses = await club.db.fetch(
        "select status from kotally.membership_changes where location_id = $1 order by id",
        club.location,
    )
    assert [row["status"] for row in statuses] == ["replaced", "applied"]


async def test_a_downgrade_that_is_removed_does_not_happen(club: Club) -> None:
    await started(club)
    member = await club.pays("twelve", "bob")
    await club.changes(member["entitlement_id"], "eight")
    await club.removes_change(member["entitlement_id"])
    await club.moves_to("2026-05-01T05:00")

    assert await club.available("bob") == 12


async def test_a_downgrade_now_is_refused_with_the_date_it_can_be(club: Club) -> None:
    await started(club)
    member = await club.pays("twelve", "bob")
    refused = await club.changes(member["entitlement_id"], "eight", when="now")

    assert refused.code == "CHANGE_ONLY_AT_PERIOD_END"
    assert refused["effective_at"] == "2026-05-01T04:00:00.000Z"


async def test_bookings_that_the_new_plan_does_not_cover_lose_their_funds(club: Club) -> None:
    """S9.5: they are listed, and released at the switch."""
    rules = {"renews": "itself", "period_grace_days": 60}
    await club.sells("both", 12, coverage={"cal": 1, "pool": 1}, **rules)
    await club.sells("dry", 8, coverage={"cal": 1}, **rules)
    await club.moves_to("2026-04-01T05:00")
    member = await club.pays("both")
    await club.books("2026-05-10T12:00", 2, calendar_id="pool", external_ref="swim")
    await club.books("2026-05-11T12:00", 3, external_ref="run")
    done = await club.changes(member["entitlement_id"], "dry")

    assert [each["external_ref"] for each in done["bookings_not_covered"]] == ["swim"]
    await club.moves_to("2026-05-01T05:00")
    rows = await club.db.fetch(
        "select external_ref, status from kotally.holds where location_id = $1 order by 1",
        club.location,
    )
    assert [tuple(row) for row in rows] == [("run", "held"), ("swim", "released")]


async def test_a_change_lists_bookings_that_wait_for_a_period_to_be_paid(club: Club) -> None:
    """S9.5, S2.8: they lose their funds at the switch as others do, so they are announced too."""
    await club.sells("wet", 12, coverage={"cal": 1, "pool": 1})
    await club.sells("pool", 8, coverage={"pool": 1})
    member = (await club.pays("wet"))["entitlement_id"]
    await club.reserves("run", "2026-02-03T12:00")
    assert await club.booking("run") == "provisional"

    leaving = await club.cancels(member, preview=True)
    assert [each["external_ref"] for each in leaving["bookings_after_end"]] == ["run"]
    done = await club.changes(member, "pool")
    (listed,) = done["bookings_not_covered"]
    assert (listed["external_ref"], listed["hold_id"], listed["credits"]) == ("run", None, 1)

    await club.moves_to("2026-02-01T12:00")
    await club.pays("pool")
    assert await club.booking("run") == "unfunded"


async def test_limited_to_unlimited_keeps_the_lots_and_back_only_at_the_end(club: Club) -> None:
    """S9.6."""
    member = await started(club)
    await club.sells("all", 0, unlimited=True, renews="itself")
    up = await club.changes(member["entitlement_id"], "all")

    assert (up.code, up["credits_granted"]) == ("membership_changed", 0)
    assert await club.open() == [("included", 8, ny(MAY))]
    await club.uses(1)
    assert await club.open() == [("included", 8, ny(MAY))]

    down = await club.changes(member["entitlement_id"], "twelve", when="now")

    assert down.code == "CHANGE_ONLY_AT_PERIOD_END"
    assert (await club.changes(member["entitlement_id"], "twelve")).code == "change_scheduled"
    await club.moves_to("2026-05-01T05:00")
    assert await club.open() == [("included", 12, ny("2026-06-01T04:00"))]


async def test_what_cannot_be_changed_is_refused(club: Club) -> None:
    member = await started(club)
    id_ = member["entitlement_id"]

    assert (await club.changes(id_, "eight")).code == "NOTHING_TO_CHANGE"
    assert (await club.changes(id_, "nothing")).code == "CONFIG_NOT_FOUND"
    assert (await club.changes(UUID(int=1), "twelve")).code == "MEMBERSHIP_NOT_FOUND"
    await club.pays("twelve")
    assert (await club.changes(id_, "twelve")).code == "ALREADY_MEMBER"
    await club.cancels(id_, at="now")
    assert (await club.changes(id_, "twelve")).code == "MEMBERSHIP_ENDED"


async def test_an_archived_product_is_not_changed_to(club: Club) -> None:
    from kotally.products import products

    member = await started(club)
    await products.archive(club.db, club.location, "twelve")

    assert (await club.changes(member["entitlement_id"], "twelve")).code == "CONFIG_NOT_FOUND"


async def test_a_change_that_waits_for_its_payment_calls_no_worker(club: Club) -> None:
    """S9.5, S11: until the period is paid there is nothing to do for it."""
    member = await started(club, renews="payment", arrears={"cancel_after_days": 60})
    await club.changes(member["entitlement_id"], "twelve", when="next_period")

    await club.moves_to("2026-05-20T05:00")

    due = "select d.sweep from kotally.next_due($1) d where d.due_at <= kotally.location_now($1)"
    assert [row["sweep"] for row in await club.db.fetch(due, club.location)] == []
    assert (await club.pays("eight"))["credits_granted"] == 12

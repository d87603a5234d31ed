"""S1: in which order lots are spent, and that a deduction is all or nothing."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from kotally.core.ids import new_id
from tests.ledger.conftest import Opened
from tests.ledger.desk import SCALE, Desk, at
from tests.make import Outcome


def slices(outcome: Outcome) -> list[tuple[str, int]]:
    """Return the lots an act drew from, and how much."""
    key = "funding" if outcome.code == "eligible" else "slices"
    return [(row["lot_id"], row["amount"]) for row in outcome.answer[key]]


async def test_soonest_expiring_is_spent_first_within_a_priority(desk: Desk) -> None:
    """S1.3, the vector: equal expiry, so the free lot first; a later priority waits."""
    await desk.set_clock("2026-08-01T12:00")
    september = "2026-09-01T04:00:00Z"
    a = await desk.lot(5, expires_at=september, cost_minor=5000, unit_cost=1_000_000_000)
    b = await desk.lot(2, expires_at=september, **{"class": "promo"})
    c = await desk.lot(9, expires_at="2026-08-15T04:00:00Z", priority=200)

    done = await desk.deduct(4)

    assert slices(done) == [(str(b), 2), (str(a), 2)]
    assert await desk.buckets(c) == {"issued": 9, "available": 9}


ORDER = [
    ({"priority": 90}, {"priority": 100}),
    ({"expires_at": "2026-04-01T00:00:00Z"}, {"expires_at": "2026-04-02T00:00:00Z"}),
    ({"expires_at": "2036-04-01T00:00:00Z"}, {}),
    ({"coverage_width": 1}, {"coverage_width": 2}),
    ({"coverage_width": 9}, {}),
    ({"unit_cost": 0}, {"unit_cost": 1}),
    ({"effective_at": "2026-01-01T00:00:00Z"}, {"effective_at": "2026-01-02T00:00:00Z"}),
    ({"id": UUID(int=1)}, {"id": UUID(int=2)}),
]


@pytest.mark.parametrize(("first", "second"), ORDER)
@pytest.mark.parametrize("is_swapped", [False, True])
async def test_the_order_has_six_criteria(
    desk: Desk, first: dict, second: dict, is_swapped: bool
) -> None:
    """S1.3: priority, expiry with never last, width, cost, effective time, id."""
    same = {"effective_at": "2026-01-01T00:00:00Z"}
    made = {}
    for name in ("second", "first") if is_swapped else ("first", "second"):
        columns = same | (first if name == "first" else second)
        made[name] = str(await desk.lot(1, **columns))

    assert slices(await desk.check()) == [(made["first"], 1)]
    assert slices(await desk.deduct(2)) == [(made["first"], 1), (made["second"], 1)]


async def test_an_earlier_criterion_outweighs_all_later_ones(desk: Desk) -> None:
    """S1.3: the soonest expiring lot is spent first though it is wide, dear and young."""
    late = await desk.lot(
        1,
        coverage_width=1,
        unit_cost=0,
        effective_at="2020-01-01T00:00:00Z",
        expires_at="2026-05-02T00:00:00Z",
    )
    soon = await desk.lot(1, unit_cost=99, expires_at="2026-05-01T00:00:00Z")

    assert slices(await desk.deduct(2)) == [(str(soon), 1), (str(late), 1)]


async def test_slices_are_stored_in_their_order(desk: Desk) -> None:
    """S1.4: each lot is emptied before the next, and the entries say in which order."""
    lots = [await desk.lot(2, priority=priority) for priority in (1, 2, 3)]
    done = await desk.deduct(5)

    rows = await desk.db.fetch(
        "select line, lot_id, from_bucket::text, to_bucket::text, amount from kotally.entries"
        " where location_id = $1 and contact_id = $2 and seq = 4 order by line",
        desk.location,
        UUID(done.answer["contact_id"]),
    )

    assert [tuple(row) for row in rows] == [
        (1, lots[0], "available", "consumed", 2),
        (2, lots[1], "available", "consumed", 2),
        (3, lots[2], "available", "consumed", 1),
    ]


async def test_a_short_contact_pays_nothing(desk: Desk) -> None:
    """S1.5: all or nothing, with the number that is missing."""
    a, b = await desk.lot(2), await desk.lot(1)

    refused = await desk.deduct(5)

    assert (refused.code, refused.answer["short_by"]) == ("INSUFFICIENT_CREDITS", 2)
    assert refused.answer["balance_after"] == 3
    assert await desk.buckets(a) == {"issued": 2, "available": 2}
    assert await desk.buckets(b) == {"issued": 1, "available": 1}
    assert [row["kind"] for row in await desk.history()] == ["grant", "grant"]


async def test_a_lot_that_expires_before_the_appointment_is_no_candidate(desk: Desk) -> None:
    """S1.1, the vector: expires 10 May 00:00, class 10 May 09:00, booked on 1 May."""
    await desk.set_clock("2026-05-01T12:00")
    lot = await desk.lot(5, expires_at="2026-05-10T04:00:00Z")
    class_at = at("2026-05-10T13:00")

    refused = await desk.deduct(1, appointment_at=class_at)

    assert refused.code == "NO_ENTITLEMENT"
    assert await desk.explain(class_at, product_config_id="pc_1") == {
        str(lot): "EXPIRES_BEFORE_APPOINTMENT"
    }
    assert (await desk.deduct(1, appointment_at=at("2026-05-10T03:59:59"))).code == "deducted"
    assert (await desk.deduct(1, appointment_at=at("2026-05-10T04:00:00"))).code != "deducted"


async def test_a_lot_that_starts_after_the_appointment_is_no_candidate(desk: Desk) -> None:
    """S1.1: effective at the appointment's start, not at booking time; equality is in."""
    lot = await desk.lot(5, effective_at="2026-04-01T04:00:00Z")

    assert (await desk.deduct(1)).code == "NO_ENTITLEMENT"
    assert (await desk.explain(product_config_id="pc_1"))[str(lot)] == "STARTS_AFTER_APPOINTMENT"
    assert (await desk.deduct(1, appointment_at=at("2026-04-01T04:00"))).code == "deducted"
    assert (await desk.deduct(1, appointment_at=at("2026-04-01T03:59"))).code != "deducted"


async def test_a_blocked_lot_is_no_candidate_at_the_blocked_time(desk: Desk) -> None:
    """S1.1, S0: a blocker counts by the appointment's time, and removing one leaves the other."""
    lot = await desk.lot(5)
    april, may = at("2026-04-01T04:00"), at("2026-05-01T04:00")
    await desk.block(lot_id=lot, starts_at=april, ends_at=may)
    other = await desk.block(starts_at=april, ends_at=may)

    assert (await desk.deduct(1)).code == "deducted"
    assert (await desk.deduct(1, appointment_at=april)).code == "NO_ENTITLEMENT"
    assert (await desk.deduct(1, appointment_at=may)).code == "deducted"
    await desk.db.execute(
        "delete from kotally.blockers where location_id = $1 and id = $2", desk.location, other
    )
    assert (await desk.deduct(1, appointment_at=april)).code == "NO_ENTITLEMENT"
    assert (await desk.explain(april, product_config_id="pc_1"))[str(lot)] == "ENTITLEMENT_PAUSED"


@pytest.mark.parametrize("scope", ["contact", "entitlement", "lot", "another lot", "nobody"])
async def test_a_blocker_covers_what_it_names(desk: Desk, scope: str) -> None:
    """S0: workspace, contact, entitlement or lot; nothing else."""
    entitlement = new_id()
    lot = await desk.lot(5, entitlement_id=entitlement)
    named = {
        "contact": {},
        "entitlement": {"entitlement_id": entitlement},
        "lot": {"lot_id": lot},
        "another lot": {"lot_id": new_id()},
        "nobody": {"entitlement_id": entitlement, "lot_id": new_id()},
    }[scope]
    await desk.block(**named)

    is_free = scope in {"another lot", "nobody"}
    assert (await desk.deduct(1)).code == ("deducted" if is_free else "NO_ENTITLEMENT")


async def test_a_lot_pays_for_its_calendars_only(desk: Desk) -> None:
    """S1.1: coverage; a contact with other credits is told so, and both named must agree."""
    await desk.lot(5, coverage={"cal_1": 1})

    assert (await desk.deduct(1, calendar_id="cal_2")).code == "SERVICE_FAMILY_MISMATCH"
    assert (await desk.deduct(1, calendar_id="cal_1")).code == "deducted"
    both = {"product_config_id": "pc_1", "calendar_id": "cal_2"}
    assert (await desk.deduct(1, **both)).code == "SERVICE_FAMILY_MISMATCH"
    assert (await desk.deduct(1, product_config_id="pc_2")).code == "SERVICE_FAMILY_MISMATCH"


async def test_a_calendar_may_cost_several_credits_a_unit(desk: Desk) -> None:
    """S1.4 with weights: two units at three credits are six."""
    lot = await desk.lot(7, coverage={"cal_1": 3})

    done = await desk.deduct(2, calendar_id="cal_1")
    refused = await desk.deduct(1, calendar_id="cal_1")

    assert done.answer["credits"] == 6
    assert await desk.buckets(lot) == {"issued": 7, "available": 1, "consumed": 6}
    assert (refused.code, refused.answer["short_by"]) == ("INSUFFICIENT_CREDITS", 2)


async def test_lots_of_different_weights_pay_together(desk: Desk) -> None:
    """S1.4: 3 credits at weight 2 pay 1½ of 3 units; at weight 3 the rest is 4½, rounded up."""
    a = await desk.lot(3, coverage={"cal_1": 2}, priority=1)
    b = await desk.lot(9, coverage={"cal_1": 3}, priority=2)

    done = await desk.deduct(3, calendar_id="cal_1")

    assert slices(done) == [(str(a), 3), (str(b), 5)]


async def test_a_contact_nobody_knows_has_no_entitlement(desk: Desk) -> None:
    stranger = desk.of("stranger")

    assert (await stranger.deduct(1)).code == "NO_ENTITLEMENT"
    assert (await stranger.hold(1)).code == "NO_ENTITLEMENT"
    assert (await stranger.restore(1)).code == "NO_ENTITLEMENT"
    assert (await stranger.check(1)).code == "NO_ENTITLEMENT"


async def test_a_spent_pack_says_insufficient_and_an_expired_one_says_none(desk: Desk) -> None:
    """S3.2: a contact whose fitting lot is spent hears another word than one without any."""
    await desk.lot(1)
    await desk.deduct(1)
    assert (await desk.deduct(1)).code == "INSUFFICIENT_CREDITS"
    assert (await desk.check(1)).code == "INSUFFICIENT_CREDITS"
    assert (await desk.deduct(1, product_config_id="pc_2")).code == "NO_ENTITLEMENT"

    bob = desk.of("bob")
    await bob.lot(1, expires_at="2026-03-02T12:00:00Z")
    assert (await bob.deduct(1)).code == "NO_ENTITLEMENT"


lots_of_a_contact = st.lists(
    st.fixed_dictionaries(
        {
            "credits_": st.integers(1, 6),
            "priority": st.sampled_from([90, 100]),
            "expires_at": st.sampled_from(
                [None, "2026-03-02T11:00:00Z", "2026-03-20T00:00:00Z", "2026-04-20T00:00:00Z"]
            ),
            "coverage": st.sampled_from([None, {"cal_1": 1}, {"cal_1": 2}, {"cal_2": 1}]),
            "unit_cost": st.integers(0, 2),
        }
    ),
    max_size=4,
)


@settings(
    max_examples=25 * SCALE,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    held=lots_of_a_contact,
    amount=st.integers(1, 9),
    calendar=st.sampled_from(["cal_1", None]),
    days=st.sampled_from([0, 20, 40]),
)
async def test_check_and_commit_agree(
    opened: Opened, held: list[dict], amount: int, calendar: str | None, days: int
) -> None:
    """S1.7: for the same moment the check and the commit choose the same lots, or refuse alike."""
    desk = await opened()
    for columns in held:
        await desk.lot(**columns)
    await desk.contact_id()
    wanted: dict[str, Any] = {"calendar_id": calendar} if calendar else {}
    if days:
        wanted["appointment_at"] = at(f"2026-03-{2 + days:02}T12:00" if days < 29 else "2026-04-11")

    checked = await desk.check(amount, **wanted)
    done = await desk.deduct(amount, **wanted)

    if checked.code == "eligible":
        assert done.code == "deducted"
        assert slices(done) == slices(checked)
        assert done.answer["balance_after"] == checked.answer["balance_after"]
    else:
        assert done.code == checked.code
        assert done.answer.get("short_by") == checked.answer.get("short_by")
        assert ("short_by" in done.answer) == (done.code == "INSUFFICIENT_CREDITS")
    await desk.assert_books()

"""S4: what was taken comes back, once, in time, and where it came from."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from tests import make
from tests.ledger.desk import NOON, Desk, at

A_SECOND = timedelta(seconds=1)
HALF_A_DAY = timedelta(hours=12)

CLOCKS_GO_FORWARD = at("2026-03-08T08:00-04:00"), at("2026-03-07T19:00-05:00")
CLOCKS_GO_BACK = at("2026-11-01T08:00-05:00"), at("2026-10-31T21:00-04:00")


@pytest.mark.parametrize(("starts_at", "free_until"), [CLOCKS_GO_FORWARD, CLOCKS_GO_BACK])
@pytest.mark.parametrize("is_late", [False, True])
async def test_the_window_is_elapsed_time_and_equality_is_free(
    desk: Desk, starts_at: datetime, free_until: datetime, is_late: bool
) -> None:
    """S4.1, both vectors: 12 hours before, whatever the clocks on the wall do that night."""
    await desk.lot(1)
    await desk.deduct(1, appointment_at=starts_at)
    await desk.set_clock(free_until + (A_SECOND if is_late else timedelta()))

    done = await desk.restore(1)

    assert done.code == ("CANCELLATION_WINDOW_EXPIRED" if is_late else "restored")
    assert at(done.answer["cancel_free_until"]) == free_until
    assert await desk.balance() == ((0, 0) if is_late else (1, 0))


async def test_the_hold_keeps_the_window_of_its_lot_and_of_its_location(desk: Desk) -> None:
    """S4.1: the lot's own window if it has one, else the location's when the booking was made."""
    appointment = NOON + HALF_A_DAY
    await desk.lot(1, cancel_window_minutes=60)
    await desk.deduct(1, appointment_at=appointment, external_ref="short")
    await desk.lot(1)
    await desk.deduct(1, appointment_at=appointment, external_ref="default")
    await desk.db.execute(
        "update kotally.locations set cancel_window_minutes = 9999 where id = $1", desk.location
    )
    await desk.set_clock(NOON + A_SECOND)

    late = await desk.restore(1, external_ref="default")
    assert (late.code, at(late.answer["cancel_free_until"])) == (
        "CANCELLATION_WINDOW_EXPIRED",
        NOON,
    )
    assert (await desk.restore(1, external_ref="short")).code == "restored"


async def test_the_callers_appointment_time_is_what_counts(desk: Desk) -> None:
    """S4.3: a missing appointment time is the booking's; with none at all there is no window."""
    for reference in ("with", "without"):
        await desk.lot(1)
        when = NOON if reference == "with" else None
        await desk.deduct(1, appointment_at=when, external_ref=reference)

    assert (await desk.restore(1, external_ref="with")).code == "CANCELLATION_WINDOW_EXPIRED"
    moved = {"external_ref": "with", "appointment_at": NOON + HALF_A_DAY}
    assert (await desk.restore(1, **moved)).code == "restored"
    assert (await desk.restore(1, external_ref="without")).code == "restored"


async def test_slices_come_back_in_reverse_order(desk: Desk) -> None:
    """S4.3: the last slice first, part by part, and never more than was taken."""
    a = await desk.lot(2, priority=1)
    b = await desk.lot(3, priority=2)
    await desk.deduct(4, external_ref="bk")

    restored = [await desk.restore(1, external_ref="bk") for _ in range(2)]
    assert [outcome.answer["credits_restored"] for outcome in restored] == [1, 1]
    assert await desk.buckets(b) == {"issued": 3, "available": 3}
    assert await desk.buckets(a) == {"issued": 2, "consumed": 2}

    rest = await desk.restore(99, external_ref="bk")
    assert rest.answer["credits_restored"] == 2
    assert await desk.buckets(a) == {"issued": 2, "available": 2}


async def test_a_second_restore_says_so(desk: Desk) -> None:
    """S4.3: ALREADY_RESTORED with what the first gave back, and nothing moves."""
    await desk.lot(2)
    await desk.deduct(2, external_ref="bk")
    first = await desk.restore(2, external_ref="bk")

    again = await desk.restore(2, external_ref="bk")

    assert again.code == "ALREADY_RESTORED"
    for name in ("hold_id", "entitlement_id", "contact_id", "credits_restored", "balance_after"):
        assert again.answer[name] == first.answer[name]
    assert await desk.balance() == (2, 0)


async def test_without_a_reference_the_newest_that_is_large_enough_comes_back(desk: Desk) -> None:
    """S4.3: the newest not yet restored deduction of that product with at least that amount."""
    await desk.lot(9)
    holds = [(await desk.deduct(amount)).answer["hold_id"] for amount in (2, 3, 1)]

    found = [(await desk.restore(2)).answer.get("hold_id") for _ in range(3)]

    assert found == [holds[1], holds[0], None]
    assert (await desk.restore(2)).code == "NOTHING_TO_RESTORE"
    assert (await desk.restore(1)).answer["hold_id"] == holds[2]


async def test_another_products_or_calendars_deduction_is_not_meant(desk: Desk) -> None:
    """S4.3: of that contact and product, or calendar."""
    await desk.lot(2, product_config_id="pc_1", coverage={"cal_1": 1})
    await desk.lot(2, product_config_id="pc_2", coverage={"cal_2": 1})
    first = await desk.deduct(1, calendar_id="cal_1")
    second = await desk.deduct(1, calendar_id="cal_2")

    assert (await desk.restore(1, product_config_id="pc_3")).code == "NOTHING_TO_RESTORE"
    assert (await desk.restore(1, calendar_id="cal_3")).code == "NOTHING_TO_RESTORE"
    by_product = await desk.restore(1, product_config_id="pc_1")
    assert by_product.answer["hold_id"] == first.answer["hold_id"]
    by_calendar = await desk.restore(1, calendar_id="cal_2")
    assert by_calendar.answer["hold_id"] == second.answer["hold_id"]


async def test_an_unknown_booking_has_nothing_to_restore(desk: Desk) -> None:
    await desk.lot(2)
    await desk.deduct(1, external_ref="bk")
    assert (await desk.restore(1, external_ref="other")).code == "NOTHING_TO_RESTORE"

    bob = desk.of("bob")
    await bob.contact_id()
    assert (await bob.restore(1, external_ref="bk")).code == "NOTHING_TO_RESTORE"


async def test_a_restored_booking_may_be_taken_again_and_restored_again(desk: Desk) -> None:
    """S15.3, S4.3: the reference means the living deduction, else the newest."""
    await desk.lot(1)
    first = await desk.deduct(1, external_ref="bk")
    await desk.restore(1, external_ref="bk")
    second = await desk.deduct(1, external_ref="bk")

    again = await desk.restore(1, external_ref="bk")

    assert again.answer["hold_id"] == second.answer["hold_id"] != first.answer["hold_id"]
    assert (await desk.restore(1, external_ref="bk")).code == "ALREADY_RESTORED"


async def test_weighted_units_come_back_at_what_they_cost(desk: Desk) -> None:
    """S4.3: one of two units at three credits is three credits."""
    lot = await desk.lot(6, coverage={"cal_1": 3})
    await desk.deduct(2, calendar_id="cal_1", external_ref="bk")

    assert (await desk.restore(1, external_ref="bk")).answer["credits_restored"] == 3
    assert await desk.buckets(lot) == {"issued": 6, "available": 3, "consumed": 3}


async def test_restoring_an_open_hold_ends_it(desk: Desk) -> None:
    """S4.3, S2.2: what is given back is released, the rest is used up."""
    lot = await desk.lot(3)
    held = await desk.hold(3, external_ref="bk")

    assert (await desk.restore(1, external_ref="bk")).code == "restored"

    assert await desk.buckets(lot) == {"issued": 3, "available": 1, "consumed": 2}
    assert (await desk.capture(held)).code == "HOLD_ALREADY_CLOSED"
    assert (await desk.restore(2, external_ref="bk")).answer["credits_restored"] == 2
    assert await desk.balance() == (3, 0)


LOT = "select * from kotally.lots where location_id = $1 and parent_lot_id = $2"


async def test_credits_of_an_expired_lot_come_back_in_a_new_one(desk: Desk) -> None:
    """S4.4: class restored, same rules and share of the cost, seven days of grace."""
    lot = await desk.lot(
        4, expires_at="2026-03-05T05:00:00Z", cost_minor=1000, unit_cost=250_000_000,
        coverage={"cal_1": 2}, coverage_width=1, priority=70, cancel_window_minutes=30,
    )  # fmt: skip
    await desk.deduct(1, calendar_id="cal_1", external_ref="bk", appointment_at=at("2026-03-04"))
    await desk.set_clock("2026-03-06T15:00")
    await desk.sweep()

    done = await desk.restore(1, external_ref="bk", appointment_at=at("2026-04-01"))

    assert (done.code, done.answer["balance_after"]) == ("restored", 2)
    assert await desk.buckets(lot) == {"issued": 4, "expired": 2, "transferred": 2}
    new = await desk.db.fetchrow(LOT, desk.location, lot)
    assert new is not None
    wanted = {
        "class": "restored", "issued": 2, "available": 2, "cost_minor": 500, "priority": 70,
        "unit_cost": 250_000_000, "coverage": {"cal_1": 2}, "coverage_width": 1,
        "cancel_window_minutes": 30, "product_config_id": "pc_1",
        # 6 March 10:00 in New York, rounded up to a midnight, and 7 days: after the clock change.
        "expires_at": at("2026-03-14T00:00-04:00"),
    }  # fmt: skip
    assert {name: new[name] for name in wanted} == wanted


async def test_only_the_expired_slices_need_a_new_lot(desk: Desk) -> None:
    """S4.4 is about each slice: what came from a living lot goes back there."""
    old = await desk.lot(1, expires_at="2026-03-05T05:00:00Z")
    living = await desk.lot(1)
    await desk.deduct(2, external_ref="bk")
    await desk.set_clock("2026-03-05T05:00")

    await desk.restore(2, external_ref="bk")

    assert await desk.buckets(living) == {"issued": 1, "available": 1}
    assert await desk.buckets(old) == {"issued": 1, "transferred": 1}
    assert await desk.balance() == (2, 0)


async def test_no_grace_means_that_they_are_lost(desk: Desk) -> None:
    """S4.4: grace 0 forfeits what comes back to an expired lot."""
    lot = await desk.lot(2, expires_at="2026-03-05T05:00:00Z", restore_grace_days=0)
    await desk.deduct(1, external_ref="deduction")
    held = await desk.hold(1)
    await desk.set_clock("2026-03-05T05:00")

    restored = await desk.restore(1, external_ref="deduction")
    released = await desk.release(held)

    assert (restored.code, released.code) == ("restored", "released")
    assert (restored.answer["credits_restored"], restored.answer["credits_expired"]) == (0, 1)
    assert (released.answer["credits_released"], released.answer["credits_expired"]) == (0, 1)

    assert await desk.balance() == (0, 0)
    assert await desk.buckets(lot) == {"issued": 2, "expired": 2}


async def test_a_restored_lot_can_be_spent_and_restored_itself(desk: Desk) -> None:
    """S4.4 twice over: the second new lot has the first as its parent."""
    lot = await desk.lot(1, expires_at="2026-03-05T05:00:00Z")
    await desk.deduct(1)
    await desk.set_clock("2026-03-06T12:00")
    await desk.restore(1)
    child = await desk.db.fetchrow(LOT, desk.location, lot)
    assert child is not None
    await desk.deduct(1)
    await desk.set_clock("2026-04-06T12:00")

    assert (await desk.restore(1)).answer["balance_after"] == 1

    grandchild = await desk.db.fetchrow(LOT, desk.location, child["id"])
    assert grandchild is not None
    assert (grandchild["class"], grandchild["available"]) == ("restored", 1)
    assert await desk.buckets(child["id"]) == {"issued": 1, "transferred": 1}


async def test_a_suspended_bill_does_not_stop_a_restore(desk: Desk) -> None:
    await desk.lot(1)
    await desk.deduct(1)
    await desk.db.execute(
        "update kotally.workspaces w set billing_status = 'suspended' from kotally.locations l"
        " where l.workspace_id = w.id and l.id = $1",
        desk.location,
    )

    assert (await desk.restore(1)).code == "restored"


async def test_a_restore_says_what_it_settles(desk: Desk) -> None:
    """S4.3: the posting points at the deduction and carries its hold."""
    await desk.lot(1)
    await desk.deduct(1, external_ref="bk")
    act = make.restore(1, external_ref="bk", args={"reason": "studio_cancelled"})
    done = await desk.one(act)

    taken, given = (await desk.history())[1:]

    assert given["refers_to"] == taken["seq"]
    assert given["hold_id"] == taken["hold_id"] == UUID(done.answer["hold_id"])
    assert (given["kind"], given["reason"]) == ("restore", "studio_cancelled")
    assert (given["amount"], given["available_after"]) == (1, 1)

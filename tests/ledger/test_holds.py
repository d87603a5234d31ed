"""S2: holds are placed, and end exactly once."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from kotally.core.ids import new_id
from kotally.db import Database
from tests import make
from tests.ledger.desk import NOON, Desk, at

RACES = 200
A_DAY = timedelta(days=1)


async def test_a_booking_holds_and_attendance_uses_up(desk: Desk) -> None:
    """S2.1, the vector: 10 credits, weight 2, held 8/2; cancelled 10/0; attended 8/0."""
    lot = await desk.lot(10, coverage={"cal_1": 2})

    first = await desk.hold(1, calendar_id="cal_1")
    assert (first.code, await desk.balance()) == ("held", (8, 2))
    assert (await desk.release(first)).code == "released"
    assert await desk.balance() == (10, 0)

    second = await desk.hold(1, calendar_id="cal_1")
    assert (await desk.capture(second)).code == "captured"
    assert await desk.balance() == (8, 0)
    assert await desk.buckets(lot) == {"issued": 10, "available": 8, "consumed": 2}
    kinds = [(row["kind"], row["amount"], row["available_after"]) for row in await desk.history()]
    assert kinds == [
        ("grant", 10, 10), ("hold", -2, 8), ("release", 2, 10), ("hold", -2, 8), ("capture", 0, 8),
    ]  # fmt: skip


@pytest.mark.parametrize("first", ["capture", "release"])
@pytest.mark.parametrize("second", ["capture", "release"])
async def test_a_hold_ends_once(desk: Desk, first: str, second: str) -> None:
    """S2.2: another key gets HOLD_ALREADY_CLOSED and nothing moves; the same key, the answer."""
    await desk.lot(5)
    held = await desk.hold(3)
    act = make.act(first, hold_id=UUID(held.answer["hold_id"]))

    done = await desk.one(act)
    again = await desk.one(act)
    refused = await getattr(desk, second)(held)

    assert (again.text, again.replayed) == (done.text, True)
    assert refused.code == "HOLD_ALREADY_CLOSED"
    assert refused.answer["status"] == {"capture": "captured", "release": "released"}[first]
    assert await desk.balance() == ((2, 0) if first == "capture" else (5, 0))


async def test_a_hold_of_somebody_else_is_not_found(desk: Desk) -> None:
    await desk.lot(5)
    held = await desk.hold(1)
    bob = desk.of("bob")
    await bob.contact_id()

    assert (await bob.capture(held)).code == "HOLD_NOT_FOUND"
    assert (await bob.release(held)).code == "HOLD_NOT_FOUND"
    unknown = make.act("capture", hold_id=new_id())
    assert (await desk.one(unknown)).code == "HOLD_NOT_FOUND"


async def test_capturing_less_releases_the_rest_in_reverse_order(desk: Desk) -> None:
    """S2.3: partial attendance gives back the last slice first."""
    a = await desk.lot(2, priority=1)
    b = await desk.lot(2, priority=2)
    held = await desk.hold(4)

    done = await desk.capture(held, 1)

    assert (done.answer["credits_captured"], done.answer["credits_released"]) == (1, 3)
    assert await desk.buckets(b) == {"issued": 2, "available": 2}
    assert await desk.buckets(a) == {"issued": 2, "available": 1, "consumed": 1}
    assert (await desk.history())[-1]["reason"] == "partial_attendance"


async def test_capturing_part_of_a_weighted_hold_counts_units(desk: Desk) -> None:
    """S2.3: two of three units at weight 3 are six of nine credits."""
    lot = await desk.lot(9, coverage={"cal_1": 3})
    held = await desk.hold(3, calendar_id="cal_1")

    await desk.capture(held, 2)

    assert await desk.buckets(lot) == {"issued": 9, "available": 3, "consumed": 6}


async def test_capturing_more_funds_the_difference_first(desk: Desk) -> None:
    """S2.3: more than held runs the burn-down for the extra amount, all or nothing."""
    a = await desk.lot(2, priority=1)
    held = await desk.hold(2)

    refused = await desk.capture(held, 4)
    assert (refused.code, await desk.balance()) == ("NO_ENTITLEMENT", (0, 2))

    b = await desk.lot(5, priority=2)
    done = await desk.capture(held, 4)

    assert (done.code, done.answer["credits_captured"]) == ("captured", 4)
    assert await desk.buckets(a) == {"issued": 2, "consumed": 2}
    assert await desk.buckets(b) == {"issued": 5, "available": 3, "consumed": 2}
    # What was taken later is given back first.
    assert (await desk.restore(3)).answer["credits_restored"] == 3
    assert await desk.buckets(a) == {"issued": 2, "available": 1, "consumed": 1}
    assert await desk.buckets(b) == {"issued": 5, "available": 5}


async def test_capturing_more_than_there_is_says_how_much_is_missing(desk: Desk) -> None:
    await desk.lot(3)
    held = await desk.hold(2)

    refused = await desk.capture(held, 5)

    assert (refused.code, refused.answer["short_by"]) == ("INSUFFICIENT_CREDITS", 2)
    assert await desk.balance() == (1, 2)


async def test_a_lapsed_hold_counts_as_released_before_any_sweep(desk: Desk) -> None:
    """S2.5: from its last instant on, its credits can be seen and spent, and it is closed."""
    await desk.lot(2)
    held = await desk.hold(2, ttl=600)

    await desk.set_clock(NOON + timedelta(seconds=599))
    assert (await desk.check(1)).code == "INSUFFICIENT_CREDITS"
    await desk.set_clock(NOON + timedelta(seconds=600))

    assert (await desk.check(2)).code == "eligible"
    contact = await desk.contact_id()
    sql = "select kotally.visible_balance($1, $2, kotally.location_now($1))"
    assert await desk.db.fetchval(sql, desk.location, contact) == 2
    refused = await desk.capture(held)
    assert (refused.code, refused.answer["status"]) == ("HOLD_ALREADY_CLOSED", "released")
    assert (await desk.deduct(2)).code == "deducted"


async def test_a_hold_is_captured_up_to_its_last_moment(desk: Desk) -> None:
    await desk.lot(2)
    held = await desk.hold(2, ttl=600)

    await desk.set_clock(NOON + timedelta(seconds=599))

    assert (await desk.capture(held)).code == "captured"


async def test_held_credits_do_not_expire(desk: Desk) -> None:
    """S2.7, S6.6: the sweep leaves them, and they can still be used up."""
    lot = await desk.lot(3, expires_at="2026-03-03T05:00:00Z")
    held = await desk.hold(2)
    await desk.set_clock("2026-03-04T05:00")

    assert await desk.sweep() == 1
    assert await desk.buckets(lot) == {"issued": 3, "held": 2, "expired": 1}
    assert await desk.sweep() == 0
    assert (await desk.capture(held)).code == "captured"
    assert await desk.buckets(lot) == {"issued": 3, "consumed": 2, "expired": 1}


async def test_a_hold_keeps_the_terms_of_its_time(desk: Desk) -> None:
    """S2.1: weight and cancellation window are copied onto the hold."""
    await desk.lot(10, coverage={"cal_1": 2}, cancel_window_minutes=60)
    appointment = at("2026-03-10T12:00")

    held = await desk.hold(2, calendar_id="cal_1", appointment_at=appointment, external_ref="bk1")

    row = await desk.db.fetchrow(
        "select * from kotally.holds where location_id = $1 and id = $2",
        desk.location,
        UUID(held.answer["hold_id"]),
    )
    assert row is not None
    wanted = {
        "units": 2, "amount": 4, "captured": 0, "status": "held", "is_live": True,
        "cancel_window_minutes": 60, "appointment_at": appointment, "external_ref": "bk1",
        "placed_at": NOON, "closed_at": None, "calendar_id": "cal_1",
    }  # fmt: skip
    assert {name: row[name] for name in wanted} == wanted


async def test_a_booking_cannot_be_taken_twice(desk: Desk) -> None:
    """S15.3: the booking reference is a natural key while the booking lives."""
    await desk.lot(5)
    held = await desk.hold(1, external_ref="bk1")

    for other in (await desk.hold(1, external_ref="bk1"), await desk.deduct(1, external_ref="bk1")):
        assert other.code == "DUPLICATE_EVENT"
        for name in ("hold_id", "entitlement_id", "contact_id"):
            assert other.answer[name] == held.answer[name]
    assert await desk.balance() == (4, 1)

    await desk.release(held)
    assert (await desk.hold(1, external_ref="bk1")).code == "held"
    bob = desk.of("bob")
    await bob.lot(1)
    assert (await bob.deduct(1, external_ref="bk1")).code == "deducted"


async def test_holds_survive_a_suspended_bill_but_cannot_be_placed(desk: Desk) -> None:
    await desk.lot(5)
    held = await desk.hold(1)
    await desk.db.execute(
        "update kotally.workspaces w set billing_status = 'suspended' from kotally.locations l"
        " where l.workspace_id = w.id and l.id = $1",
        desk.location,
    )

    assert (await desk.hold(1)).code == "BILLING_SUSPENDED"
    assert (await desk.deduct(1)).code == "BILLING_SUSPENDED"
    assert (await desk.release(held)).code == "released"


async def test_two_bookings_for_the_last_credit(desk: Desk, ledger_db: Database) -> None:
    """S2, the vector: of two parallel bookings exactly one succeeds, 200 times."""
    desks = [desk.of(f"member {number}") for number in range(RACES)]
    for one in desks:
        await one.lot(1)

    async def race(one: Desk) -> list[str]:
        both = await asyncio.gather(one.hold(1), one.hold(1))
        return sorted(outcome.code for outcome in both)

    results = []
    for start in range(0, RACES, 4):
        results += await asyncio.gather(*map(race, desks[start : start + 4]))

    assert results == [["INSUFFICIENT_CREDITS", "held"]] * RACES


async def test_what_a_lot_gives_twice_is_one_slice(desk: Desk) -> None:
    """S4.3: a capture that drew again from the first lot gives it back last all the same."""
    first = await desk.lot(3, expires_at="2026-05-02T00:00:00Z")
    held = await desk.hold(1)
    sooner = await desk.lot(2, expires_at="2026-05-01T00:00:00Z")
    assert (await desk.capture(held, 4)).code == "captured"

    await desk.restore(2)

    assert await desk.buckets(sooner) == {"issued": 2, "available": 2}
    assert await desk.buckets(first) == {"issued": 3, "available": 1, "consumed": 2}

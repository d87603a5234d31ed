"""S6: expiry is a predicate; the sweep only writes it down."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from tests.ledger.conftest import Opened
from tests.ledger.desk import NOON, Desk, at

A_MOMENT = timedelta(microseconds=1)


async def test_the_last_instant_is_exclusive(desk: Desk) -> None:
    """S6.1: spendable while start < expires_at."""
    expires_at = NOON + timedelta(hours=1)
    await desk.lot(2, expires_at=expires_at)

    await desk.set_clock(expires_at - A_MOMENT)
    assert (await desk.deduct(1)).code == "deducted"
    await desk.set_clock(expires_at)
    refused = await desk.deduct(1)
    assert (refused.code, refused.answer["balance_after"]) == ("NO_ENTITLEMENT", 0)


async def test_a_late_sweep_writes_the_true_time(desk: Desk) -> None:
    """S6.5, the vector: three days late, same balances before, same entries after."""
    early = await desk.lot(3, expires_at="2026-03-03T05:00:00Z")
    later = await desk.lot(2, expires_at="2026-03-04T05:00:00Z")
    await desk.set_clock("2026-03-07T05:00")
    checked = (await desk.check()).code

    assert await desk.sweep() == 2

    assert ((await desk.check()).code, checked) == ("NO_ENTITLEMENT", "NO_ENTITLEMENT")
    expiries = [row for row in await desk.history() if row["kind"] == "expire"]
    assert [(row["effective_at"], row["amount"], row["available_after"]) for row in expiries] == [
        (at("2026-03-03T05:00"), -3, 2),
        (at("2026-03-04T05:00"), -2, 0),
    ]
    assert {row["recorded_at"] for row in expiries} == {at("2026-03-07T05:00")}
    assert await desk.buckets(early) == {"issued": 3, "expired": 3}
    assert await desk.buckets(later) == {"issued": 2, "expired": 2}


async def test_the_sweep_is_idempotent(desk: Desk) -> None:
    """S6.5: once per lot, its own available credits only, and never what is not due."""
    await desk.lot(3, expires_at=NOON)
    await desk.lot(5, expires_at=NOON + A_MOMENT)
    await desk.lot(7)

    assert [await desk.sweep() for _ in range(3)] == [1, 0, 0]
    assert await desk.balance() == (12, 0)


async def test_concurrent_sweeps_expire_once(desk: Desk) -> None:
    """S6.5: several workers at once, passing over each other's contacts."""
    desks = [desk.of(f"member {number}") for number in range(12)]
    for one in desks:
        await one.lot(1, expires_at=NOON)
        await one.lot(2, expires_at=NOON)

    swept = await asyncio.gather(*(desk.sweep(limit=5) for _ in range(12)))

    while more := await desk.sweep(limit=5):
        swept.append(more)
    assert sum(swept) == 24
    assert max(swept) <= 5
    assert [await one.balance() for one in desks] == [(0, 0)] * 12


async def test_the_sweep_passes_over_a_contact_that_is_locked(desk: Desk) -> None:
    await desk.lot(1, expires_at=NOON)
    bob = desk.of("bob")
    await bob.lot(1, expires_at=NOON)

    async with desk.db.transaction() as other:
        await other.execute(
            "select kotally.lock_contacts($1, $2)", desk.location, [await desk.contact_id()]
        )
        assert await desk.sweep() == 1

    assert (await desk.balance(), await bob.balance()) == ((1, 0), (0, 0))
    assert await desk.sweep() == 1


async def test_the_sweep_of_one_location_leaves_the_others(desk: Desk, opened: Opened) -> None:
    await desk.lot(1, expires_at=NOON)
    elsewhere = await opened()
    await elsewhere.lot(1, expires_at=NOON)

    assert await desk.sweep() == 1
    assert await elsewhere.balance() == (1, 0)


async def test_a_held_credit_of_an_expired_lot_follows_the_restore_rule(desk: Desk) -> None:
    """S6.6: it stays held; released, it comes back with grace."""
    lot = await desk.lot(2, expires_at="2026-03-03T05:00:00Z")
    held = await desk.hold(1)
    await desk.set_clock("2026-03-10T12:00")
    await desk.sweep()

    assert (await desk.release(held)).answer["balance_after"] == 1
    assert await desk.buckets(lot) == {"issued": 2, "expired": 1, "transferred": 1}


async def test_a_late_release_of_a_lapsed_hold_is_as_of_its_time(desk: Desk) -> None:
    """S2.5, S6.5: it lapsed before the lot expired, so its credits expired with the lot."""
    lot = await desk.lot(3, expires_at=NOON + timedelta(hours=1))
    await desk.hold(1, ttl=600)
    await desk.set_clock(NOON + timedelta(hours=2))
    assert await desk.sweep() == 1

    released = await desk.db.fetchval("select kotally.lapse_holds($1, 10)", desk.location)

    assert (released, await desk.sweep(), await desk.sweep()) == (1, 1, 0)
    assert await desk.buckets(lot) == {"issued": 3, "expired": 3}
    release = [row for row in await desk.history() if row["kind"] == "release"]
    assert [(row["effective_at"], row["reason"]) for row in release] == [
        (NOON + timedelta(minutes=10), "hold_lapsed")
    ]


async def test_the_sweep_of_lapsed_holds_is_idempotent(desk: Desk) -> None:
    """S2.5: once per hold, at its time, and only those that are due."""
    await desk.lot(5)
    for ttl in (60, 120, 600):
        await desk.hold(1, ttl=ttl)
    await desk.hold(1)
    await desk.set_clock(NOON + timedelta(seconds=120))
    sql = "select kotally.lapse_holds($1, 10)"

    released = await asyncio.gather(*(desk.db.fetchval(sql, desk.location) for _ in range(4)))

    assert sum(released) == 2
    assert await desk.db.fetchval(sql, desk.location) == 0
    assert await desk.balance() == (3, 2)


@pytest.mark.parametrize("limit", [1, 2, 100])
async def test_a_sweep_takes_as_many_as_it_is_told(desk: Desk, limit: int) -> None:
    for number in range(5):
        await desk.lot(1, expires_at=NOON - timedelta(days=number))

    swept = []
    while count := await desk.sweep(limit):
        swept.append(count)

    assert sum(swept) == 5
    assert max(swept) == min(limit, 5)

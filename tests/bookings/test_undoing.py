"""S4.7: undoing the cancellation of a class brings back what was."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from kotally.core.ids import new_id
from tests import make
from tests.bookings.studio import Answer, Studio

CLASS = "2026-03-05T15:00"
TIERS = {
    "no_show_fee_cents": 800,
    "late_tiers": [
        {
            "hours_before_from": 24,
            "hours_before_to": 12,
            "forfeit_percent": 50,
            "fee_cents": 500,
            "strike": False,
        },
        {"hours_before_from": 12, "forfeit_percent": 100, "fee_cents": 1000},
    ],
}
BLOCK = {
    "no_show_fee_cents": 1500,
    "penalty": {"threshold": 1, "action": "block", "block_days": 7},
}


async def _spends(studio: Studio, credits_: int) -> None:
    await make.applied(studio.db, studio.location, [make.deduct(credits_, studio.member)])


async def _undone(studio: Studio, booking: Answer) -> str:
    """Cancel the class and undo it; the books hold at each step."""
    cancelled = await studio.cancels_class("c1")
    await studio.assert_books()
    undone = await studio.undoes(cancelled)
    assert undone.code == "class_restored"
    await studio.assert_books()
    return await studio.status(booking)


async def _buckets(studio: Studio) -> dict[str, int]:
    names = ("available", "held", "consumed", "penalty")
    return {name: await studio.buckets(name) for name in names}


async def _lots(studio: Studio, bucket: str) -> set[UUID]:
    rows = await studio.db.fetch(
        "select * from kotally.lots where location_id = $1 and contact_id = $2",
        studio.location,
        await studio.contact_id(),
    )
    return {row["id"] for row in rows if row[bucket]}


async def _late(studio: Studio, credits_: int, **lot: Any) -> Answer:
    """Cancel late, 19 hours before: half of four credits is forfeited, and there is a fee."""
    await studio.sells(cancel_window_minutes=1440, attendance=TIERS)
    await studio.buys(credits_, lot=lot)
    booking = await studio.books(CLASS, class_ref="c1", units=4)
    await studio.clock("2026-03-04T20:00")
    done = await studio.cancels(booking)
    assert (done["credits_forfeited"], done["fee_cents"]) == (2, 500)
    return done


async def test_a_late_cancellation_costs_what_it_cost(studio: Studio) -> None:
    """S4.7, S5.1: by the member's own time of cancelling, not by the studio's."""
    late = await _late(studio, 10)
    await studio.clock("2026-03-05T16:30")
    before = await _buckets(studio)

    assert await _undone(studio, late) == "late_cancelled"

    assert (await _buckets(studio), await studio.fees_due()) == (before, [500])
    assert "strike_recorded" not in await studio.told()


@pytest.mark.parametrize("mode", ["hold", "booking", "attendance"])
async def test_who_came_in_part_came_in_part(studio: Studio, mode: str) -> None:
    """S2.3, S4.7: what was used is used again, not all that was booked."""
    await studio.sells(attendance={"mode": mode})
    await studio.buys(10)
    booking = await studio.books(CLASS, class_ref="c1", units=4)
    await studio.clock("2026-03-05T16:30")
    await studio.attends(booking, units=1)
    before = await _buckets(studio)

    assert await _undone(studio, booking) == "attended"
    assert await _buckets(studio) == before
    assert await _undone(studio, booking) == "attended"
    assert await _buckets(studio) == before


@pytest.mark.parametrize("is_spent", [True, False])
async def test_a_late_cancellation_takes_only_what_it_had_forfeited(
    studio: Studio, *, is_spent: bool
) -> None:
    """S4.7: the other half is spent or has expired meanwhile; no later purchase pays for it."""
    late = await _late(studio, 4, expires_at="2026-03-06T05:00:00+00:00")
    if is_spent:
        await _spends(studio, 2)
    else:
        await studio.clock("2026-03-07T12:00")

    assert await _undone(studio, late) == "late_cancelled"

    assert (await studio.buckets("penalty"), await studio.fees_due()) == (2, [500])
    await studio.buys(4)
    assert (await studio.balance())[0] - 4 == (0 if is_spent else 2)
    assert await studio.status(late) == "late_cancelled"


async def test_of_what_was_forfeited_as_much_is_forfeited_as_there_is(studio: Studio) -> None:
    """S4.7: it stays a late cancellation, whatever can still be had for it."""
    late = await _late(studio, 4)
    cancelled = await studio.cancels_class("c1")
    await _spends(studio, 3)

    await studio.undoes(cancelled)

    assert (await studio.status(late), await studio.buckets("penalty")) == ("late_cancelled", 1)
    assert await studio.fees_due() == [500]
    await studio.assert_books()


@pytest.mark.parametrize(
    ("settlement", "due"), [(None, [500]), ("paid", []), ("waived", []), ("written_off", [])]
)
async def test_one_fee_is_one_fee_in_the_end(
    studio: Studio, settlement: str | None, due: list[int]
) -> None:
    """S4.7, S5.6: a fee that is due is waived and put back; one that is settled stays so."""
    late = await _late(studio, 10)
    if settlement is not None:
        await studio.settles_fee(late["fee_id"], settlement)

    cancelled = await studio.cancels_class("c1")

    waived = cancelled["bookings"][0].get("fees_waived", [])
    assert (waived, await studio.fees_due()) == (
        [] if settlement else [late["fee_id"]], [],
    )  # fmt: skip
    await studio.undoes(cancelled)
    assert await studio.fees_due() == due
    if settlement is None:
        assert (await studio.settles_fee(late["fee_id"], "paid")).code == "fee_settled"
        assert (await studio.told()).count("fee_due") == 2


async def test_a_fee_that_was_paid_is_not_charged_again_by_a_correction(studio: Studio) -> None:
    """S5.7: what was paid counts when the booking is settled anew."""
    late = await _late(studio, 10)
    await studio.settles_fee(late["fee_id"], "paid")
    await studio.corrects(late, "waived")

    again = await studio.corrects(late, "late_cancelled")

    assert ("fee_cents" in again.said, await studio.fees_due()) == (False, [])
    assert (await studio.corrects(late, "no_show"))["fee_cents"] == 300


async def test_an_absence_and_its_block_come_back_as_they_were(studio: Studio) -> None:
    """S4.7, S5.5: strike, fee and block, from when the absence was posted."""
    await studio.sells(attendance=BLOCK)
    await studio.buys(10)
    booking = await studio.books(CLASS, class_ref="c1")
    await studio.clock("2026-03-05T16:30")
    missed = await studio.misses(booking)
    until = await studio.blocked_until()
    await studio.clock("2026-03-07T12:00")
    cancelled = await studio.cancels_class("c1")
    assert (await studio.blocked_until(), await studio.fees_due()) == (None, [])

    await studio.undoes(cancelled)

    assert (await studio.blocked_until(), until) == (until, datetime(2026, 3, 12, 4, tzinfo=UTC))
    assert (await studio.status(booking), await studio.fees_due()) == ("no_show", [1500])
    assert (await studio.settles_fee(missed["fee_id"], "paid")).code == "fee_settled"
    settled_at = await studio.db.fetchval(
        "select settled_at from kotally.bookings where location_id = $1 and id = $2",
        studio.location,
        booking.id,
    )
    assert settled_at == datetime(2026, 3, 5, 16, 30, tzinfo=UTC)


@pytest.mark.parametrize("mode", ["hold", "booking", "attendance"])
async def test_a_place_is_kept_though_the_member_is_blocked_since(
    studio: Studio, mode: str
) -> None:
    """S4.7: it had its place, and the very credits, before."""
    await studio.sells(attendance={"mode": mode})
    await studio.buys(2)
    booking = await studio.books(CLASS, class_ref="c1", units=2)
    had, before = await _lots(studio, "held"), await _buckets(studio)
    cancelled = await studio.cancels_class("c1")
    await studio.buys(2, lot={"expires_at": "2026-03-20T04:00:00+00:00"})
    await studio.owner.execute(
        """
        insert into kotally.blockers (location_id, id, contact_id, kind, starts_at, source,
                                      message, created_at)
        values ($1, $2, $3, 'penalty', $4, 'tests', 'Away too often.', $4)
        """,
        studio.location,
        new_id(),
        await studio.contact_id(),
        await studio.now(),
    )

    undone = await studio.undoes(cancelled)

    assert (undone["bookings"][0]["status"], await studio.status(booking)) == ("booked", "booked")
    assert await _buckets(studio) == before | {"available": before["available"] + 2}
    assert await _lots(studio, "held") == had
    assert undone["bookings"][0]["closes_at"] == booking["closes_at"]
    await studio.assert_books()
    await studio.clock("2026-03-05T16:30")
    if mode != "attendance":
        assert (await studio.attends(booking)).code == "attended"
        await studio.assert_books()


async def test_what_is_gone_is_paid_for_anew(studio: Studio) -> None:
    """S4.7: from another lot; without one it stands without funds until the next grant."""
    await studio.sells()
    await studio.buys(2, lot={"expires_at": "2026-03-20T04:00:00+00:00"})
    booked = await studio.books(CLASS, class_ref="c1")
    attended = await studio.books("2026-03-02T12:00", class_ref="c1")
    await studio.attends(attended)
    cancelled = await studio.cancels_class("c1")
    await _spends(studio, 2)
    await studio.buys(1)

    await studio.undoes(cancelled)

    both = {await studio.status(booked), await studio.status(attended)}
    assert both in ({"unfunded", "attended"}, {"unfunded", "booked"})
    await studio.assert_books()
    await studio.buys(1)
    assert "unfunded" not in {await studio.status(booked), await studio.status(attended)}


async def test_what_came_back_in_a_new_lot_is_taken_from_there(studio: Studio) -> None:
    """S4.4, S4.7: the lot has expired, and its credits live on in their days of grace."""
    await studio.sells()
    await studio.buys(2, lot={"expires_at": "2026-03-06T05:00:00+00:00"})
    booking = await studio.books(CLASS, class_ref="c1", units=2)
    await studio.clock("2026-03-05T16:30")
    await studio.attends(booking)
    await studio.clock("2026-03-08T12:00")
    await studio.buys(2, lot={"expires_at": "2026-03-09T04:00:00+00:00"})

    assert await _undone(studio, booking) == "attended"

    assert (await studio.buckets("consumed"), await studio.balance()) == (2, (2, 0))


async def test_a_package_that_its_first_class_starts_is_started_again(studio: Studio) -> None:
    """S6.4, S4.7: the cancellation took its start back."""
    await studio.sells()
    rules = {"starts": {"on": "first_booking", "days": 10}}
    await studio.buys(2, lot={"rules": rules})
    booking = await studio.books(CLASS, class_ref="c1")
    until = await _expiries(studio)

    cancelled = await studio.cancels_class("c1")
    assert until != await _expiries(studio)

    await studio.undoes(cancelled)
    assert (await studio.status(booking), await _expiries(studio)) == ("booked", until)


async def _expiries(studio: Studio) -> list[datetime | None]:
    rows = await studio.db.fetch(
        "select expires_at from kotally.lots where location_id = $1", studio.location
    )
    return [row["expires_at"] for row in rows]


async def test_an_unlimited_plan_counts_its_places_again(studio: Studio) -> None:
    """S3.4, S4.7: without credits, and the cap counts it."""
    await studio.sells("pc_all", credits_=0, unlimited=True, caps=[{"count": 1, "window": "day"}])
    await studio.buys(0, "pc_all")
    wish: dict[str, Any] = {"product_config_id": None, "calendar_id": "yoga"}
    booking = await studio.books(CLASS, class_ref="c1", **wish)
    assert await _undone(studio, booking) == "booked"
    assert (await studio.books("2026-03-05T18:00", **wish)).code == "CAP_REACHED"
    await studio.clock("2026-03-05T16:30")
    await studio.attends(booking)
    assert await _undone(studio, booking) == "attended"
    assert (await studio.books("2026-03-05T18:00", **wish)).code == "CAP_REACHED"


async def test_a_reference_that_was_booked_anew_stays_the_new_ones(studio: Studio) -> None:
    """S4.7: the old booking stays cancelled."""
    await studio.sells()
    await studio.buys(5)
    booking = await studio.books(CLASS, "b1", class_ref="c1")
    cancelled = await studio.cancels_class("c1")
    assert (await studio.books(CLASS, "b1", class_ref="c2")).code == "booked"
    undone = await studio.undoes(cancelled)
    assert (undone.code, await studio.status(booking)) == ("class_restored", "studio_cancelled")
    assert await studio.balance() == (4, 1)

"""S4.6, S4.7 and the waiting list: moving, the studio's cancellation, promotion."""

from __future__ import annotations

import pytest

from tests.bookings.studio import Answer, Studio


async def test_a_move_is_planned_as_if_the_old_hold_were_released(studio: Studio) -> None:
    """S4.6: the last credit can be moved, and the cap of the week does not count the old place."""
    await studio.sells(caps=[{"count": 1, "window": "week"}])
    await studio.buys(1)
    booking = await studio.books("2026-03-05T15:00", "b1")
    seen = await studio.moves(booking, "2026-03-06T15:00", preview=True)
    done = await studio.moves(booking, "2026-03-06T15:00")
    assert (done.code, seen["appointment_time"]) == ("rescheduled", done["appointment_time"])
    assert (done["booking_id"], await studio.balance()) == (booking["booking_id"], (0, 1))
    assert (await studio.attends(done)).code == "attended"


async def test_a_move_that_cannot_be_funded_leaves_the_old_booking(studio: Studio) -> None:
    """S4.6: refused, and the old booking stands."""
    await studio.sells()
    await studio.buys(1, lot={"expires_at": "2026-03-10T04:00:00Z"})
    booking = await studio.books("2026-03-05T15:00")
    refused = await studio.moves(booking, "2026-03-12T15:00")
    assert refused.code in {"NO_ENTITLEMENT", "INSUFFICIENT_CREDITS"}
    assert (await studio.status(booking), await studio.balance()) == ("booked", (0, 1))
    assert (await studio.attends(booking)).code == "attended"


async def test_inside_the_late_window_a_move_is_refused(studio: Studio) -> None:
    """S4.6: the default."""
    await studio.sells()
    await studio.buys(1)
    booking = await studio.books("2026-03-02T15:00")
    refused = await studio.moves(booking, "2026-03-06T15:00")
    assert (refused.code, refused["cancel_free_until"]) == (
        "RESCHEDULE_TOO_LATE", "2026-03-02T03:00:00.000Z",
    )  # fmt: skip


async def test_a_late_move_that_is_allowed_keeps_the_old_start(studio: Studio) -> None:
    """S4.1, S4.6: nobody escapes the window by moving."""
    await studio.sells(attendance={"reschedule_late": "allow"})
    await studio.buys(2)
    booking = await studio.books("2026-03-02T15:00")
    moved = await studio.moves(booking, "2026-03-20T15:00")
    assert moved["cancel_free_until"] == "2026-03-02T03:00:00.000Z"
    again = await studio.moves(moved, "2026-03-25T15:00")
    assert (await studio.cancels(again)).code == "late_cancelled"


async def test_a_late_move_can_count_as_a_late_cancellation(studio: Studio) -> None:
    """S4.6: the old one is forfeited, the new one is paid for beside it."""
    await studio.sells(attendance={"reschedule_late": "late_cancel"})
    await studio.buys(3)
    booking = await studio.books("2026-03-02T15:00", "b1")
    moved = await studio.moves(booking, "2026-03-20T15:00")
    assert (moved.code, moved["late_cancelled"]["status"]) == ("rescheduled", "late_cancelled")
    assert moved["booking_id"] != booking["booking_id"]
    assert (await studio.balance(), await studio.buckets("penalty")) == ((1, 1), 1)


async def test_the_strike_of_a_late_move_blocks_only_what_comes_after_it(studio: Studio) -> None:
    """S4.6, S5.5: the new time has its place before the block that the move leads to."""
    penalty = {"threshold": 1, "action": "block", "block_days": 7}
    await studio.sells(
        attendance={
            "reschedule_late": "late_cancel",
            "late_tiers": [{"hours_before_from": 12}],
            "penalty": penalty,
        }
    )
    await studio.buys(5)
    booking = await studio.books("2026-03-02T15:00", "b1")

    moved = await studio.moves(booking, "2026-03-04T15:00")

    assert (moved.code, moved["status"]) == ("rescheduled", "booked")
    assert moved["late_cancelled"]["blocked_until"] == "2026-03-09T04:00:00.000Z"
    assert (await studio.books("2026-03-05T15:00")).code == "BOOKING_BLOCKED"
    assert (await studio.balance(), await studio.buckets("penalty")) == ((3, 1), 1)


async def test_a_refused_move_leaves_the_balance_as_it_is_told(studio: Studio) -> None:
    """S4.6: the old booking stands, so nothing of it is back."""
    await studio.sells()
    await studio.buys(3, lot={"expires_at": "2026-03-12T05:00:00Z"})
    booking = await studio.books("2026-03-10T15:00", units=2)

    refused = await studio.moves(booking, "2026-03-20T15:00")

    assert (refused.code, refused["balance_after"]) == ("NO_ENTITLEMENT", 1)
    assert await studio.balance() == (1, 2)


async def test_the_studio_cancels_a_class_and_undoes_it_once(studio: Studio) -> None:
    """S4.7: everything back whatever the window, strikes and fees too; one undo."""
    await studio.sells(attendance={"no_show_fee_cents": 900})
    for member in ("ana", "bob", "eve"):
        await studio.of(member).buys(2)
    bookings = {
        member: await studio.of(member).books("2026-03-02T14:00", class_ref="c1")
        for member in ("ana", "bob", "eve")
    }
    await studio.clock("2026-03-02T15:30")
    await studio.attends(bookings["ana"])
    await studio.of("bob").misses(bookings["bob"])

    seen = await studio.cancels_class("c1", preview=True)
    done = await studio.cancels_class("c1")

    assert (done.code, done["credits_returned"], seen["credits_returned"]) == (
        "class_cancelled", 3, 3,
    )  # fmt: skip
    for member in bookings:
        assert await studio.of(member).balance() == (2, 0)
    assert "fee_waived" in await studio.of("bob").told()
    assert (await studio.cancels_class("c1")).code == "CLASS_NOT_FOUND"

    undone = await studio.undoes(done)

    assert undone.code == "class_restored"
    assert await studio.status(bookings["ana"]) == "attended"
    assert await studio.status(bookings["bob"]) == "no_show"
    assert await studio.status(bookings["eve"]) == "booked"
    assert [await studio.of(each).balance() for each in bookings] == [(1, 0), (1, 0), (1, 1)]
    assert (await studio.undoes(done)).code == "CANCELLATION_ALREADY_UNDONE"


@pytest.mark.parametrize("mode", ["hold", "booking", "attendance"])
async def test_a_class_is_cancelled_and_restored_alike_in_every_mode(
    studio: Studio, mode: str
) -> None:
    """S2.6, S4.7: everything back, and undone to what was, whenever the credits are taken."""
    half = {"hours_before_from": 12, "forfeit_percent": 50}
    await studio.sells(attendance={"mode": mode, "late_tiers": [half]})
    bookings: dict[str, Answer] = {}
    for member in ("ana", "bob", "eve"):
        await studio.of(member).buys(5)
        bookings[member] = await studio.of(member).books(
            "2026-03-02T14:00", class_ref="c1", units=2
        )
    await studio.of("eve").cancels(bookings["eve"])
    await studio.clock("2026-03-02T15:30")
    await studio.attends(bookings["ana"])
    await studio.of("bob").misses(bookings["bob"])

    done = await studio.cancels_class("c1")

    assert done["credits_returned"] == 5
    assert [await studio.of(each).balance() for each in bookings] == [(5, 0)] * 3
    await studio.undoes(done)
    assert [await studio.of(each).status(bookings[each]) for each in bookings] == [
        "attended", "no_show", "late_cancelled",
    ]  # fmt: skip
    assert await studio.buckets("consumed") == 2
    assert await studio.of("bob").buckets("penalty") == 2
    assert (await studio.of("bob").corrects(bookings["bob"], "waived"))["credits_returned"] == 2
    await studio.of("eve").corrects(bookings["eve"], "waived")
    assert [await studio.of(each).balance() for each in bookings] == [(3, 0), (5, 0), (5, 0)]


async def test_promotion_checks_anew_and_passes_over_with_a_reason(studio: Studio) -> None:
    """E2: eligibility, caps and the hold in one transaction; the skipped are told why."""
    await studio.sells(caps=[{"count": 1, "window": "day"}])
    members = ["ana", "bob", "eve", "joe"]
    for member in members[1:]:
        await studio.of(member).buys(1)
    await studio.of("ana").contact_id()
    waiting = {
        member: await studio.of(member).books("2026-03-05T15:00", class_ref="c1", waitlist=True)
        for member in members
    }
    assert {each.code for each in waiting.values()} == {"waitlisted"}
    await studio.of("bob").books("2026-03-05T18:00")

    done = await studio.promotes("c1")

    assert [row["booking_id"] for row in done["promoted"]] == [waiting["eve"]["booking_id"]]
    assert [row["why"] for row in done["skipped"]] == ["NO_ENTITLEMENT", "CAP_REACHED"]
    assert await studio.of("eve").balance() == (0, 1)
    assert await studio.status(waiting["ana"]) == "waitlisted"
    await studio.of("ana").buys(1)
    assert [row["contact_id"] for row in (await studio.promotes("c1"))["promoted"]] == [
        str(await studio.of("ana").contact_id())
    ]
    await studio.promotes("c1")
    await studio.clock("2026-03-05T15:00")
    assert (await studio.promotes("c1")).code == "WAITLIST_EMPTY"
    await studio.sweeps()
    assert await studio.status(waiting["bob"]) == "cancelled"


async def test_two_promotions_at_once_give_one_place_each(studio: Studio) -> None:
    """E2: the lock is on everybody who waits."""
    import asyncio

    await studio.sells()
    for member in ("ana", "bob"):
        await studio.of(member).buys(1)
        await studio.of(member).books("2026-03-05T15:00", class_ref="c1", waitlist=True)
    both = await asyncio.gather(studio.promotes("c1"), studio.promotes("c1"))
    promoted = [row["contact_id"] for done in both for row in done.said.get("promoted", [])]
    assert len(promoted) == len(set(promoted)) == 2

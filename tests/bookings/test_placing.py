"""S2, S3: bookings are placed, hold their credits, and count against caps."""

from __future__ import annotations

import asyncio

import pytest

from kotally.core.ids import new_id
from tests.bookings.studio import Studio

COVERS_TWO = {"yoga": 2}


async def test_a_booking_holds_until_it_is_attended_or_cancelled(studio: Studio) -> None:
    """S2.1, S2.4 vector: 10, weight 2: 8/2; in time 10/0; attended 8/0, consumed 2."""
    await studio.sells(coverage=COVERS_TWO)
    await studio.buys(10)
    booking = await studio.books("2026-03-05T15:00", calendar_id="yoga")
    assert (booking.code, await studio.balance()) == ("booked", (8, 2))
    assert booking["cancel_free_until"] == "2026-03-05T03:00:00.000Z"
    assert (await studio.cancels(booking)).code == "cancelled"
    assert await studio.balance() == (10, 0)
    again = await studio.books("2026-03-05T15:00", calendar_id="yoga")
    assert (await studio.attends(again)).code == "attended"
    assert (await studio.balance(), await studio.buckets("consumed")) == ((8, 0), 2)


async def test_a_booking_is_placed_once(studio: Studio) -> None:
    """S15.1, S15.3: the same request is replayed, the same reference is a duplicate."""
    await studio.sells()
    await studio.buys(3)
    key = studio.key()
    first = await studio.books("2026-03-05T15:00", "b1", key=key)
    again = await studio.books("2026-03-05T15:00", "b1", key=key)
    other = await studio.books("2026-03-05T15:00", "b1")
    assert again.replayed
    assert again.said == first.said
    assert (other.code, other["booking_id"]) == ("DUPLICATE_EVENT", first["booking_id"])
    assert await studio.balance() == (2, 1)


async def test_a_booking_ends_once(studio: Studio) -> None:
    """S2.2: what has ended is not ended again."""
    await studio.sells()
    await studio.buys(3)
    booking = await studio.books("2026-03-05T15:00")
    await studio.attends(booking)
    for refused in (await studio.cancels(booking), await studio.attends(booking)):
        assert (refused.code, refused["status"]) == ("BOOKING_ALREADY_SETTLED", "attended")


async def test_partial_attendance_releases_the_rest(studio: Studio) -> None:
    """S2.3: less than held gives back, more takes the extra first."""
    await studio.sells()
    await studio.buys(6)
    booking = await studio.books("2026-03-05T15:00", units=4)
    done = await studio.attends(booking, units=1)
    assert (done["credits_captured"], done["credits_returned"]) == (1, 3)
    more = await studio.books("2026-03-06T15:00", units=2)
    assert (await studio.attends(more, units=4))["credits_captured"] == 4
    much = await studio.books("2026-03-06T15:00", units=1)
    short = await studio.attends(much, units=4)
    assert (short.code, short["short_by"]) == ("INSUFFICIENT_CREDITS", 3)
    assert await studio.balance() == (0, 1)


async def test_the_last_credit_is_booked_once(studio: Studio) -> None:
    """S2, vector: of parallel bookings for the last credit exactly one succeeds."""
    await studio.sells()
    await studio.buys(1)
    done = await asyncio.gather(*(studio.books("2026-03-05T15:00", f"b{n}") for n in range(8)))
    assert sorted(each.code for each in done) == ["INSUFFICIENT_CREDITS"] * 7 + ["booked"]


@pytest.mark.parametrize(("mode", "before", "after"), [
    ("hold", (4, 1), (4, 0)),
    ("booking", (4, 0), (4, 0)),
    ("attendance", (5, 0), (4, 0)),
])  # fmt: skip
async def test_the_mode_says_when_credits_are_taken(
    studio: Studio, mode: str, before: tuple[int, int], after: tuple[int, int]
) -> None:
    """S2.6: hold, booking (hold and capture at once), attendance (nothing until captured)."""
    await studio.sells(attendance={"mode": mode})
    await studio.buys(5)
    booking = await studio.books("2026-03-05T15:00")
    assert (booking.code, await studio.balance()) == ("booked", before)
    await studio.attends(booking)
    assert (await studio.balance(), await studio.buckets("consumed")) == (after, 1)


@pytest.mark.parametrize("mode", ["hold", "booking", "attendance"])
async def test_every_mode_can_be_cancelled(studio: Studio, mode: str) -> None:
    """S2.6: in time all comes back, late it is forfeited."""
    await studio.sells(attendance={"mode": mode})
    await studio.buys(5)
    await studio.cancels(await studio.books("2026-03-05T15:00"))
    assert await studio.balance() == (5, 0)
    await studio.cancels(await studio.books("2026-03-02T15:00"))
    assert (await studio.balance(), await studio.buckets("penalty")) == ((4, 0), 1)


async def test_a_preview_says_what_the_commit_does(studio: Studio) -> None:
    """S1.7: the preview writes nothing and its numbers are the commit's."""
    await studio.sells()
    await studio.buys(5)
    seen = await studio.books("2026-03-05T15:00", "b1", preview=True)
    assert await studio.balance() == (5, 0)
    done = await studio.books("2026-03-05T15:00", "b1")
    same = {"code", "credits", "balance_after", "cancel_free_until", "status"}
    assert {k: v for k, v in seen.said.items() if k in same} == {
        k: v for k, v in done.said.items() if k in same
    }


async def test_an_unlimited_plan_pays_first_and_touches_no_lot(studio: Studio) -> None:
    """S1.2: with cap room it is used first; then the lots pay."""
    await studio.sells("pc_all", credits_=0, unlimited=True, caps=[{"count": 1, "window": "day"}])
    await studio.sells("pc_1")
    await studio.buys(0, "pc_all")
    await studio.buys(5)
    first = await studio.books("2026-03-05T15:00", product_config_id=None, calendar_id="yoga")
    assert (first.code, first["credits"], await studio.balance()) == ("booked", 0, (5, 0))
    second = await studio.books("2026-03-05T18:00", product_config_id=None, calendar_id="yoga")
    assert (second["credits"], await studio.balance()) == (1, (4, 1))
    assert (await studio.attends(first)).code == "attended"
    assert (await studio.cancels(second)).code == "cancelled"


async def test_unlimited_deductions_count_too(studio: Studio) -> None:
    """S1.2, S3.4: check, deduct and restore know the plan as bookings do."""
    from tests import make

    await studio.sells("pc_all", credits_=0, unlimited=True, caps=[{"count": 1, "window": "day"}])
    await studio.buys(0, "pc_all")
    wanted = {"calendar_id": "yoga", "external_ref": "d1"}
    acts = [
        make.act("check", calendar_id="yoga", amount=1, request_id=None),
        make.deduct(1, **wanted),
        make.deduct(1, calendar_id="yoga"),
        make.restore(1, external_ref="d1"),
        make.restore(1, external_ref="d1"),
        make.deduct(1, calendar_id="yoga"),
    ]
    done = await make.applied(studio.db, studio.location, acts)
    cap = done[0].answer["caps"][0]
    assert (cap["window"], cap["count"], cap["used"]) == ("day", 1, 0)
    assert [each.code for each in done] == [
        "eligible", "deducted", "CAP_REACHED", "restored", "ALREADY_RESTORED", "deducted",
    ]  # fmt: skip


async def test_a_weekly_cap_counts_by_class_date(studio: Studio) -> None:
    """S3.3, S3.4 vector: 3 a week from Monday; the fourth is refused, next Monday is not."""
    await studio.sells(caps=[{"count": 3, "window": "week"}])
    await studio.buys(10)
    booked = [await studio.books(f"2026-03-{day:02}T15:00") for day in (2, 4, 6)]
    assert [each.code for each in booked] == ["booked"] * 3
    sunday = await studio.books("2026-03-08T15:00")
    assert (sunday.code, sunday["cap"]["window"], sunday["cap"]["used"]) == (
        "CAP_REACHED",
        "week",
        3,
    )
    assert sunday["cap"]["until"] == "2026-03-09T04:00:00.000Z"
    assert (await studio.books("2026-03-09T15:00")).code == "booked"
    await studio.cancels(booked[2])
    assert (await studio.books("2026-03-08T15:00")).code == "booked"


async def test_several_caps_apply_together(studio: Studio) -> None:
    """S3.3: every one must have room; a cap of some calendars counts only those."""
    await studio.sells(
        caps=[
            {"count": 1, "window": "day", "calendars": ["yoga"]},
            {"count": 2, "window": "rolling", "days": 7},
        ]
    )
    await studio.buys(10)
    first = await studio.books("2026-03-05T15:00", calendar_id="yoga")
    same_day = await studio.books("2026-03-05T18:00", calendar_id="yoga")
    other = await studio.books("2026-03-05T18:00", calendar_id="spin")
    third = await studio.books("2026-03-11T18:00", calendar_id="spin")
    later = await studio.books("2026-03-12T18:00", calendar_id="spin")
    assert [each.code for each in (first, same_day, other, third, later)] == [
        "booked", "CAP_REACHED", "booked", "CAP_REACHED", "booked",
    ]  # fmt: skip
    assert third["cap"]["window"] == "rolling"


async def test_open_bookings_are_limited_at_booking(studio: Studio) -> None:
    """S3.5: future holds at once."""
    await studio.sells(attendance={"max_open_bookings": 2})
    await studio.buys(10)
    first = await studio.books("2026-03-05T15:00")
    await studio.books("2026-03-06T15:00")
    third = await studio.books("2026-03-07T15:00")
    assert (third.code, third["max_open_bookings"]) == ("TOO_MANY_OPEN_BOOKINGS", 2)
    await studio.cancels(first)
    assert (await studio.books("2026-03-07T15:00")).code == "booked"


async def test_the_first_refusal_that_applies_is_the_code(studio: Studio) -> None:
    """S3.2: contact, blocker, family, cap, credits."""
    assert (await studio.of("bob").books("2026-03-05T15:00")).code == "NO_ENTITLEMENT"
    await studio.sells(coverage={"yoga": 1}, caps=[{"count": 1, "window": "day"}])
    await studio.buys(1)
    assert (
        await studio.books("2026-03-05T15:00", calendar_id="spin")
    ).code == "SERVICE_FAMILY_MISMATCH"
    assert (await studio.books("2026-03-05T15:00", calendar_id="yoga")).code == "booked"
    assert (await studio.books("2026-03-05T18:00", calendar_id="yoga")).code == "CAP_REACHED"
    assert (
        await studio.books("2026-03-06T18:00", calendar_id="yoga")
    ).code == "INSUFFICIENT_CREDITS"
    await studio.owner.execute(
        """
        insert into kotally.blockers (location_id, id, contact_id, kind, starts_at, source,
                                      message, created_at)
        values ($1, $2, $3, 'admin', $4, 'tests', 'Banned.', $4)
        """,
        studio.location,
        new_id(),
        await studio.contact_id(),
        await studio.now(),
    )
    blocked = await studio.books("2026-03-05T18:00", calendar_id="spin")
    assert (blocked.code, blocked["why"]) == ("BOOKING_BLOCKED", "Banned.")


async def test_unfunded_only_if_asked_and_paid_by_the_next_grant_oldest_first(
    studio: Studio,
) -> None:
    """S2.8, S10.3: the next grant pays for them by class date."""
    await studio.sells()
    await studio.buys(1)
    await studio.books("2026-03-05T15:00")
    assert (await studio.books("2026-03-09T15:00")).code == "INSUFFICIENT_CREDITS"
    late = await studio.books("2026-03-09T15:00", allow_unfunded=True)
    early = await studio.books("2026-03-06T15:00", allow_unfunded=True)
    assert (late.code, early.code) == ("booked_unfunded", "booked_unfunded")
    granted = await studio.buys(1)
    assert granted["balance_after"] == 0
    assert (await studio.status(early), await studio.status(late)) == ("booked", "unfunded")
    await studio.buys(5)
    assert (await studio.status(late), await studio.balance()) == ("booked", (4, 3))
    assert "booking_funded" in await studio.told()
    assert (await studio.attends(late)).code == "attended"


async def test_a_provisional_booking_counts_against_the_next_period(studio: Studio) -> None:
    """S2.8: it posts nothing, and the allowance and the periods ahead limit it."""
    await studio.sells("pc_m", kind="membership", credits_=2)
    await studio.joins(2, "pc_m", since="2026-03-02T05:00:00Z", until="2026-04-02T04:00:00Z")
    wanted = {"product_config_id": "pc_m"}
    first = await studio.books("2026-04-05T15:00", **wanted)
    assert (first.code, await studio.balance()) == ("booked_provisionally", (2, 0))
    assert (await studio.books("2026-04-12T15:00", **wanted)).code == "booked_provisionally"
    third = await studio.books("2026-04-19T15:00", **wanted)
    far = await studio.books("2026-05-05T15:00", **wanted)
    assert {third.code, far.code} <= {"NO_ENTITLEMENT", "INSUFFICIENT_CREDITS"}
    assert (await studio.cancels(first)).code == "cancelled"
    assert (await studio.books("2026-04-19T15:00", **wanted)).code == "booked_provisionally"

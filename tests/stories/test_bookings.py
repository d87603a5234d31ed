"""Stories of bookings: cancelled late, missed, corrected, called off by the studio, waited for."""

from __future__ import annotations

import pytest

from tests.stories.cast import Studio

STRICT = {
    "free_allowance": 2,
    "strike_days": 30,
    "penalty": {"threshold": 3, "action": "block", "block_days": 7},
}


@pytest.fixture
async def strict(studio: Studio) -> Studio:
    """Make the studio one that blocks at the third absence, and charges for late cancelling."""
    await studio.sells(
        "ten",
        10,
        cancel_window_minutes=720,
        attendance=STRICT
        | {"late_tiers": [{"hours_before_from": 12, "forfeit_percent": 100, "fee_cents": 500}]},
    )
    return studio


async def test_the_ladder_of_absences_with_a_block_and_a_correction(strict: Studio) -> None:
    """
    Mia misses three classes and is blocked; then the teacher remembers having seen her once.

    S5: two absences are forgiven, the third blocks for seven days; correcting the second lifts the
    block, leaves two, and the credit is used instead of lost.
    """
    mia, clock = strict.member("mia"), strict.clock
    await mia.buys("ten")
    missed = []
    for day in ("06", "08", "10"):
        booking = await mia.books("cal_yoga", on=f"2026-01-{day} 18:00")
        await clock.moves_to(f"2026-01-{day} 19:30")
        await booking.is_missed()
        missed.append(booking)
    await mia.has(paused=7)
    await mia.cannot_book("cal_yoga", on="2026-01-12 18:00", because="BOOKING_BLOCKED")

    await missed[1].is_corrected("attended")

    assert [await each.status() for each in missed] == ["no_show", "attended", "no_show"]
    await mia.has(available=7)
    await mia.books("cal_yoga", on="2026-01-12 18:00")
    await mia.has(available=6, held=1)


async def test_a_block_is_over_when_its_days_are(strict: Studio) -> None:
    """Seven local days after the third absence Mia may book again, without anybody's doing."""
    mia, clock = strict.member("mia"), strict.clock
    await mia.buys("ten")
    for day in ("06", "08", "10"):
        booking = await mia.books("cal_yoga", on=f"2026-01-{day} 18:00")
        await clock.moves_to(f"2026-01-{day} 19:30")
        await booking.is_missed()

    await clock.moves_to("2026-01-16 23:59")
    await mia.cannot_book("cal_yoga", on="2026-01-18 18:00", because="BOOKING_BLOCKED")
    await clock.moves_to("2026-01-17 00:00")
    await mia.books("cal_yoga", on="2026-01-18 18:00")


async def test_cancelling_in_time_is_free_and_a_second_later_is_not(strict: Studio) -> None:
    """Twelve hours before is in time; a minute later the credit is gone and a fee is due (S4.1)."""
    mia, clock = strict.member("mia"), strict.clock
    await mia.buys("ten")
    first = await mia.books("cal_yoga", on="2026-01-07 18:00")
    second = await mia.books("cal_yoga", on="2026-01-07 18:00")

    await clock.moves_to("2026-01-07 06:00")
    await first.is_cancelled()
    await mia.has(available=9, held=1)
    await clock.moves_to("2026-01-07 06:01")
    late = await second.is_cancelled_late()

    await mia.has(available=9)
    assert await second.status() == "late_cancelled"
    assert late["credits_forfeited"] == 1

    await second.is_corrected("waived", note="The train did not run.")
    await mia.has(available=10)


async def test_an_absence_reported_in_the_evening_can_be_corrected_in_the_morning(
    studio: Studio,
) -> None:
    """S5.2: it is posted twelve hours after the class; until then the booking is open."""
    await studio.sells("ten", 10)
    mia, clock = studio.member("mia"), studio.clock
    await mia.buys("ten")
    seen, unseen = [await mia.books("cal_yoga", on=f"2026-01-06 {h}:00") for h in (18, 19)]
    await clock.moves_to("2026-01-06 20:30")
    for booking in (seen, unseen):
        await booking.is_("no-show", says="absence_noted")
    await mia.has(available=8, held=2)

    await clock.moves_to("2026-01-07 06:00")
    await seen.is_attended()
    await clock.moves_to("2026-01-07 08:30")

    assert [await seen.status(), await unseen.status()] == ["attended", "no_show"]
    await mia.has(available=8)


async def test_a_class_is_cancelled_by_the_studio(strict: Studio) -> None:
    """The teacher is ill an hour before: everybody gets everything back, also who was late."""
    mia, noah, clock = strict.member("mia"), strict.member("noah"), strict.clock
    for member in (mia, noah):
        await member.buys("ten")
    places = [
        await member.books("cal_yoga", on="2026-01-07 18:00", class_ref="class_7")
        for member in (mia, noah)
    ]
    await clock.moves_to("2026-01-07 12:00")
    late = await places[1].is_cancelled_late()
    assert late["credits_forfeited"] == 1
    await noah.has(available=9)

    await clock.moves_to("2026-01-07 17:00")
    cancelled = await strict.cancels_class("class_7")

    await mia.has(available=10)
    await noah.has(available=10)
    assert await places[0].status() == "studio_cancelled"

    # It was the wrong class.
    await strict.does(f"/class-cancellations/{cancelled['cancellation_id']}/undo")
    await mia.has(available=9, held=1)
    await noah.has(available=9)
    assert [await each.status() for each in places] == ["booked", "late_cancelled"]


async def test_the_waiting_list_moves_up(studio: Studio) -> None:
    """Noah waits without credits and is passed over; Olga has some and gets the place (S2)."""
    await studio.sells("ten", 10)
    mia, noah, olga = (studio.member(name) for name in ("mia", "noah", "olga"))
    for member in (mia, noah, olga):
        await member.buys("ten")
    place = await mia.books("cal_yoga", on="2026-01-07 18:00", class_ref="class_7")
    waiting = [
        await member.books(
            "cal_yoga", on="2026-01-07 18:00", class_ref="class_7", waitlist=True, says="waitlisted"
        )
        for member in (noah, olga)
    ]
    assert [await each.status() for each in waiting] == ["waitlisted", "waitlisted"]
    await noah.uses("cal_yoga", 10)
    await olga.has(available=10)

    await place.is_cancelled()
    promoted = await studio.promotes("class_7")

    assert [each["booking_id"] for each in promoted["promoted"]] == [waiting[1].id]
    await olga.has(available=9, held=1)
    assert [await each.status() for each in waiting] == ["waitlisted", "booked"]

    await studio.clock.moves_to("2026-01-07 18:00")
    assert await waiting[0].status() == "cancelled"


async def test_a_booking_without_credits_is_paid_by_the_next_pack(studio: Studio) -> None:
    """Staff lets Mia in on her word; the pack she buys pays for that class first."""
    await studio.sells("ten", 10)
    mia = studio.member("mia")
    await mia.buys("ten")
    await mia.uses("cal_yoga", 10)
    place = await mia.books(
        "cal_yoga", on="2026-01-07 18:00", allow_unfunded=True, says="booked_unfunded"
    )
    assert await place.status() == "unfunded"

    await mia.buys("ten")

    await mia.has(available=9, held=1)
    assert await place.status() == "booked"


async def test_a_class_is_moved_to_another_day(strict: Studio) -> None:
    """The move keeps the credit held; inside the window it is refused (S4.6)."""
    mia, clock = strict.member("mia"), strict.clock
    await mia.buys("ten")
    place = await mia.books("cal_yoga", on="2026-01-07 18:00")
    await place.is_moved("2026-01-08 18:00")
    await mia.has(available=9, held=1)
    upcoming = await mia.sees("/appointments/upcoming")
    assert [strict.local(each["appointment_time"]) for each in upcoming] == ["2026-01-08 18:00"]

    await clock.moves_to("2026-01-08 09:00")
    await place.is_(
        "reschedule", says="RESCHEDULE_TOO_LATE", appointment_time=strict.at("2026-01-09 18:00")
    )
    await mia.has(available=9, held=1)
    # Where it was is over by now, but nobody had a place there.
    assert await mia.sees("/appointments/past") == []
    assert len((await mia.summary())["recent_appointments"]) == 1

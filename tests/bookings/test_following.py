"""A booking whose hold is ended by itself follows it (S2.2, S4.3)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from tests import make
from tests.bookings.studio import Answer, Studio

MORNING = "2026-03-10T12:00:00+00:00"


async def booked(studio: Studio, **rules: Any) -> Answer:
    await studio.sells(coverage={"cal": 1}, **rules)
    await studio.buys()
    answer = await place(studio)
    assert answer.code == "booked", answer
    return answer


async def place(studio: Studio) -> Answer:
    return await studio.books(MORNING, "yoga", units=2)


async def does(studio: Studio, operation: str, booking: Answer, **fields: Any) -> str:
    """Do something to the hold, passing the booking by."""
    if operation != "restore":
        fields["hold_id"] = UUID(booking["hold_id"])
    act = make.act(operation, "ana", **({"amount": None} | fields))
    return (await make.applied(studio.db, studio.location, [act]))[0].code


async def test_a_hold_that_is_used_up_is_a_class_attended(studio: Studio) -> None:
    booking = await booked(studio)

    assert await does(studio, "capture", booking) == "captured"

    assert await studio.status(booking) == "attended"
    assert (await studio.told())[-1] == "booking_attended"
    assert (await studio.attends(booking)).code == "BOOKING_ALREADY_SETTLED"


async def test_more_that_is_used_up_is_what_the_booking_costs(studio: Studio) -> None:
    booking = await booked(studio)

    await does(studio, "capture", booking, amount=3)

    corrected = await studio.corrects(booking, "waived")
    assert (corrected["credits"], corrected["credits_returned"]) == (3, 3)


async def test_a_hold_that_is_released_is_a_booking_cancelled(studio: Studio) -> None:
    booking = await booked(studio)

    assert await does(studio, "release", booking) == "released"

    assert await studio.status(booking) == "cancelled"
    assert (await studio.cancels(booking)).code == "BOOKING_ALREADY_SETTLED"
    assert (await place(studio)).code == "booked"


async def test_a_restore_cancels_the_booking_when_all_of_it_goes_back(studio: Studio) -> None:
    booking = await booked(studio, attendance={"mode": "booking"})

    assert await does(studio, "restore", booking, external_ref="yoga", amount=1) == "restored"
    assert await studio.status(booking) == "booked"
    assert await does(studio, "restore", booking, external_ref="yoga", amount=1) == "restored"

    assert await studio.status(booking) == "cancelled"
    assert await studio.balance() == (10, 0)


@pytest.mark.parametrize(("amount", "became"), [(1, "attended"), (2, "cancelled")])
async def test_a_restore_of_an_open_hold_ends_it(studio: Studio, amount: int, became: str) -> None:
    """What does not go back has been used."""
    booking = await booked(studio)

    await does(studio, "restore", booking, external_ref="yoga", amount=amount)

    assert await studio.status(booking) == became


async def test_what_was_forfeited_is_not_called_restored(studio: Studio) -> None:
    """S4.3: half of it went back with the late cancellation, the other half is the penalty."""
    booking = await booked(
        studio, attendance={"late_tiers": [{"hours_before_from": 12, "forfeit_percent": 50}]}
    )
    await studio.clock("2026-03-10T12:00:00+00:00")
    assert (await studio.cancels(booking)).code == "late_cancelled"

    code = await does(studio, "restore", booking, external_ref="yoga", amount=2)

    assert code == "CANCELLATION_WINDOW_EXPIRED"
    assert await studio.buckets("penalty") == 1


async def test_what_ends_through_the_booking_keeps_its_end(studio: Studio) -> None:
    """A restore after an absence without forfeit finds nothing, and the absence stays."""
    booking = await booked(studio, attendance={"no_show_forfeit_percent": 0})
    await studio.clock("2026-03-10T14:00:00+00:00")
    await studio.misses(booking)

    code = await does(studio, "restore", booking, external_ref="yoga", amount=2)

    assert code == "ALREADY_RESTORED"
    assert await studio.status(booking) == "no_show"

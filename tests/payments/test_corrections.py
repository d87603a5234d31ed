"""Attendance that is corrected after its payment went back (S4.5, S5.7, S10.4)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from kotally.bookings import corrections, settling
from tests.payments.till import Said, Till


async def attended(till: Till, ref: str, *, units: int = 2) -> UUID:
    """Book a class of tomorrow, and come."""
    booking = UUID((await till.books(ref, units=units))["booking_id"])
    done = await settling.attend(till.db, till.location, booking, key=till.key())
    assert done.code == "attended"
    return booking


async def corrected(till: Till, booking: UUID, to: Any) -> Said:
    """Correct an attendance; the books must be right afterwards."""
    said = Said.of(
        await corrections.correct(
            till.db, till.location, booking, to=to, key=till.key(), note="Seen."
        )
    )
    assert said.code == "attendance_corrected", said
    await till.assert_books()
    return said


async def test_a_refunded_use_that_becomes_an_absence_stays_owed(till: Till) -> None:
    """S5.7, S10.4: the credit is forfeited instead of used, and was not paid for either way."""
    await till.sells()
    bought = await till.buys()
    booking = await attended(till, "class")
    await till.refunds(bought)
    assert await till.balance() == (0, 0, 0, 2)

    missed = await corrected(till, booking, "no_show")

    assert (missed["credits_forfeited"], missed["credits_returned"]) == (2, 0)
    assert await till.balance() == (0, 0, 0, 2)
    came = await corrected(till, booking, "attended")
    assert (came["credits_captured"], came["credits_forfeited"]) == (2, -2)
    assert await till.balance() == (0, 0, 0, 2)
    await till.buys()
    assert await till.balance() == (8, 0, 0, 0)


async def test_an_absence_is_owed_whether_it_is_reported_before_or_after_the_refund(
    till: Till,
) -> None:
    """S10.3, S10.4: forfeited credits were used; the next grant pays for them either way."""
    await till.sells()
    bought = await till.buys()
    missed = await attended(till, "missed")
    await attended(till, "came", units=3)
    await corrected(till, missed, "no_show")

    refunded = await till.refunds(bought)

    assert (refunded["shortfall"], refunded["credits_owed"]) == (5, 5)
    assert refunded["credits_uncollected"] == 0
    assert await till.balance() == (0, 0, 0, 5)
    await corrected(till, missed, "waived")
    assert await till.balance() == (0, 0, 0, 3)
    await till.buys()
    assert await till.balance() == (7, 0, 0, 0)


@pytest.mark.parametrize("first", ["attended", "no_show", "late_cancelled"])
async def test_a_refunded_use_that_is_waived_is_owed_no_longer(till: Till, first: str) -> None:
    """S4.5: what comes back goes to the revocation first, however the use had ended, once."""
    await till.sells()
    bought = await till.buys()
    booking, other = await attended(till, "class"), await attended(till, "other", units=3)
    await till.refunds(bought)
    await corrected(till, booking, first)

    waived = await corrected(till, booking, "waived")

    assert (waived["credits_returned"], await till.balance()) == (2, (0, 0, 0, 3))
    again = await corrected(till, booking, "waived")
    assert (again["credits_returned"], await till.balance()) == (0, (0, 0, 0, 3))
    assert (await corrected(till, other, "waived"))["credits_returned"] == 3
    assert await till.balance() == (0, 0, 0, 0)


@pytest.mark.parametrize("first", ["attended", "no_show"])
async def test_a_refunded_use_that_was_paid_back_is_given_back_when_waived(
    till: Till, first: str
) -> None:
    """S4.5: the member had paid for it with other credits, and gets those again."""
    await till.sells()
    bought = await till.buys()
    booking = await attended(till, "class")
    await till.refunds(bought)
    await till.buys()
    await corrected(till, booking, first)
    assert await till.balance() == (8, 0, 0, 0)

    await corrected(till, booking, "waived")

    assert await till.balance() == (10, 0, 0, 0)


async def test_half_of_a_refunded_use_is_forfeited_and_half_is_owed_no_longer(till: Till) -> None:
    """S5.1, S4.5: the part that an absence gives back is given to the revocation."""
    await till.sells(attendance={"no_show_forfeit_percent": 50})
    bought = await till.buys()
    booking = await attended(till, "class")
    await till.refunds(bought)

    missed = await corrected(till, booking, "no_show")

    assert (missed["credits_forfeited"], missed["credits_returned"]) == (1, 1)
    assert await till.balance() == (0, 0, 0, 1)
    await corrected(till, booking, "waived")
    assert await till.balance() == (0, 0, 0, 0)


async def test_a_part_of_a_use_that_was_refunded_is_owed_whichever_booking_is_corrected(
    till: Till,
) -> None:
    """S10.2, S5.7: the refund of a part asks for credits of the lot, not for those of a class."""
    await till.sells()
    bought = await till.buys()
    bookings = [await attended(till, f"class {number}", units=3) for number in range(3)]
    await till.refunds(bought, 5_940)  # six of ten: one was left, so five are owed
    assert await till.balance() == (0, 0, 0, 5)

    for booking in bookings:
        await corrected(till, booking, "no_show")

    assert await till.balance() == (0, 0, 0, 5)
    for booking, owed, available in zip(bookings, (2, 0, 0), (0, 1, 4), strict=True):
        await corrected(till, booking, "waived")
        assert await till.balance() == (available, 0, 0, owed)


async def test_forfeited_and_used_credits_of_a_refund_come_back_each_as_they_were(
    till: Till,
) -> None:
    """S4.5: nothing is taken from what another booking used."""
    await till.sells()
    bought = await till.buys()
    missed, came = await attended(till, "missed"), await attended(till, "came")
    await corrected(till, missed, "no_show")
    await till.refunds(bought)

    await corrected(till, came, "waived")
    await corrected(till, missed, "waived")

    assert await till.balance() == (0, 0, 0, 0)
    assert await till.booking("missed") == "cancelled"

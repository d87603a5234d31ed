"""S11.1 to S11.4: past due, recovery, and the end."""

from __future__ import annotations

import msgspec
import pytest

from kotally.memberships import holdings
from tests.memberships.club import Club, ny

FEBRUARY, MARCH = "2026-02-01T05:00", "2026-03-01T05:00"


async def blockers(club: Club) -> list[tuple[str, object, object]]:
    rows = await club.db.fetch(
        "select kind, starts_at, ends_at, entitlement_id from kotally.blockers"
        " where location_id = $1",
        club.location,
    )
    return [(row["kind"], row["starts_at"], row["ends_at"]) for row in rows]


async def test_a_failed_renewal_becomes_past_due_after_its_grace(club: Club) -> None:
    """S11.1."""
    await club.sells("eight")
    member = await club.pays("eight")
    await club.moves_to("2026-02-03T12:00")

    standing = await club.membership(member["entitlement_id"])
    assert (standing["status"], standing["past_due_since"]) == ("active", ny(FEBRUARY))
    assert await blockers(club) == []

    await club.moves_to("2026-02-06T12:00")

    assert (await club.membership(member["entitlement_id"]))["status"] == "past_due"
    assert await blockers(club) == [("past_due", ny("2026-02-04T05:00"), None)]


@pytest.mark.parametrize("scope", ["membership", "member"])
async def test_a_new_booking_on_a_membership_past_due_is_refused_as_such(
    club: Club, scope: str
) -> None:
    """S11.1: PAST_DUE, but only where the membership is what would pay."""
    await club.sells("eight", coverage={"cal": 1}, arrears={"scope": scope})
    member = await club.pays("eight")
    await club.moves_to("2026-02-06T12:00")

    refused = await club.reserves("late", "2026-02-08T15:00")

    assert (refused.code, refused["kind"]) == ("PAST_DUE", "past_due")
    assert refused.answer.get("entitlement_id") == (
        member["entitlement_id"] if scope == "membership" else None
    )
    await club.sells("pack", 5, kind="package", expiry_days=60)
    await club.pays("pack")
    again = await club.reserves("late", "2026-02-08T15:00")
    assert again.code == ("booked" if scope == "membership" else "PAST_DUE")


async def test_a_membership_in_grace_is_shown_as_active(club: Club) -> None:
    """S11.1: its days of grace are no expiry, and nothing of it is past due."""
    await club.sells("eight")
    await club.pays("eight")

    shown: list[str] = []
    for when in ("2026-01-31T12:00", "2026-02-01T05:00", "2026-02-04T04:59", "2026-02-04T05:00"):
        await club.moves_to(when)
        text = await holdings.credits_of(club.db, club.location, "ana", as_of=None)
        shown += [each["status"] for each in msgspec.json.decode(text or "")["entitlements"]]

    assert shown == ["active", "active", "active", "past_due"]


async def test_recovery_restores_access_and_rolls_as_of_the_boundary(club: Club) -> None:
    """S11.3: one event."""
    await club.sells("eight", rollover={"max_per_roll": 4})
    member = await club.pays("eight")
    await club.uses(3)
    await club.moves_to("2026-02-10T12:00")
    await club.pays("eight")

    assert await blockers(club) == [("past_due", ny("2026-02-04T05:00"), ny("2026-02-10T12:00"))]
    standing = await club.membership(member["entitlement_id"])
    assert (standing["status"], standing["past_due_since"]) == ("active", None)
    assert await club.moved("rollover") == [("rolled_over", 4, ny(FEBRUARY))]
    assert await club.happened() == ["membership_past_due", "membership_recovered"]
    assert await club.available() == 12


async def test_packs_are_not_affected_unless_the_rule_says_so(club: Club) -> None:
    """S11.1: the scope is the membership, or the member."""
    from tests import make

    for product, contact in (("mine", "ana"), ("all", "bob")):
        scope = "membership" if product == "mine" else "member"
        await club.sells(product, arrears={"scope": scope})
        await club.pays(product, contact)
        id_ = await make.contact(club.owner, club.location, contact)
        await make.lot(club.owner, club.location, 5, contact=id_)
    await club.moves_to("2026-02-06T12:00")

    assert await club.available("ana") == 5
    assert await club.available("bob") == 0


async def test_bookings_stay_for_the_hold_days_and_then_go(club: Club) -> None:
    """S11.2."""
    await club.sells("eight", period_grace_days=60)
    await club.pays("eight")
    await club.books("2026-02-20T12:00", 2)
    await club.moves_to("2026-02-07T12:00")
    assert [lot["held"] for lot in await club.lots()] == [2]

    lines = await club.moves_to("2026-02-08T12:00")

    assert [lot["held"] for lot in await club.lots()] == [0]
    assert any("lost its bookings" in line for line in lines)


async def test_what_waited_for_the_period_loses_its_funds_and_then_its_place(club: Club) -> None:
    """S2.8: unfunded with notice when the grace is over; S11.2: cancelled after the hold days."""
    await club.sells("eight")
    await club.pays("eight")
    await club.moves_to("2026-01-31T12:00")
    await club.reserves("ahead", "2026-02-20T12:00")
    assert await club.booking("ahead") == "provisional"
    await club.moves_to("2026-02-03T12:00")
    assert await club.booking("ahead") == "provisional"

    await club.moves_to("2026-02-04T12:00")
    assert await club.booking("ahead") == "unfunded"
    await club.moves_to("2026-02-08T12:00")

    assert await club.booking("ahead") == "cancelled"
    told = [each for each in await club.happened() if each.startswith("booking_")]
    assert told == ["booking_provisional", "booking_unfunded", "booking_cancelled"]


async def test_a_payment_in_the_hold_days_pays_for_what_waits(club: Club) -> None:
    """S11.3: recovery finds the booking as it stood."""
    await club.sells("eight")
    await club.pays("eight")
    await club.moves_to("2026-01-31T12:00")
    await club.reserves("ahead", "2026-02-20T12:00")
    await club.moves_to("2026-02-05T12:00")
    await club.pays("eight")

    assert await club.booking("ahead") == "booked"


async def test_bookings_that_are_released_are_told(club: Club) -> None:
    """S11.2: with notice."""
    await club.sells("eight", period_grace_days=60)
    await club.pays("eight")
    await club.reserves("class", "2026-02-20T12:00")
    await club.moves_to("2026-02-08T12:00")

    assert await club.booking("class") == "cancelled"
    assert (await club.happened())[-1] == "booking_cancelled"


async def test_after_the_last_day_it_ends_unpaid(club: Club) -> None:
    """S11.4, S7.7: the leftover rule applies to what waited."""
    await club.sells("eight", rollover={})
    member = await club.pays("eight")
    await club.uses(3)
    await club.moves_to("2026-03-05T12:00")

    standing = await club.membership(member["entitlement_id"])
    assert (standing["status"], standing["ends_at"]) == ("ended", ny("2026-03-03T05:00"))
    assert await club.lots() == []
    assert await club.moved("expire") == [("membership_ended", 5, ny(FEBRUARY))]
    reason = await club.db.fetchval(
        "select end_reason from kotally.entitlements where location_id = $1", club.location
    )
    assert reason == "unpaid"
    assert [ends for _, _, ends in await blockers(club)] == [ny("2026-03-03T05:00")]


async def test_one_late_pass_takes_all_stages_at_their_times(club: Club) -> None:
    await club.sells("eight", arrears={"grace_days": 0, "cancel_after_days": 10})
    await club.pays("eight")
    lines = await club.moves_to("2026-06-01T12:00")

    assert [line.split(" ", 2)[2] for line in lines] == [
        "was not paid for its next period",
        "is past due",
        "lost its bookings, being past due",
        "ended unpaid",
    ]
    assert await club.happened() == ["membership_past_due", "membership_ended"]
    assert await club.sweeps() == []


async def test_a_payment_within_the_grace_changes_nothing_but_the_period(club: Club) -> None:
    await club.sells("eight")
    await club.pays("eight")
    await club.moves_to("2026-02-02T12:00")
    await club.pays("eight")

    assert await blockers(club) == []
    assert await club.moves_to("2026-02-20T12:00") == []
    assert await club.available() == 8

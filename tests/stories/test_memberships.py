"""Stories of memberships: periods turn, credits roll over, plans change, payments fail."""

from __future__ import annotations

import pytest

from tests.stories.cast import Studio
from tests.stories.conftest import Opens


@pytest.fixture
async def eight(opens: Opens) -> Studio:
    """Open a studio on New Year's Day with eight a month: four roll over, at most six are kept."""
    studio = await opens(on="2026-01-01 10:00")
    await studio.sells_membership(
        "eight", 8, rollover={"max_per_roll": 4, "max_bank": 6, "lives_months": 2}
    )
    await studio.sells_membership("twelve", 12)
    return studio


async def test_credits_roll_over_month_by_month(eight: Studio) -> None:
    """
    Mia leaves five in January and eight in February; she keeps four, then two and four.

    S7: January leaves 5, of which 4 roll and 1 is forfeited. February is not used: of the 8 fresh
    ones 4 roll, and of January's 2 are trimmed, so that the bank is 6.
    """
    mia, clock = eight.member("mia"), eight.clock
    await mia.buys("eight")
    for day in ("06", "13", "20"):
        await mia.uses("cal_yoga")
        await clock.moves_to(f"2026-01-{day} 18:00")

    await clock.moves_to("2026-01-31 12:00")
    await mia.has(available=5)
    await mia.buys("eight")
    await clock.moves_to("2026-02-01 00:00")
    await mia.has(available=8 + 4)

    await clock.moves_to("2026-02-28 12:00")
    await mia.buys("eight")
    await clock.moves_to("2026-03-01 00:00")
    await mia.has(available=8 + 6)
    forfeited = [amount for type_, amount in await mia.ledger() if type_ == "forfeit"]
    assert sum(forfeited) == -(1 + 4 + 2)

    await clock.moves_to("2026-03-31 23:59")
    await mia.has(available=8 + 6)


async def test_an_upgrade_in_the_middle_of_the_month(opens: Opens) -> None:
    """Half of April is left, so twelve instead of eight is two more now (S9.3)."""
    studio = await opens(on="2026-04-01 00:00")
    await studio.sells_membership("eight", 8)
    await studio.sells_membership("twelve", 12)
    mia, clock = studio.member("mia"), studio.clock
    await mia.buys("eight")

    await clock.moves_to("2026-04-16 00:00")
    seen = await mia.membership(
        "change",
        "eight",
        says="membership_changed",
        product_config_id="twelve",
        payment_expected=False,
        preview=True,
    )
    await mia.has(available=8)
    done = await mia.membership(
        "change",
        "eight",
        says="membership_changed",
        product_config_id="twelve",
        payment_expected=False,
    )
    await mia.has(available=8 + 2)
    assert seen["credits_granted"] == done["credits_granted"] == 2

    await mia.buys("twelve")
    await clock.moves_to("2026-05-01 00:00")
    await mia.has(available=12)


async def test_a_failed_renewal_and_its_recovery(eight: Studio) -> None:
    """
    Mia's card fails on 1 February; she books on trust, is stopped, pays, and all is as if in time.

    S11: three days of grace, then nothing can be booked; the roll-over is done as of the boundary.
    """
    mia, clock = eight.member("mia"), eight.clock
    await mia.buys("eight")
    for _ in range(4):
        await mia.uses("cal_yoga")

    await clock.moves_to("2026-02-02 10:00")
    on_trust = await mia.books("cal_yoga", on="2026-02-09 18:00", says="booked_provisionally")
    assert await on_trust.status() == "provisional"

    await clock.moves_to("2026-02-05 10:00")
    assert (await mia.entitlement("eight"))["status"] == "past_due"
    await mia.cannot_book("cal_yoga", on="2026-02-10 18:00", because="PAST_DUE")

    await mia.buys("eight")
    await mia.has(available=8 + 4 - 1, held=1)
    assert await on_trust.status() == "booked"
    assert (await mia.entitlement("eight"))["status"] == "active"


async def test_a_membership_nobody_pays_for_ends(eight: Studio) -> None:
    """After seven days the bookings are off, after thirty the membership is over (S11.2, S11.4)."""
    mia, clock = eight.member("mia"), eight.clock
    await mia.buys("eight")
    await clock.moves_to("2026-01-31 10:00")
    ahead = await mia.books("cal_yoga", on="2026-02-20 18:00", says="booked_provisionally")

    await clock.moves_to("2026-02-09 10:00")
    assert await ahead.status() in {"unfunded", "studio_cancelled", "cancelled"}
    await clock.moves_to("2026-03-05 10:00")

    assert (await mia.entitlement("eight"))["status"] in {"cancelled", "expired"}
    await mia.has()


async def test_a_freeze_with_an_early_return_over_the_change_of_clocks(opens: Opens) -> None:
    """
    Mia freezes from 1 to 31 March and is back on the 11th; the clocks went forward on the 8th.

    S8: the expiry moves by the ten days used, to a local midnight, and the year's allowance is
    used by ten days only.
    """
    studio = await opens(on="2026-02-10 00:00")
    await studio.sells_membership("eight", 8, freeze={"max_total_days": 30})
    mia, clock = studio.member("mia"), studio.clock
    await mia.buys("eight")
    assert await mia.expires("eight") == "2026-03-10 00:00"
    inside = await mia.books("cal_yoga", on="2026-03-05 18:00")
    await mia.has(available=7, held=1)

    seen = await mia.membership(
        "freeze",
        "eight",
        says="membership_frozen",
        starts_on="2026-03-01",
        resumes_on="2026-03-31",
        preview=True,
    )
    assert [each["booking_id"] for each in seen["bookings"]] == [inside.id]
    await mia.has(available=7, held=1)
    await mia.membership(
        "freeze", "eight", says="membership_frozen", starts_on="2026-03-01", resumes_on="2026-03-31"
    )
    await mia.has(available=8)
    await mia.cannot_book("cal_yoga", on="2026-03-06 18:00", because="NO_ENTITLEMENT")

    await clock.moves_to("2026-03-01 00:00")
    assert (await mia.entitlement("eight"))["status"] == "paused"
    await mia.has(paused=8)
    await clock.moves_to("2026-03-11 09:00")
    await mia.membership("resume", "eight", says="membership_resumed")

    await mia.has(available=8)
    assert await mia.expires("eight") == "2026-03-20 00:00"
    await clock.moves_to("2026-03-19 23:59")
    await mia.has(available=8)
    refused = await mia.membership(
        "freeze",
        "eight",
        says="FREEZE_DAYS_USED_UP",
        starts_on="2026-03-20",
        resumes_on="2026-04-10",
    )
    assert refused["allowed"]["days"] == 20


async def test_unlimited_with_a_weekly_cap(studio: Studio) -> None:
    """Three classes a week by class date, whenever they are booked (S3.3)."""
    await studio.sells_membership("all", 0, unlimited=True, caps=[{"count": 3, "window": "week"}])
    mia = studio.member("mia")
    await mia.buys("all")
    wednesday = None
    for day in ("05", "07", "09"):
        wednesday = await mia.books("cal_yoga", on=f"2026-01-{day} 18:00")

    refused = await mia.cannot_book("cal_yoga", on="2026-01-11 10:00", because="CAP_REACHED")
    assert refused["cap"]["window"] == "week"
    await mia.books("cal_yoga", on="2026-01-12 18:00")
    assert wednesday is not None
    await wednesday.is_("cancel")
    await mia.books("cal_yoga", on="2026-01-11 10:00")
    await mia.has()


async def test_a_year_paid_at_once_comes_by_the_month(opens: Opens) -> None:
    """The payment is for a year, the credits come on the first of each month (S9.2)."""
    studio = await opens(on="2026-01-01 00:00")
    await studio.sells_membership("year", 8, period_months=12, grant_months=1)
    mia, clock = studio.member("mia"), studio.clock
    await mia.buys("year", cents=99_900)
    await mia.has(available=8)

    for month in range(2, 13):
        await clock.moves_to(f"2026-{month:02}-01 00:00")
        await mia.has(available=8)

    await clock.moves_to("2027-01-10 00:00")
    await mia.has()


async def test_a_cancellation_taken_back(eight: Studio) -> None:
    """Mia cancels to the end of the month, thinks better of it, and is a member in February."""
    mia, clock = eight.member("mia"), eight.clock
    await mia.buys("eight")
    await clock.moves_to("2026-01-20 10:00")
    await mia.membership("cancel", "eight", says="cancellation_scheduled", reason="Moving away.")
    await clock.moves_to("2026-01-31 23:00")
    await mia.membership("uncancel", "eight", says="cancellation_withdrawn")
    await mia.buys("eight")

    await clock.moves_to("2026-02-01 00:00")
    await mia.has(available=8 + 4)


async def test_a_plan_lets_its_member_use_next_months_credits(opens: Opens) -> None:
    """Mia takes two classes too many in January; February's eight pay them back (S11.5)."""
    studio = await opens(on="2026-01-01 00:00")
    await studio.sells_membership("eight", 8, arrears={"advance_max": 2})
    mia, clock = studio.member("mia"), studio.clock
    await mia.buys("eight")
    await mia.uses("cal_yoga", 8)

    await mia.uses("cal_yoga", 2)
    await mia.has(owed=2)
    await mia.uses("cal_yoga", 1, says="INSUFFICIENT_CREDITS")

    await clock.moves_to("2026-02-01 00:00")
    paid = await mia.buys("eight")
    assert (paid["credits_granted"], paid["balance_after"]) == (8, 6)
    await mia.has(available=6)

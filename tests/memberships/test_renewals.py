"""S9.1, S9.2, S6.3: periods, whoever confirms them."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from itertools import pairwise
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from kotally.core.calendar import add_months, local_date
from kotally.memberships import renewals
from kotally.memberships.periods import Anchor, instalment, next_period, period, period_at
from tests.memberships.club import Club, ny

FEBRUARY, MARCH = "2026-02-01T05:00", "2026-03-01T05:00"
NEW_YORK = ZoneInfo("America/New_York")
ZONES = ["America/New_York", "America/Santiago", "America/Havana", "Asia/Tokyo", "Europe/Berlin"]


async def test_the_same_payment_five_times_in_parallel_is_one_grant(club: Club) -> None:
    """T: S9.1."""
    await club.sells("eight")
    await club.pays("eight")
    await club.moves_to("2026-02-01T14:00")

    found = await asyncio.gather(*(club.pays("eight", payment="inv_2") for _ in range(5)))

    assert sorted(each.code for each in found) == ["DUPLICATE_EVENT"] * 4 + ["grant_applied"]
    assert len({each["payment_id"] for each in found}) == 1
    assert len(await club.moved("grant")) == 2


async def test_the_same_request_is_answered_as_the_first_time(club: Club) -> None:
    await club.sells("eight")
    await club.pays("eight")
    await club.moves_to("2026-02-01T14:00")
    first = await club.pays("eight", payment="inv_2", request_id="r")
    again = await club.pays("eight", payment="inv_2", request_id="r")
    other = await club.pays("eight", payment="inv_3", request_id="r")

    assert (again.answer, again.replayed) == (first.answer, True)
    assert other.code == "IDEMPOTENCY_CONFLICT"


async def test_a_second_payment_pays_the_period_after(club: Club) -> None:
    """A period is granted once; what is paid ahead begins when its time has come."""
    await club.sells("eight", rollover={})
    first = await club.pays("eight")
    ahead = await club.pays("eight")

    assert ahead["expires_at"] == "2026-03-01T05:00:00.000Z"
    standing = await club.membership(first["entitlement_id"])
    assert (standing["period_number"], standing["paid_number"]) == (1, 2)

    await club.uses(3)
    lines = await club.moves_to("2026-02-01T06:00")

    assert len(lines) == 1
    standing = await club.membership(first["entitlement_id"])
    assert (standing["period_number"], standing["renews_at"]) == (2, ny(MARCH))
    assert sorted((c, n) for c, n, _ in await club.open()) == [("included", 8), ("rollover", 5)]


async def test_a_membership_that_renews_itself_needs_no_payment(club: Club) -> None:
    await club.sells("eight", renews="itself")
    first = await club.pays("eight")
    await club.moves_to("2026-03-05T12:00")

    assert await club.open() == [("included", 8, ny("2026-04-01T04:00"))]
    assert [at for _, _, at in await club.moved("grant")][1:] == [ny(FEBRUARY), ny(MARCH)]
    assert (await club.membership(first["entitlement_id"]))["period_number"] == 3


async def test_two_workers_renew_once(club: Club) -> None:
    await club.sells("eight", renews="itself", rollover={})
    for number in range(20):
        await club.pays("eight", f"member-{number}")
    await club.moves_to("2026-02-03T12:00", sweep=False)

    found = await asyncio.gather(
        *(renewals.renew_due(club.db, club.location, limit=100) for _ in range(3))
    )

    assert sum(each.count for each in found) == 20
    assert await club.available("member-7") == 16


async def test_a_payment_after_a_long_pause_pays_for_now(club: Club) -> None:
    """Nobody pays for time that has passed."""
    await club.sells("eight", arrears={"cancel_after_days": None})
    await club.pays("eight")
    await club.moves_to("2026-04-20T12:00")
    paid = await club.pays("eight")

    assert paid["expires_at"] == "2026-05-01T04:00:00.000Z"


async def test_a_year_is_paid_at_once_and_its_credits_come_by_the_month(club: Club) -> None:
    """Period and grant intervals are kept apart."""
    await club.sells("year", 8, period_months=12, grant_months=1, rollover={"max_per_roll": 2})
    first = await club.pays("year", amount_cents=120_000)

    assert (first["credits_granted"], first["expires_at"]) == (8, "2026-02-01T05:00:00.000Z")

    await club.moves_to("2026-03-02T12:00")

    standing = await club.membership(first["entitlement_id"])
    assert (standing["period_number"], standing["instalment"]) == (1, 3)
    assert sorted((c, n) for c, n, _ in await club.open()) == [("included", 8), ("rollover", 2)]
    costs = await club.db.fetch(
        "select cost_minor from kotally.lots where location_id = $1 and class = 'included'",
        club.location,
    )
    assert [row[0] for row in costs] == [10_000] * 3
    await club.moves_to("2026-12-31T12:00")
    assert (await club.membership(first["entitlement_id"]))["instalment"] == 12
    await club.moves_to("2027-01-01T12:00")
    assert await club.available() == 0


async def test_credits_may_outlive_their_period_by_days_of_grace(club: Club) -> None:
    """S6.3."""
    await club.sells("eight", renews="itself", period_grace_days=3)
    first = await club.pays("eight")

    assert first["expires_at"] == "2026-02-04T05:00:00.000Z"

    await club.moves_to("2026-02-02T12:00")
    assert await club.available() == 16
    await club.moves_to("2026-02-04T12:00")
    assert await club.available() == 8


async def test_the_staff_renews_without_payment_and_the_preview_is_the_commit(club: Club) -> None:
    await club.sells("eight", rollover={"max_per_roll": 4})
    first = await club.pays("eight")
    await club.moves_to("2026-02-01T14:00")
    before = await club.counts()
    preview = await club.renews(first["entitlement_id"], preview=True)

    assert await club.counts() == before

    done = await club.renews(first["entitlement_id"])

    assert (preview.code, done.code) == ("membership_renewed", "membership_renewed")
    assert {**preview.answer, "lot_id": None} == {**done.answer, "lot_id": None}
    assert (done["credits_granted"], done["credits_rolled_over"]) == (8, 4)
    assert (await club.renews(UUID(int=1))).code == "MEMBERSHIP_NOT_FOUND"


async def test_an_unlimited_membership_has_periods_and_no_lots(club: Club) -> None:
    """S1.2."""
    await club.sells("all", 0, unlimited=True, renews="itself")
    first = await club.pays("all")
    await club.moves_to("2026-02-02T12:00")

    assert first["credits_granted"] == 0
    assert await club.lots() == []
    assert (await club.membership(first["entitlement_id"]))["period_number"] == 2


async def test_an_anchor_on_the_31st_returns_to_it(club: Club) -> None:
    """S9.2."""
    await club.sells("eight", renews="itself")
    await club.moves_to("2026-01-31T15:00")
    await club.pays("eight")
    ends = []
    for at in ("2026-02-28T06:00", "2026-03-31T06:00", "2026-04-30T06:00"):
        await club.moves_to(at)
        ends.append([expires for _, _, expires in await club.open()])

    assert ends == [[ny("2026-03-31T04:00")], [ny("2026-04-30T04:00")], [ny("2026-05-31T04:00")]]


@given(
    on=st.dates(date(2020, 1, 1), date(2030, 12, 31)),
    months=st.integers(1, 24),
    number=st.integers(1, 60),
    zone=st.sampled_from(ZONES),
)
def test_periods_follow_each_other_without_gap(
    on: date, months: int, number: int, zone: str
) -> None:
    place = ZoneInfo(zone)
    found = period(on, months, number, zone=place)
    after = next_period(Anchor(on, months), number + 1, boundary=found.ends_at, zone=place)

    assert after == period(on, months, number + 1, zone=place)
    assert after.starts_at == found.ends_at
    assert local_date(found.starts_at, place) == add_months(on, months * (number - 1))
    assert period_at(on, months, found.starts_at, zone=place) == found


@given(on=st.dates(date(2020, 1, 1), date(2030, 12, 31)), grant=st.integers(1, 12))
def test_instalments_fill_their_period(on: date, grant: int) -> None:
    whole = period(on, 12, 1, zone=NEW_YORK)
    parts = [
        part
        for number in range(1, 14)
        if (part := instalment(whole, grant, number, zone=NEW_YORK)) is not None
    ]

    assert parts[0].starts_at == whole.starts_at
    assert parts[-1].ends_at == whole.ends_at
    assert all(one.ends_at == two.starts_at for one, two in pairwise(parts))


@pytest.mark.parametrize("shift", [1, 14, 30])
def test_a_shifted_boundary_starts_the_count_anew(shift: int) -> None:
    """S8.5: a freeze moves this period's end and all later ones."""
    found = period(date(2026, 1, 31), 1, 1, zone=NEW_YORK)
    boundary = found.ends_at + timedelta(days=shift)
    after = next_period(Anchor(date(2026, 1, 31), 1), 2, boundary=boundary, zone=NEW_YORK)

    assert after.starts_at == boundary
    assert local_date(after.ends_at, NEW_YORK) == add_months(local_date(boundary, NEW_YORK), 1)


async def test_the_first_period_is_a_purchase_and_the_later_ones_are_renewals(club: Club) -> None:
    await club.sells("eight")
    await club.pays("eight")
    await club.pays("eight")
    await club.moves_to("2026-02-03T12:00")

    assert [reason for reason, *_ in await club.moved("grant")] == ["purchase", "renewal"]

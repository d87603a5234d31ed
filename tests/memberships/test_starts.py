"""S6.4: packages whose validity a first class starts."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec

from kotally.products import products
from kotally.products.products import Product, Terms
from kotally.products.rules import Rules
from tests import make
from tests.memberships.club import Club, ny


async def bought(club: Club, days: int | None = 10, **validity: Any) -> Any:
    """Sell a pack of five and let ana buy it on 1 January."""
    rules = msgspec.convert({"validity": validity}, Rules)
    made = await products.create(
        club.db,
        club.location,
        type="package",
        terms=Terms(name="Five", credits=5, expiry_days=days, rules=rules),
        product_id="five",
    )
    assert isinstance(made, Product), made
    return await club.pays("five")


async def expires(club: Club) -> Any:
    """Return when the one pack of ana expires."""
    rows = await club.db.fetch(
        "select expires_at from kotally.lots where location_id = $1 and class = 'paid'",
        club.location,
    )
    assert len(rows) == 1
    return rows[0]["expires_at"]


async def test_the_first_booking_starts_it_by_its_class_date(club: Club) -> None:
    await bought(club, starts="first_booking")
    assert await expires(club) is None

    await club.books("2026-01-20T12:00")
    assert await expires(club) == ny("2026-01-31T05:00")
    await club.books("2026-01-15T12:00")
    assert await expires(club) == ny("2026-01-31T05:00")

    later = await club.does("hold", calendar_id="cal", appointment_at=ny("2026-02-01T12:00"))
    assert later.code == "NO_ENTITLEMENT"


async def test_cancelling_the_only_booking_takes_the_start_back(club: Club) -> None:
    await bought(club, starts="first_booking", must_activate_days=60)
    until = await expires(club)
    assert until == ny("2026-03-03T05:00")
    first = await club.books("2026-01-20T12:00")
    second = await club.books("2026-01-22T12:00")

    await club.releases(first)
    assert await expires(club) == ny("2026-01-31T05:00")
    await club.releases(second)
    assert await expires(club) == until

    await club.books("2026-01-25T12:00")
    assert await expires(club) == ny("2026-02-05T05:00")


async def test_what_is_never_started_expires(club: Club) -> None:
    await bought(club, starts="first_booking", must_activate_days=5)

    late = await club.does("hold", calendar_id="cal", appointment_at=ny("2026-01-08T12:00"))
    assert late.code == "NO_ENTITLEMENT"
    await club.moves_to("2026-01-07T05:00")
    assert await club.available() == 0
    assert await club.moved("expire") == [("expired", 5, ny("2026-01-07T05:00"))]


async def test_the_first_attended_class_starts_it(club: Club) -> None:
    await bought(club, starts="first_attended")
    held = await club.books("2026-01-20T12:00")
    assert await expires(club) is None
    await club.moves_to("2026-01-20T14:00")

    done = await club.does("capture", 1, hold_id=UUID(held["hold_id"]))

    assert done.code == "captured"
    assert await expires(club) == ny("2026-01-31T05:00")


async def test_a_deduction_starts_it_and_a_restore_takes_it_back(club: Club) -> None:
    await bought(club, None, starts="first_booking", months=1)
    used = await club.uses(1, appointment_at=ny("2026-01-31T17:00"), external_ref="a")
    assert await expires(club) == ny("2026-03-01T05:00")

    back = await club.does(
        "restore", 1, calendar_id="cal", external_ref="a", appointment_at=ny("2026-01-31T17:00")
    )

    assert (used.code, back.code) == ("deducted", "restored")
    assert await expires(club) is None


async def test_a_lapsed_hold_takes_the_start_back(club: Club) -> None:
    await bought(club, starts="first_booking")
    await club.books("2026-01-20T12:00", args={"ttl_seconds": 600})
    assert await expires(club) == ny("2026-01-31T05:00")
    await club.moves_to("2026-01-01T16:00", sweep=False)

    assert await club.db.fetchval("select kotally.lapse_holds($1, 10)", club.location) == 1
    assert await expires(club) is None


async def test_many_bookings_in_one_batch_see_the_start(club: Club) -> None:
    await bought(club, starts="first_booking")
    days = ("2026-01-05T12:00", "2026-01-06T12:00", "2026-02-05T12:00")
    acts = [make.hold(1, appointment_at=ny(day), calendar_id="cal") for day in days]

    done = await make.applied(club.db, club.location, acts)

    assert [each.code for each in done] == ["held", "held", "NO_ENTITLEMENT"]

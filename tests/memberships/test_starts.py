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
from tests.memberships.pausing import Pausing
from tests.memberships.test_closures import closes, extends, undoes
from tests.memberships.test_freezes import member
from tests.memberships.test_zones import moves


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


async def lot(club: Club) -> UUID:
    """Return the one pack of ana."""
    return await club.db.fetchval(
        "select id from kotally.lots where location_id = $1 and class = 'paid'", club.location
    )


async def test_an_extension_before_the_start_outlasts_it_and_its_undoing(club: Club) -> None:
    """S6.7: ten days from the first class, or until when staff has extended it if that is later."""
    await bought(club, starts="first_booking", must_activate_days=5)
    await extends(club, await lot(club), "2026-01-20")

    near = await club.books("2026-01-03T12:00")
    assert await expires(club) == ny("2026-01-21T05:00")
    await club.releases(near)
    assert await expires(club) == ny("2026-01-21T05:00")

    far = await club.books("2026-01-15T12:00")
    assert await expires(club) == ny("2026-01-26T05:00")
    await club.releases(far)
    assert await expires(club) == ny("2026-01-21T05:00")


async def test_an_extension_after_the_start_outlasts_its_undoing(club: Club) -> None:
    """S6.7: also another start afterwards."""
    await bought(club, starts="first_booking", must_activate_days=5)
    first = await club.books("2026-01-05T12:00")
    await extends(club, await lot(club), "2026-01-30")

    await club.releases(first)
    assert await expires(club) == ny("2026-01-31T05:00")

    await club.books("2026-01-05T12:00")
    assert await expires(club) == ny("2026-01-31T05:00")


async def test_a_closure_outlasts_a_start_that_was_undone(club: Club) -> None:
    """S6.7: undoing it later takes off its own days and no more."""
    await bought(club, starts="first_booking", must_activate_days=5)
    closure = await closes(club, "2026-01-02", "2026-01-05")
    assert await expires(club) == ny("2026-01-10T05:00")

    await club.releases(await club.books("2026-01-05T12:00"))
    assert await expires(club) == ny("2026-01-10T05:00")

    await undoes(club, closure["closure_id"])
    assert await expires(club) == ny("2026-01-07T05:00")


async def test_undoing_a_closure_takes_nothing_off_a_later_start(club: Club) -> None:
    """S6.4, S6.7: what a class gave is sold; without the class the closure's days are gone."""
    await bought(club, starts="first_booking", must_activate_days=5)
    closure = await closes(club, "2026-01-02", "2026-01-05")
    first = await club.books("2026-01-05T12:00")
    assert await expires(club) == ny("2026-01-16T05:00")

    await undoes(club, closure["closure_id"])
    assert await expires(club) == ny("2026-01-16T05:00")

    await club.releases(first)
    assert await expires(club) == ny("2026-01-07T05:00")


async def test_a_closure_after_the_start_is_undone_for_both(club: Club) -> None:
    await bought(club, starts="first_booking", must_activate_days=5)
    first = await club.books("2026-01-05T12:00")
    closure = await closes(club, "2026-01-02", "2026-01-05")
    assert await expires(club) == ny("2026-01-19T05:00")
    await undoes(club, closure["closure_id"])
    assert await expires(club) == ny("2026-01-16T05:00")

    await club.releases(first)
    assert await expires(club) == ny("2026-01-07T05:00")


async def test_a_closure_is_undone_though_its_lot_lasts_for_ever_again(club: Club) -> None:
    await bought(club, starts="first_booking")
    first = await club.books("2026-01-05T12:00")
    closure = await closes(club, "2026-01-02", "2026-01-05")
    await club.releases(first)
    assert await expires(club) is None

    undone = await undoes(club, closure["closure_id"])

    assert (undone.code, await expires(club)) == ("closure_undone", None)


async def test_frozen_days_outlast_a_start_that_was_undone(club: Club) -> None:
    """S8.4: the pack is not over at once when the class is cancelled after the freeze."""
    pausing = Pausing(club)
    await bought(club, starts="first_booking", must_activate_days=5)
    id_ = await member(club, covers_packs=True)
    await pausing.freeze(id_, "2026-01-03", "2026-01-13")
    first = await club.books("2026-01-15T12:00", product_config_id="five")

    await pausing.moves_to("2026-01-13T14:00")
    await club.releases(first)

    assert await expires(club) == ny("2026-01-17T05:00")


async def test_an_extension_moves_with_the_time_zone_before_a_start(club: Club) -> None:
    """S14.5: until the end of the same day there, after the undoing too."""
    await bought(club, starts="first_booking", must_activate_days=5)
    await extends(club, await lot(club), "2026-01-20")
    await moves(club, "Europe/Berlin")

    near = await club.books("2026-01-03T12:00")
    assert await expires(club) == ny("2026-01-20T23:00")
    await club.releases(near)

    assert await expires(club) == ny("2026-01-20T23:00")

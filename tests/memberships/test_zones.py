"""S14.5: a location that moves to another time zone keeps its local dates."""

from __future__ import annotations

from typing import Any

from kotally.memberships import zones
from tests.memberships.club import Club, Said, ny, said
from tests.memberships.pausing import Pausing


async def moves(club: Club, timezone: str, **fields: Any) -> Said:
    key = club.key("zone", timezone)
    return said(await zones.change_zone(club.db, club.location, timezone, key=key, **fields))


async def test_bounds_to_come_keep_their_local_dates(club: Club) -> None:
    pausing = Pausing(club)
    await club.sells("own", renews="itself")
    id_ = (await club.pays("own"))["entitlement_id"]
    pack = await pausing.pack(ny("2026-03-06T05:00"))
    odd = await pausing.pack(ny("2026-03-06T07:30"), "bob")
    gone = await pausing.pack(ny("2026-01-01T05:00"), "cem")
    await pausing.freeze(id_, "2026-01-10", "2026-01-20", covers_packs=True)

    preview = await moves(club, "Europe/Berlin", preview=True)
    done = await moves(club, "Europe/Berlin")

    assert preview.answer == done.answer
    assert (done.code, done["timezone_before"], done["lots_moved"]) == (
        "timezone_changed",
        "America/New_York",
        2,
    )
    assert await pausing.expiry(pack) == (ny("2026-03-05T23:00"), ny("2026-03-15T23:00"))
    # What is no midnight was somebody's instant; what has passed stays.
    assert (await pausing.expiry(odd))[0] == ny("2026-03-06T07:30")
    assert (await pausing.expiry(gone))[0] == ny("2026-01-01T05:00")
    standing = await club.membership(id_)
    assert standing["period_ends_at"] == standing["renews_at"] == ny("2026-02-10T23:00")
    frozen = (await pausing.freezes())[0]
    assert (frozen["starts_at"], frozen["resumes_at"]) == (
        ny("2026-01-09T23:00"),
        ny("2026-01-19T23:00"),
    )
    await pausing.moves_to("2026-02-10T23:00")
    assert (await club.membership(id_))["period_ends_at"] == ny("2026-03-10T23:00")
    assert (await club.moved("grant"))[-1] == ("renewal", 8, ny("2026-02-10T23:00"))


async def test_a_zone_that_does_not_exist_is_refused(club: Club) -> None:
    refused = await moves(club, "Mars/Olympus")

    assert refused.code == "TIMEZONE_UNKNOWN"
    assert "Mars/Olympus" in refused["detail"]

"""S14 in SQL: local midnights, and days added to them, agree with Python's own time zones."""

from __future__ import annotations

import zoneinfo
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, example, given, settings, strategies as st

from kotally.core.calendar import local_midnight
from kotally.db import Database
from tests.ledger.desk import SCALE, at

MIDNIGHT = "select kotally.local_midnight($1, $2)"
ADD_DAYS = "select kotally.add_local_days($1, $2, $3)"
# Later dates change by law, and the two sides may hold different editions of it.
FIRST, LAST = date(2000, 1, 1), date(2025, 12, 31)

VECTORS = [
    # S14.3, the vectors: a midnight that is left out, and one that comes twice.
    ("America/Santiago", date(2026, 9, 6), "2026-09-06T04:00"),
    ("America/Havana", date(2026, 11, 1), "2026-11-01T04:00"),
    ("America/New_York", date(2026, 3, 13), "2026-03-13T04:00"),
    ("America/New_York", date(2026, 3, 8), "2026-03-08T05:00"),
    # A whole day that the date line ate.
    ("Pacific/Apia", date(2011, 12, 30), "2011-12-30T10:00"),
    # A clock set back over midnight by three hours.
    ("Antarctica/Casey", date(2010, 3, 5), "2010-03-04T13:00"),
    ("Asia/Kathmandu", date(2026, 1, 1), "2025-12-31T18:15"),
    ("UTC", date(2026, 1, 1), "2026-01-01T00:00"),
]


@pytest.mark.parametrize(("zone", "on", "expected"), VECTORS)
async def test_a_local_midnight(ledger_db: Database, zone: str, on: date, expected: str) -> None:
    assert await ledger_db.fetchval(MIDNIGHT, on, zone) == at(expected)
    assert local_midnight(on, ZoneInfo(zone)) == at(expected)


DAYS = [
    # S6.2, the vectors.
    ("America/New_York", "2026-02-11T00:00-05:00", 30, "2026-03-13T04:00"),
    ("America/New_York", "2026-02-10T15:00-05:00", 30, "2026-03-13T04:00"),
    # S8.4, the vector: 14 days over the change of the clocks.
    ("America/New_York", "2026-03-06T05:00Z", 14, "2026-03-20T04:00"),
    # S14.3: valid to 5 September in Santiago.
    ("America/Santiago", "2026-09-05T12:00Z", 0, "2026-09-06T04:00"),
    # The second of two midnights is a time of that day already.
    ("America/Havana", "2026-11-01T05:00Z", 0, "2026-11-02T05:00"),
    ("America/Havana", "2026-11-01T04:00Z", 0, "2026-11-01T04:00"),
]


@pytest.mark.parametrize(("zone", "start", "days", "expected"), DAYS)
async def test_days_are_added_in_the_members_favour(
    ledger_db: Database, zone: str, start: str, days: int, expected: str
) -> None:
    """S6.2, S14.2: whole local days, rounded up to a midnight."""
    assert await ledger_db.fetchval(ADD_DAYS, at(start), days, zone) == at(expected)


def first_instant(on: date, zone: ZoneInfo) -> datetime:
    """Find the first minute of a local date the slow way, by asking every minute around it."""
    around = datetime(on.year, on.month, on.day, tzinfo=zone).timestamp()
    start = datetime.fromtimestamp(around - around % 60, tz=ZoneInfo("UTC"))
    minutes = (start + timedelta(minutes=n) for n in range(-26 * 60, 26 * 60))
    return next(minute for minute in minutes if minute.astimezone(zone).date() >= on)


ZONES = sorted(
    name
    for name in zoneinfo.available_timezones()
    if "/" in name and not name.startswith(("Etc/", "SystemV/", "posix/", "right/", "US/"))
)


def days_of_change(zone: ZoneInfo) -> list[date]:
    """Return the days around each change of a zone's clock."""
    day = timedelta(days=1)
    noons = [
        datetime(2000, 1, 1, 12, tzinfo=ZoneInfo("UTC")) + day * n
        for n in range((LAST - FIRST).days)
    ]
    offsets = [noon.astimezone(zone).utcoffset() for noon in noons]
    return [
        (noons[n] + day * near).date()
        for n in range(1, len(noons))
        if offsets[n] != offsets[n - 1]
        for near in (-1, 0, 1)
    ]


@settings(
    max_examples=150 * SCALE,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(zone=st.sampled_from(ZONES), on=st.dates(FIRST, LAST), data=st.data())
@example("America/Santiago", date(2026, 9, 6), None)
@example("America/Havana", date(2026, 11, 1), None)
@example("Antarctica/Casey", date(2023, 3, 9), None)
async def test_every_midnight_is_the_first_instant_of_its_date(
    ledger_db: Database, zone: str, on: date, data: st.DataObject | None
) -> None:
    """S14.3, for any zone and date, half of them at a change of the clock."""
    place = ZoneInfo(zone)
    if data is not None and data.draw(st.booleans()):
        on = data.draw(st.sampled_from(days_of_change(place) or [on]))

    found = await ledger_db.fetchval(MIDNIGHT, on, zone)

    assert found == first_instant(on, place)
    assert found == local_midnight(on, place)

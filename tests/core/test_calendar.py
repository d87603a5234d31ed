"""Calendar arithmetic: local dates come from instants by conversion, never by cutting text."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from kotally.core.calendar import add_months, local_date, local_midnight


@pytest.mark.parametrize(
    ("instant", "zone", "on"),
    [
        ("2026-05-01T02:00", "America/New_York", date(2026, 4, 30)),  # T: a Stripe period's end
        ("2026-04-30T23:30", "Europe/Berlin", date(2026, 5, 1)),
        ("2026-12-31T11:00", "Pacific/Kiritimati", date(2027, 1, 1)),
    ],
)
def test_a_providers_bound_has_the_local_date_of_its_instant(
    instant: str, zone: str, on: date
) -> None:
    """S14.4."""
    at = datetime.fromisoformat(instant).replace(tzinfo=UTC)

    assert local_date(at, ZoneInfo(zone)) == on


def test_a_midnight_that_is_left_out_is_the_first_instant_after_it() -> None:
    """S14.3, T: Santiago; and Havana, where it comes twice, takes the first."""
    assert local_midnight(date(2026, 9, 6), ZoneInfo("America/Santiago")) == datetime(
        2026, 9, 6, 4, tzinfo=UTC
    )
    assert local_midnight(date(2026, 11, 1), ZoneInfo("America/Havana")) == datetime(
        2026, 11, 1, 4, tzinfo=UTC
    )


def test_months_are_clamped_to_the_last_day() -> None:
    """S6.2: the same day of the target month, or its last."""
    assert [add_months(date(2026, 1, 31), n) for n in (1, 3, 13)] == [
        date(2026, 2, 28),
        date(2026, 4, 30),
        date(2027, 2, 28),
    ]

"""Where a membership's periods begin and end: pure calendar arithmetic (S9.2)."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from msgspec import Struct

from kotally.core.calendar import MONTHS_OF_YEAR, add_months, local_date, local_midnight


class Period(Struct, frozen=True):
    """One period of a membership: `[starts_at, ends_at)`, numbered from 1."""

    number: int
    starts_at: datetime
    ends_at: datetime


def period(anchor_on: date, months: int, number: int, *, zone: ZoneInfo) -> Period:
    """
    Return the period of a number.

    Each begins at local midnight of the anchor day; a month too short for it uses its last day,
    and the next one returns to the anchor.
    """
    return Period(
        number,
        local_midnight(add_months(anchor_on, months * (number - 1)), zone),
        local_midnight(add_months(anchor_on, months * number), zone),
    )


def period_at(anchor_on: date, months: int, at: datetime, *, zone: ZoneInfo) -> Period:
    """Return the period that an instant falls into; the first one for instants before it."""
    on = local_date(at, zone)
    passed = (on.year - anchor_on.year) * MONTHS_OF_YEAR + on.month - anchor_on.month
    number = max(passed // months, 0) + 1
    found = period(anchor_on, months, number, zone=zone)
    # The month has begun but its anchor day has not come yet.
    return (
        found
        if found.starts_at <= at or number == 1
        else period(anchor_on, months, number - 1, zone=zone)
    )

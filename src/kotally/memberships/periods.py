"""Where a membership's periods begin and end: pure calendar arithmetic (S9.2)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from kotally.core.calendar import MONTHS_OF_YEAR, add_months, local_date, local_midnight


class Period(Struct, frozen=True):
    """One period of a membership: `[starts_at, ends_at)`, numbered from 1."""

    number: int
    starts_at: datetime
    ends_at: datetime


class Anchor(Struct, frozen=True):
    """The day on which the period of a number begins, and the length of all that follow."""

    on: date
    months: int
    number: int = 1


def period(
    anchor_on: date, months: int, number: int, *, zone: ZoneInfo, anchor_number: int = 1
) -> Period:
    """
    Return the period of a number.

    Each begins at local midnight of the anchor day; a month too short for it uses its last day,
    and the next one returns to the anchor. The period `anchor_number` begins on the anchor.
    """
    passed = number - anchor_number
    return Period(
        number,
        local_midnight(add_months(anchor_on, months * passed), zone),
        local_midnight(add_months(anchor_on, months * (passed + 1)), zone),
    )


def period_at(
    anchor_on: date, months: int, at: datetime, *, zone: ZoneInfo, anchor_number: int = 1
) -> Period:
    """Return the period that an instant falls into; the first one for instants before it."""
    on = local_date(at, zone)
    passed = (on.year - anchor_on.year) * MONTHS_OF_YEAR + on.month - anchor_on.month
    number = max(passed // months, 0) + anchor_number
    found = period(anchor_on, months, number, zone=zone, anchor_number=anchor_number)
    # The month has begun but its anchor day has not come yet.
    return (
        found
        if found.starts_at <= at or number == anchor_number
        else period(anchor_on, months, number - 1, zone=zone, anchor_number=anchor_number)
    )


def next_period(anchor: Anchor, number: int, *, boundary: datetime, zone: ZoneInfo) -> Period:
    """
    Return the period of a number, which begins where the one before it ended.

    A boundary that is not where the anchor puts it was shifted by a freeze: the count starts anew
    there (S8.5).
    """
    found = period(anchor.on, anchor.months, number, zone=zone, anchor_number=anchor.number)
    if found.starts_at == boundary:
        return found
    shifted = period(
        local_date(boundary, zone), anchor.months, number, zone=zone, anchor_number=number
    )
    return Period(number, boundary, shifted.ends_at)


def instalment(whole: Period, months: int, number: int, *, zone: ZoneInfo) -> Period | None:
    """
    Return the n-th part of a period whose credits come every so many months; None beyond its end.

    A first instalment longer than the period is the period.
    """
    on = local_date(whole.starts_at, zone)
    starts_at = local_midnight(add_months(on, months * (number - 1)), zone)
    if starts_at >= whole.ends_at:
        return None
    ends_at = local_midnight(add_months(on, months * number), zone)
    first = whole.starts_at if number == 1 else starts_at
    return Period(number, first, min(ends_at, whole.ends_at))


def with_grace(ends_at: datetime, days: int, *, zone: ZoneInfo) -> datetime:
    """Return when a period's credits expire that outlive it by some days (S6.3)."""
    if days == 0:
        return ends_at
    return days_after(ends_at, days, zone=zone)


def days_after(at: datetime, days: int, *, zone: ZoneInfo) -> datetime:
    """Return the local midnight so many days after an instant, rounded in the member's favour."""
    on = local_date(at, zone)
    if local_midnight(on, zone) < at:
        on += timedelta(days=1)
    return local_midnight(on + timedelta(days=days), zone)

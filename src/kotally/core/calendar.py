"""Calendar arithmetic in a place's own time: dates in, instants out (S14)."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

_GAP_MAX = timedelta(
    hours=26
)  # the largest jump a zone has made: a day left out, and daylight time
_MINUTE = timedelta(minutes=1)
MONTHS_OF_YEAR = 12


def iso(at: datetime) -> str:
    """Write an instant as the API does: UTC, milliseconds, Z."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def with_times_written(value: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Write every instant inside a value as the API does; the encoder leaves out milliseconds."""
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, Mapping):
        items = cast("Mapping[str, Any]", value).items()
        return {name: with_times_written(item) for name, item in items}
    if isinstance(value, list):
        return [with_times_written(item) for item in cast("list[Any]", value)]
    return value


def local_date(at: datetime, zone: ZoneInfo) -> date:
    """Return the date of an instant in the zone."""
    return at.astimezone(zone).date()


def local_midnight(on: date, zone: ZoneInfo) -> datetime:
    """
    Return the first instant of a local date, in UTC (S14.3).

    A midnight that does not exist is the first instant after the gap; of one that exists twice it
    is the first.
    """
    at = datetime.combine(on, time(), zone).astimezone(UTC)
    if at.astimezone(zone).time() == time() and local_date(at, zone) == on:
        return at
    return _first_instant(on, zone, at)


def _first_instant(on: date, zone: ZoneInfo, near: datetime) -> datetime:
    """Find the first whole minute of a date whose midnight is in a gap."""
    before, after = near - _GAP_MAX, near + _GAP_MAX
    while after - before > _MINUTE:
        middle = before + (after - before) // _MINUTE // 2 * _MINUTE
        before, after = (before, middle) if local_date(middle, zone) >= on else (middle, after)
    return after


def add_months(on: date, months: int) -> date:
    """Return the same day `months` later, clamped to the month's last day (S6.2)."""
    index = on.year * MONTHS_OF_YEAR + on.month - 1 + months
    year, month = divmod(index, MONTHS_OF_YEAR)
    return date(year, month + 1, min(on.day, monthrange(year, month + 1)[1]))


def end_of_validity(starts_at: datetime, days: int, zone: ZoneInfo) -> datetime:
    """
    Return when something valid for `days` days expires, exclusive (S6.2).

    The start day is day 0 and the last valid date lasts until its midnight.
    """
    return local_midnight(local_date(starts_at, zone) + timedelta(days=days + 1), zone)

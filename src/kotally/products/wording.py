"""Numbers, times and money in plain English."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

MINUTES_OF_HOUR: Final = 60
MINUTES_OF_DAY: Final = 24 * MINUTES_OF_HOUR
MONTHS_OF_YEAR: Final = 12
CENTS: Final = 100


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Say how many there are."""
    return f"{number} {noun}" if number == 1 else f"{number} {plural or noun + 's'}"


def every(months: int) -> str:
    """Say how often, after the word every: `month`, `3 months`, `year`."""
    if months % MONTHS_OF_YEAR == 0:
        years = months // MONTHS_OF_YEAR
        return "year" if years == 1 else f"{years} years"
    return "month" if months == 1 else f"{months} months"


def months_long(months: int) -> str:
    """Say how long: `1 month`, `2 years`."""
    if months % MONTHS_OF_YEAR == 0:
        return counted(months // MONTHS_OF_YEAR, "year")
    return counted(months, "month")


def duration(minutes: int) -> str:
    """Say how long in the largest whole unit; a single day is 24 hours."""
    if minutes % MINUTES_OF_DAY == 0 and minutes > MINUTES_OF_DAY:
        return counted(minutes // MINUTES_OF_DAY, "day")
    if minutes % MINUTES_OF_HOUR == 0:
        return counted(minutes // MINUTES_OF_HOUR, "hour")
    return counted(minutes, "minute")


def hours(number: int) -> str:
    """Say how long in hours, or in days from two on."""
    return duration(number * MINUTES_OF_HOUR)


def money(cents: int) -> str:
    """Write an amount of the product's currency, whose name a product does not know."""
    return f"{cents // CENTS}.{cents % CENTS:02d}"


def all_of(parts: Sequence[str]) -> str:
    """Join with commas and an and."""
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last

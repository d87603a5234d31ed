"""Local dates in requests."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from msgspec import Meta

from kotally.api.call import Invalid, Problem

# The times that a request may name are limited in the same way.
DATE_MIN = date(1970, 1, 1)
DATE_MAX = date(2199, 12, 31)

LocalDate = Annotated[
    date, Meta(description="A date in the location's time zone.", examples=["2026-03-01"])
]


def check_dates(**dates: date | None) -> None:
    """Refuse dates so far off that no calendar arithmetic reaches them."""
    problems = [
        Problem(name, f"must lie between {DATE_MIN:%Y} and {DATE_MAX:%Y}")
        for name, on in dates.items()
        if on is not None and not DATE_MIN <= on <= DATE_MAX
    ]
    if problems:
        raise Invalid.of(problems)

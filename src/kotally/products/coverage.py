"""
Which calendars a product's credits pay for, and how many credits one place costs there.

Coverage maps a calendar's id to its weight; None pays for every calendar at one credit.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from kotally.workspaces.refusals import Refused, invalid, text_fault

Coverage = dict[str, int]

CALENDARS_MAX: Final = 1_000
CALENDAR_ID_LENGTH_MAX: Final = 255
WEIGHT_MAX: Final = 1_000
WIDTH_OF_ALL: Final = 2_147_483_647  # wider than any list: a narrower coverage pays first (S1.3)


def parse_coverage(specs: Iterable[str]) -> Coverage | Refused | None:
    """Read `cal_1` (one credit) and `cal_2:2` (two); nothing at all covers everything."""
    coverage: Coverage = {}
    for spec in specs:
        calendar_id, weight = _parse(spec.strip())
        if calendar_id in coverage:
            return invalid(f"The calendar {calendar_id!r} is named twice; name it once.")
        coverage[calendar_id] = weight
    if not coverage:
        return None
    return coverage_fault(coverage) or coverage


def coverage_fault(coverage: Coverage | None) -> Refused | None:
    """Refuse a coverage of nothing, of too much, or at an impossible weight."""
    if coverage is None:
        return None
    if not 1 <= len(coverage) <= CALENDARS_MAX:
        return invalid(f"A product covers 1 to {CALENDARS_MAX} calendars, or all of them.")
    for calendar_id, weight in coverage.items():
        fault = text_fault("calendar id", calendar_id, longest=CALENDAR_ID_LENGTH_MAX)
        if fault:
            return fault
        if not 1 <= weight <= WEIGHT_MAX:
            return invalid(
                f"A place in {calendar_id} costs 1 to {WEIGHT_MAX} credits, not {weight}."
            )
    return None


def width(coverage: Coverage | None) -> int:
    """Return how many calendars are covered: of two lots the narrower one pays first (S1.3)."""
    return WIDTH_OF_ALL if coverage is None else len(coverage)


def _parse(spec: str) -> tuple[str, int]:
    """Part a weight off; an id may hold colons, so only a whole number behind the last counts."""
    calendar_id, colon, weight = spec.rpartition(":")
    if colon and weight.isascii() and weight.lstrip("-").isdecimal():
        return calendar_id, int(weight)
    return spec, 1

"""
Which calendars a product's credits pay for, and how many credits one place costs there.

Coverage maps a calendar's id to its weight; None pays for every calendar at one credit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from kotally.workspaces.refusals import Refused, invalid, text_fault

Coverage = dict[str, int]

CALENDARS_MAX: Final = 1_000
CALENDAR_ID_LENGTH_MAX: Final = 255
WEIGHT_MAX: Final = 1_000
_WEIGHT: Final = re.compile(r"-?[0-9]{1,18}")
WIDTH_OF_ALL: Final = 2_147_483_647  # wider than any list: a narrower coverage pays first (S1.3)


def parse_coverage(specs: Iterable[str]) -> Coverage | Refused | None:
    """Read `cal_1` (one credit) and `cal_2:2` (two); nothing at all covers everything."""
    coverage: Coverage = {}
    for spec in specs:
        parsed = _parse(spec.strip())
        if isinstance(parsed, Refused):
            return parsed
        calendar_id, weight = parsed
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


def _parse(spec: str) -> tuple[str, int] | Refused:
    """Part the weight off: a whole number behind the last colon, since an id may hold colons."""
    calendar_id, colon, weight = spec.rpartition(":")
    if not colon:
        return spec, 1
    if not calendar_id:
        return invalid(f"{spec!r} names no calendar; write cal_1, or cal_1:2 for two credits.")
    if not _WEIGHT.fullmatch(weight):
        return invalid(
            f"In {spec!r} what stands behind the colon is not a number of credits; write "
            f"{calendar_id}:2 for two credits, or {spec.rstrip(':')}:1 if the colon is part of "
            "the calendar's id."
        )
    return calendar_id, int(weight)

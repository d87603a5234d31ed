"""Which freezes a plan allows, and the nearest that it would: pure (S8.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from typing import Any, Final

from msgspec import Struct

from kotally.core.calendar import MONTHS_OF_YEAR, add_months
from kotally.products.policies import FreezePolicy

_DAY: Final = timedelta(days=1)
FREEZE_DAYS_MAX: Final = 3_650  # ten years: beyond that it is an end, not a pause


class Span(Struct, frozen=True, order=True):
    """Local dates `[starts_on, resumes_on)`; the days of a freeze are the calendar days in it."""

    starts_on: date
    resumes_on: date

    @property
    def days(self) -> int:
        """Be the number of days."""
        return max((self.resumes_on - self.starts_on).days, 0)

    def within(self, other: Span) -> int:
        """Return how many of its days lie in another span."""
        starts_on = max(self.starts_on, other.starts_on)
        return Span(starts_on, min(self.resumes_on, other.resumes_on)).days


class Limit(Struct, frozen=True):
    """A limit that a freeze breaks: its code, and the nearest values it would allow."""

    code: str
    allowed: dict[str, Any]


class Asked(Struct, frozen=True, kw_only=True):
    """
    What a freeze is judged by.

    `earlier` are the membership's other freezes by their dates, cancelled ones and those without
    a day left out; `renewal_on` is the local date of the next renewal, `began_on` of the start.
    """

    span: Span
    policy: FreezePolicy
    today: date
    began_on: date
    renewal_on: date
    is_past_due: bool
    earlier: Sequence[Span]
    is_extension: bool = False


class Allowance(Struct, frozen=True, kw_only=True):
    """How much of the plan's allowance a window holds, this freeze included; None is no limit."""

    window_starts_on: date
    window_ends_on: date
    days_used: int
    days_left: int | None
    count_used: int
    count_left: int | None


def impossible(asked: Asked) -> Limit | None:
    """Return what no permission can allow: an end before the start, the past, an overlap."""
    span, starts_on = asked.span, asked.span.starts_on
    if span.resumes_on <= starts_on:
        return Limit("FREEZE_ENDS_BEFORE_START", {"resumes_on": starts_on + _shortest(asked)})
    if span.days > FREEZE_DAYS_MAX:
        return Limit(
            "FREEZE_TOO_LONG",
            {"days": FREEZE_DAYS_MAX, "resumes_on": starts_on + timedelta(days=FREEZE_DAYS_MAX)},
        )
    if not asked.is_extension and starts_on < asked.today:
        return Limit("FREEZE_STARTS_IN_PAST", {"starts_on": asked.today})
    for other in sorted(asked.earlier):
        if span.within(other):
            allowed = {"starts_on": other.resumes_on}
            if other.starts_on > starts_on:
                allowed = {"resumes_on": other.starts_on}
            return Limit("FREEZE_OVERLAPS", allowed)
    return None


def broken(asked: Asked) -> list[Limit]:
    """Return the plan's limits that a freeze breaks; staff can set each aside for a reason."""
    checks: list[Callable[[Asked], Iterator[Limit]]] = [_gaps, _length, _count, _total]
    if not asked.is_extension:
        checks = [_permission, _start, *checks]
    return [limit for check in checks for limit in check(asked)]


def allowance(asked: Asked) -> Allowance:
    """
    Return what the window in which a freeze starts has left of the plan's allowance.

    A freeze without a day left, which began and was ended or never began, uses nothing of it.
    """
    policy = asked.policy
    window = _window_of(asked, asked.span.starts_on)
    if policy.window == "rolling_12_months":
        window = _year_before(asked.span.resumes_on)
    every = [*asked.earlier, asked.span]
    days = sum(span.within(window) for span in every)
    count = sum(_starts_in(span, window) for span in every if span.days)
    total, most = policy.max_total_days, policy.max_count
    return Allowance(
        window_starts_on=window.starts_on,
        window_ends_on=window.resumes_on,
        days_used=days,
        days_left=None if total is None else max(total - days, 0),
        count_used=count,
        count_left=None if most is None else max(most - count, 0),
    )


def _permission(asked: Asked) -> Iterator[Limit]:
    if not asked.policy.allowed:
        yield Limit("FREEZE_NOT_ALLOWED", {})
    if asked.is_past_due and not asked.policy.while_past_due:
        yield Limit("FREEZE_WHILE_PAST_DUE", {})


def _start(asked: Asked) -> Iterator[Limit]:
    policy, starts_on = asked.policy, asked.span.starts_on
    earliest = asked.today + timedelta(days=policy.notice_days)
    if starts_on < earliest:
        yield Limit(
            "FREEZE_NOTICE_TOO_SHORT", {"starts_on": earliest, "notice_days": policy.notice_days}
        )
    if policy.starts == "next_renewal" and starts_on != asked.renewal_on:
        yield Limit("FREEZE_STARTS_AT_RENEWAL_ONLY", {"starts_on": asked.renewal_on})


def _gaps(asked: Asked) -> Iterator[Limit]:
    """Demand the active days before and after; an extension cannot change those before."""
    span, least = asked.span, timedelta(days=asked.policy.min_active_days)
    before = [each.resumes_on for each in asked.earlier if each.resumes_on <= span.starts_on]
    after = [each.starts_on for each in asked.earlier if each.starts_on >= span.resumes_on]
    is_soon = bool(before) and not asked.is_extension and span.starts_on < max(before) + least
    is_late = bool(after) and span.resumes_on > min(after) - least
    allowed: dict[str, Any] = {"min_active_days": asked.policy.min_active_days}
    if is_late and not is_soon and min(after) - least >= span.starts_on + _shortest(asked):
        allowed["resumes_on"] = min(after) - least
    elif not asked.is_extension:
        allowed["starts_on"] = _first_gap(asked)
    if is_soon or is_late:
        yield Limit("FREEZE_TOO_SOON", allowed)


def _first_gap(asked: Asked) -> date:
    """Return the first start, not before the one asked for, with room for the shortest freeze."""
    least, on = timedelta(days=asked.policy.min_active_days), asked.span.starts_on
    for other in sorted(asked.earlier):
        if on + _shortest(asked) + least <= other.starts_on:
            break
        on = max(on, other.resumes_on + least)
    return on


def _length(asked: Asked) -> Iterator[Limit]:
    policy, span = asked.policy, asked.span
    if span.days < policy.min_days:
        yield Limit(
            "FREEZE_TOO_SHORT",
            {"days": policy.min_days, "resumes_on": span.starts_on + _shortest(asked)},
        )
    if policy.max_days is not None and span.days > policy.max_days:
        yield Limit(
            "FREEZE_TOO_LONG",
            {
                "days": policy.max_days,
                "resumes_on": span.starts_on + timedelta(days=policy.max_days),
            },
        )


def _count(asked: Asked) -> Iterator[Limit]:
    most = asked.policy.max_count
    if most is None or asked.is_extension:
        return
    starts_on = asked.span.starts_on
    window = _window_of(asked, starts_on)
    inside = [span for span in asked.earlier if _starts_in(span, window)]
    if len(inside) >= most:
        yield Limit(
            "FREEZE_COUNT_REACHED",
            {"count": most, "starts_on": _next_start(asked, window, inside, most=most)},
        )


def _total(asked: Asked) -> Iterator[Limit]:
    most = asked.policy.max_total_days
    if most is None or asked.span.days <= (left := _days_left(asked, most)):
        return
    allowed: dict[str, Any] = {"days": left, "max_total_days": most}
    if left:
        allowed["resumes_on"] = asked.span.starts_on + timedelta(days=left)
    yield Limit("FREEZE_DAYS_USED_UP", allowed)


def _days_left(asked: Asked, most: int) -> int:
    """Return how many days from its start a freeze may have before a window is full."""
    days = asked.span.days
    while days and any(
        sum(span.within(window) for span in asked.earlier)
        + Span(asked.span.starts_on, _end(asked, days)).within(window)
        > most
        for window in _windows(asked, _end(asked, days))
    ):
        days -= 1
    return days


def _windows(asked: Asked, resumes_on: date) -> list[Span]:
    """Return the windows that a freeze to this end has days in, as far as they can be fullest."""
    starts_on = asked.span.starts_on
    if asked.policy.window == "rolling_12_months":
        # A rolling window is fullest when it ends with a freeze.
        ends = {resumes_on, *(s.resumes_on for s in asked.earlier if s.resumes_on > starts_on)}
        return [_year_before(end) for end in ends]
    found = [_window_of(asked, starts_on)]
    while found[-1].resumes_on < resumes_on:
        found.append(_window_of(asked, found[-1].resumes_on))
    return found


def _window_of(asked: Asked, on: date) -> Span:
    match asked.policy.window:
        case "calendar_year":
            return Span(date(on.year, 1, 1), date(on.year + 1, 1, 1))
        case "rolling_12_months":
            return _year_before(on + _DAY)
        case "membership_year":
            years = on.year - asked.began_on.year
            starts_on = add_months(asked.began_on, MONTHS_OF_YEAR * years)
            if starts_on > on:
                years -= 1
                starts_on = add_months(asked.began_on, MONTHS_OF_YEAR * years)
            return Span(starts_on, add_months(asked.began_on, MONTHS_OF_YEAR * (years + 1)))


def _next_start(asked: Asked, window: Span, inside: Sequence[Span], *, most: int) -> date | None:
    if most == 0:
        return None
    if asked.policy.window != "rolling_12_months":
        return window.resumes_on
    return add_months(sorted(inside)[len(inside) - most].starts_on, MONTHS_OF_YEAR)


def _starts_in(span: Span, window: Span) -> bool:
    return window.starts_on <= span.starts_on < window.resumes_on


def _year_before(on: date) -> Span:
    return Span(add_months(on, -MONTHS_OF_YEAR), on)


def _end(asked: Asked, days: int) -> date:
    return asked.span.starts_on + timedelta(days=days)


def _shortest(asked: Asked) -> timedelta:
    return timedelta(days=max(asked.policy.min_days, 1))

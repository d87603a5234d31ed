"""Counting strikes: pure (S5.4, S5.5)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from msgspec import Struct

from kotally.products.policies import Attendance


class Verdict(Struct, frozen=True):
    """
    What one more strike comes to.

    `count` is how many of its kind are in the window with it, `forgiven` whether it is within the
    free allowance, `crosses` whether it reaches the threshold now: that fires once (S5.5).
    """

    count: int
    forgiven: bool
    crosses: bool


def judge(rules: Attendance, others: Sequence[date], on: date) -> Verdict:
    """
    Judge a strike for a class on a date, beside the others of the same kind.

    One that is recorded late counts in the windows of later ones too.
    """
    ends = [day for day in others if day > on and _count(rules, [on], day)]
    before = max(_count(rules, others, end) for end in [on, *ends])
    penalty = rules.penalty
    return Verdict(
        count=before + 1,
        forgiven=_count(rules, others, on) < rules.free_allowance,
        crosses=penalty is not None and before + 1 == penalty.threshold,
    )


def still_reached(
    rules: Attendance, left: Sequence[date], *, crossed_on: date, threshold: int
) -> bool:
    """Tell whether the strikes that are left reach a threshold, then or later (S5.7)."""
    return any(_count(rules, left, on) >= threshold for on in left if on >= crossed_on)


def _count(rules: Attendance, days: Sequence[date], on: date) -> int:
    if rules.strike_window == "calendar_month":
        return sum((day.year, day.month) == (on.year, on.month) for day in days)
    first = on - timedelta(days=rules.strike_days)
    return sum(first < day <= on for day in days)

"""S6.2, S6.4: from when and until when a package is good."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from kotally.products.policies import Validity
from kotally.products.validity import Good, good

NEW_YORK = ZoneInfo("America/New_York")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def bought(paid: str, days: int | None = None, *, now: str = "", **rule: Any) -> Good:
    return good(Validity(**rule), days, paid_at=at(paid), now=at(now or paid), zone=NEW_YORK)


@pytest.mark.parametrize(
    ("paid", "days", "rule", "expires"),
    [
        # T: 30-day pack bought 10 Feb 15:00 New York → expires 13 Mar 00:00 EDT = 04:00Z.
        ("2026-02-10T20:00", 30, {}, "2026-03-13T04:00"),
        # T: 1-month pack bought 31 Jan → last valid 28 Feb, expires 1 Mar 00:00 local.
        ("2026-01-31T20:00", None, {"months": 1}, "2026-03-01T05:00"),
        ("2026-01-31T20:00", 5, {"months": 1}, "2026-03-01T05:00"),
        ("2026-01-15T20:00", None, {"months": 12}, "2027-01-16T05:00"),
        ("2026-01-15T20:00", 0, {}, "2026-01-16T05:00"),
        # The local date counts: it is still 14 January in New York.
        ("2026-01-15T04:00", 0, {}, "2026-01-15T05:00"),
    ],
)
def test_days_and_months_round_in_the_members_favour(
    paid: str, days: int | None, rule: dict[str, Any], expires: str
) -> None:
    assert bought(paid, days, **rule) == Good(effective_at=at(paid), expires_at=at(expires))


def test_without_days_or_months_it_is_for_ever() -> None:
    assert bought("2026-01-15T20:00").expires_at is None


def test_a_fixed_start_counts_from_its_date() -> None:
    season: dict[str, Any] = {"starts": "fixed", "starts_on": date(2026, 9, 1)}

    early = bought("2026-08-01T12:00", 30, **season)
    assert (early.effective_at, early.expires_at) == (
        at("2026-09-01T04:00"),
        at("2026-10-02T04:00"),
    )
    late = bought("2026-09-10T12:00", 30, **season)
    assert (late.effective_at, late.expires_at) == (at("2026-09-10T12:00"), at("2026-10-02T04:00"))
    over = bought("2026-11-10T12:00", 30, **season)
    assert (over.effective_at, over.expires_at) == (at("2026-11-10T12:00"), at("2026-12-11T05:00"))


def test_late_news_sells_no_expired_credits() -> None:
    late = bought("2026-01-01T12:00", 10, now="2026-02-01T12:00")

    assert (late.effective_at, late.expires_at) == (at("2026-02-01T12:00"), at("2026-02-12T05:00"))


@pytest.mark.parametrize(
    ("days", "rule", "expires", "starts"),
    [
        (30, {"starts": "first_booking"}, None, {"on": "first_booking", "days": 30}),
        (
            None,
            {"starts": "first_attended", "months": 3},
            None,
            {"on": "first_attended", "months": 3},
        ),
        (None, {"starts": "first_booking"}, None, {"on": "first_booking"}),
        (
            30,
            {"starts": "first_booking", "must_activate_days": 60},
            at("2026-03-17T04:00"),
            {"on": "first_booking", "days": 30, "by": at("2026-03-17T04:00")},
        ),
    ],
)
def test_what_a_first_class_starts_waits_for_it(
    days: int | None, rule: dict[str, Any], expires: datetime | None, starts: dict[str, Any]
) -> None:
    waiting = bought("2026-01-15T20:00", days, **rule)

    assert (waiting.effective_at, waiting.expires_at) == (at("2026-01-15T20:00"), expires)
    assert waiting.starts == starts

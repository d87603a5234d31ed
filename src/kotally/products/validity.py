"""From when and until when a package's credits are good: pure (S6.2, S6.4)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from kotally.core.calendar import add_months, end_of_validity, local_date, local_midnight
from kotally.products.policies import Validity


class Good(Struct, frozen=True, kw_only=True):
    """
    When credits can be used: from `effective_at`, until `expires_at`; None is for ever.

    `starts` is set for credits that a first class has yet to start: the kernel keeps it on the lot
    and counts from that class's date (S6.4). Until then they expire when they must have begun.
    """

    effective_at: datetime
    expires_at: datetime | None
    starts: dict[str, Any] | None = None


def good(
    rule: Validity, days: int | None, *, paid_at: datetime, now: datetime, zone: ZoneInfo
) -> Good:
    """
    Return when credits are good that were paid for at a time; `days` is the version's own.

    Nobody is sold expired credits: news of a payment that comes later than they would have lived
    starts them now.
    """
    bought = _from(rule, days, paid_at=paid_at, zone=zone)
    if bought.expires_at is None or bought.expires_at > now:
        return bought
    again = _from(rule, days, paid_at=now, zone=zone)
    if again.expires_at is None or again.expires_at > now:
        return again
    # Even from its fixed date on it would be over: it counts from today.
    return Good(effective_at=now, expires_at=end_of(rule, days, local_date(now, zone), zone=zone))


def end_of(rule: Validity, days: int | None, on: date, *, zone: ZoneInfo) -> datetime | None:
    """
    Return when credits expire that start on a date.

    The start is day 0; months end on the same day, clamped to the month's last. The last day lasts
    until its midnight (S6.2).
    """
    if rule.months is not None:
        return local_midnight(add_months(on, rule.months) + timedelta(days=1), zone)
    if days is None:
        return None
    return local_midnight(on + timedelta(days=days + 1), zone)


def _from(rule: Validity, days: int | None, *, paid_at: datetime, zone: ZoneInfo) -> Good:
    if rule.starts in ("first_booking", "first_attended"):
        return _waiting(rule, days, paid_at=paid_at, zone=zone)
    on, effective_at = local_date(paid_at, zone), paid_at
    if rule.starts == "fixed" and rule.starts_on is not None:
        on = rule.starts_on
        effective_at = max(paid_at, local_midnight(on, zone))
    return Good(effective_at=effective_at, expires_at=end_of(rule, days, on, zone=zone))


def _waiting(rule: Validity, days: int | None, *, paid_at: datetime, zone: ZoneInfo) -> Good:
    by = None
    if rule.must_activate_days is not None:
        by = end_of_validity(paid_at, rule.must_activate_days, zone)
    starts: dict[str, Any] = {"on": rule.starts}
    if rule.months is not None:
        starts["months"] = rule.months
    elif days is not None:
        starts["days"] = days
    return Good(effective_at=paid_at, expires_at=by, starts=starts | ({"by": by} if by else {}))

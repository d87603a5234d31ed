"""What lateness and absence cost, and when bookings settle by themselves: pure (S2.4, S4.1, S5)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, Literal

from msgspec import Struct

from kotally.products.policies import HUNDRED, Attendance, Tier

Kind = Literal["late_cancel", "no_show"]
_FULL: Final = Tier(hours_before_from=0)


class Cost(Struct, frozen=True, kw_only=True):
    """What a late cancellation or an absence costs."""

    kind: Kind
    forfeit_percent: int = 0
    fee_cents: int = 0
    strike: bool = False


def late_cost(rules: Attendance, starts_at: datetime, cancelled_at: datetime) -> Cost:
    """
    Return what cancelling so late costs: the tier whose hours it falls into (S5.1).

    At the very edge the earlier, gentler tier counts. Without any tier everything is forfeited; in
    a gap between tiers nothing is.
    """
    tier = _tier(rules.late_tiers, starts_at - cancelled_at)
    if tier is None:
        return Cost(kind="late_cancel")
    return Cost(
        kind="late_cancel",
        forfeit_percent=tier.forfeit_percent,
        fee_cents=tier.fee_cents,
        strike=tier.strike,
    )


def _tier(tiers: list[Tier], left: timedelta) -> Tier | None:
    if not tiers:
        return _FULL
    for tier in tiers:
        before = timedelta(hours=tier.hours_before_from)
        if timedelta(hours=tier.hours_before_to) <= left < before:
            return tier
    # After the start there is no tier: the last one before it goes on.
    return min(tiers, key=lambda tier: tier.hours_before_to) if left < timedelta() else None


def absence_cost(rules: Attendance) -> Cost:
    """Return what not showing up costs; a tier of its own (S5.1)."""
    return Cost(
        kind="no_show",
        forfeit_percent=rules.no_show_forfeit_percent,
        fee_cents=rules.no_show_fee_cents,
        strike=rules.no_show_strike,
    )


def forfeited(credits_: int, percent: int) -> int:
    """Return the credits forfeited, rounded down to the whole credit (S5.1)."""
    return credits_ * percent // HUNDRED


def can_forfeit(percent: int, credits_: int) -> bool:
    """Tell whether a rule can ever forfeit anything of a booking of this weight (S5.1)."""
    return percent == 0 or forfeited(credits_, percent) > 0


def closes_at(rules: Attendance, ends_at: datetime) -> datetime:
    """Return when a booking closes without a signal of attendance (S2.4)."""
    return ends_at + timedelta(hours=rules.auto_close_hours)


def absence_posts_at(rules: Attendance, ends_at: datetime) -> datetime:
    """Return when a reported absence is posted; until then staff can correct it (S5.2)."""
    return ends_at + timedelta(hours=rules.no_show_posting_hours)


def share(credits_: int, units: int, used: int) -> int:
    """Return what so many of a booking's units cost, rounded up (S2.3)."""
    return (credits_ * used + units - 1) // units

"""The parts of a product's rules, one struct a subject; every default is the gentle one."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

DAYS_MAX: Final = 3_650
MONTHS_MAX: Final = 120
COUNT_MAX: Final = 10_000
CENTS_MAX: Final = 1_000_000_000
HUNDRED: Final = 100

Days = Annotated[int, Meta(ge=0, le=DAYS_MAX)]
Months = Annotated[int, Meta(ge=1, le=MONTHS_MAX)]
Count = Annotated[int, Meta(ge=0, le=COUNT_MAX)]
Percent = Annotated[int, Meta(ge=0, le=HUNDRED)]
Cents = Annotated[int, Meta(ge=0, le=CENTS_MAX)]
Leftover = Literal["expire_at_end", "keep_until_expiry", "keep_days"]
Hours = Annotated[int, Meta(ge=0, le=8_760)]


class _Policy(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    pass


class Validity(_Policy, frozen=True, kw_only=True):
    """
    How long a package's credits live, and from when (S6.2, S6.4).

    `months` instead of the version's `expiry_days`; credits that must be activated and are not
    expire after `must_activate_days`.
    """

    months: Months | None = None
    starts: Literal["purchase", "fixed", "first_booking", "first_attended"] = "purchase"
    starts_on: date | None = None
    must_activate_days: Days | None = None


class Cap(_Policy, frozen=True, kw_only=True):
    """At most `count` bookings by class date in each window (S3.3); `days` for `rolling`."""

    count: Annotated[int, Meta(ge=1, le=COUNT_MAX)]
    window: Literal["day", "week", "month", "period", "rolling"]
    days: Annotated[int, Meta(ge=1, le=DAYS_MAX)] | None = None
    calendars: list[str] | None = None


class Rollover(_Policy, frozen=True, kw_only=True):
    """What of a period's unused credits carries over, how far and how long (S7)."""

    percent: Percent = HUNDRED
    max_per_roll: Count | None = None
    max_bank: Count | None = None
    max_rolls: Annotated[int, Meta(ge=1, le=1_000)] = 1
    # None: for ever. 1: to the end of the next period, for periods of a month.
    lives_months: Months | None = 1


class FreezePolicy(_Policy, frozen=True, kw_only=True):
    """Who may freeze, how long and how often, and what happens to the billing (S8)."""

    allowed: bool = True
    min_days: Days = 1
    max_days: Days | None = None
    max_count: Count | None = None
    max_total_days: Days | None = None
    window: Literal["calendar_year", "rolling_12_months", "membership_year"] = "calendar_year"
    notice_days: Days = 0
    min_active_days: Days = 0
    starts: Literal["any_day", "next_renewal"] = "any_day"
    while_past_due: bool = False
    covers_packs: bool = False
    mode: Literal["shift", "prorate", "keep"] = "shift"
    fee_cents: Cents = 0
    fee_per_30_days: bool = False


class Tier(_Policy, frozen=True, kw_only=True):
    """What cancelling between so many hours before the start costs (S5.1)."""

    hours_before_from: Hours
    hours_before_to: Hours = 0
    forfeit_percent: Percent = HUNDRED
    fee_cents: Cents = 0
    strike: bool = True


class Penalty(_Policy, frozen=True, kw_only=True):
    """When strikes of one kind have a consequence (S5.4, S5.5)."""

    threshold: Annotated[int, Meta(ge=1, le=1_000)]
    action: Literal["block", "fee", "review"] = "block"
    block_days: Days = 7
    fee_cents: Cents = 0


class Attendance(_Policy, frozen=True, kw_only=True):
    """How bookings settle, and what lateness and absence cost (S2.4, S2.6, S5)."""

    mode: Literal["hold", "booking", "attendance"] = "hold"
    auto_close_hours: Hours = 24
    auto_close_as: Literal["captured", "no_show"] = "captured"
    late_tiers: list[Tier] = []
    no_show_forfeit_percent: Percent = HUNDRED
    no_show_fee_cents: Cents = 0
    no_show_strike: bool = True
    no_show_posting_hours: Hours = 12
    strike_window: Literal["rolling", "calendar_month"] = "rolling"
    strike_days: Annotated[int, Meta(ge=1, le=DAYS_MAX)] = 30
    free_allowance: Count = 0
    penalty: Penalty | None = None
    reschedule_late: Literal["refuse", "allow", "late_cancel"] = "refuse"
    max_open_bookings: Annotated[int, Meta(ge=1, le=COUNT_MAX)] | None = None
    book_ahead_periods: Annotated[int, Meta(ge=0, le=12)] = 1


class Ending(_Policy, frozen=True, kw_only=True):
    """How a membership can be ended, and what happens to what is left (S9.7)."""

    notice_days: Days = 0
    minimum_periods: Count = 0
    leftover: Leftover = "expire_at_end"
    keep_days: Days = 30


class Arrears(_Policy, frozen=True, kw_only=True):
    """What an unpaid renewal leads to, in days after the period's end (S11)."""

    grace_days: Days = 3
    hold_days: Days = 7
    cancel_after_days: Days | None = 30
    scope: Literal["membership", "member"] = "membership"
    # How many credits may be used before they are granted (S11.5).
    advance_max: Count = 0


class RefundPolicy(_Policy, frozen=True, kw_only=True):
    """What a refund takes back, and what if it has been used (S10)."""

    revoke: Literal["proportional", "full_on_any_refund", "none", "manual"] = "proportional"
    shortfall: Literal["debt", "write_off", "block"] = "debt"
    drop_in_cents: Cents | None = None
    fee_cents: Cents = 0
    # How long bookings stand without funds while a dispute is open (S10.6).
    dispute_hold_days: Days = 7


class Intro(_Policy, frozen=True, kw_only=True):
    """Who may buy it, and how often (B4, B11)."""

    max_per_contact: Annotated[int, Meta(ge=1, le=COUNT_MAX)] | None = None
    once_per_days: Days | None = None
    new_members_only: bool = False


class Sharing(_Policy, frozen=True, kw_only=True):
    """
    Whether credits can be used by others, given away or used for guests (S12.3 to S12.5).

    At most `max_users` people beside the owner; of more that were named, the first.
    """

    shareable: bool = False
    max_users: Annotated[int, Meta(ge=1, le=COUNT_MAX)] | None = None
    transferable: bool = True
    guests: bool = False
    visits_per_guest: Annotated[int, Meta(ge=1, le=COUNT_MAX)] | None = None
    new_guests_only: bool = False

"""What lateness and absence cost, and how bookings settle (S2, S4.6, S5)."""

from __future__ import annotations

from kotally.products.policies import Attendance, Tier
from kotally.products.rules import Rules
from kotally.products.wording import all_of, counted, hours, money

_ALL = 100


def attendance_sentences(rules: Rules) -> list[str]:
    """Say how bookings settle, and what cancelling late and not coming cost."""
    policy = rules.attendance
    return [
        *_mode(policy),
        *(_tier(tier, rules) for tier in policy.late_tiers),
        *_no_show(rules),
        *_strikes(policy),
        *_moving(policy),
        *_closing(policy),
        *_ahead(policy),
    ]


def _mode(policy: Attendance) -> list[str]:
    return {
        "hold": [],
        "booking": ["Booking uses the credits at once."],
        "attendance": ["The credits are taken only when the class is attended."],
    }[policy.mode]


def _tier(tier: Tier, rules: Rules) -> str:
    when = f"from {hours(tier.hours_before_from)} before the start"
    if tier.hours_before_to:
        when += f" to {hours(tier.hours_before_to)} before it"
    cost = _cost(tier.forfeit_percent, tier.fee_cents, strike=tier.strike, rules=rules)
    return f"Cancelling {when} costs {cost}."


def _no_show(rules: Rules) -> list[str]:
    policy, usual = rules.attendance, Attendance()
    fields = ("no_show_forfeit_percent", "no_show_fee_cents", "no_show_strike")
    said: list[str] = []
    if any(getattr(policy, name) != getattr(usual, name) for name in fields) or policy.penalty:
        cost = _cost(
            policy.no_show_forfeit_percent,
            policy.no_show_fee_cents,
            strike=policy.no_show_strike,
            rules=rules,
        )
        said.append(f"Not coming costs {cost}.")
    if policy.no_show_posting_hours != usual.no_show_posting_hours:
        said.append(
            f"An absence counts {hours(policy.no_show_posting_hours)} after the end."
            if policy.no_show_posting_hours
            else "An absence counts at once."
        )
    return said


def _cost(percent: int, fee_cents: int, *, strike: bool, rules: Rules) -> str:
    parts: list[str] = []
    # An unlimited plan has no credits to forfeit (S5.3).
    if percent and not rules.unlimited:
        parts.append("the credits" if percent == _ALL else f"{percent} % of the credits")
    if fee_cents:
        parts.append(f"a fee of {money(fee_cents)}")
    if strike:
        parts.append("a strike")
    return all_of(parts) if parts else "nothing"


def _strikes(policy: Attendance) -> list[str]:
    if policy.strike_window == "calendar_month":
        window = "a calendar month"
    else:
        window = f"{counted(policy.strike_days, 'day')}"
    said: list[str] = []
    if policy.free_allowance:
        free = policy.free_allowance
        late, absent = (
            kind if free == 1 else f"{free} {kind}s" for kind in ("late cancellation", "no-show")
        )
        forgiven = f"The first {late} and the first {absent} within {window}"
        said.append(f"{forgiven} cost no fee and are forgiven.")
    penalty = policy.penalty
    if penalty is not None:
        follows = {
            "block": f"block new bookings for {counted(penalty.block_days, 'day')}",
            "fee": f"cost a fee of {money(penalty.fee_cents)}",
            "review": "are looked at by the staff",
        }[penalty.action]
        strikes = counted(penalty.threshold, "strike")
        follows = follows if penalty.threshold > 1 else _singular(follows)
        said.append(f"{strikes} within {window} {follows}.")
    return said


def _singular(follows: str) -> str:
    first, _, rest = follows.partition(" ")
    return f"{'is' if first == 'are' else first + 's'} {rest}"


def _moving(policy: Attendance) -> list[str]:
    return {
        "refuse": [],
        "allow": ["A booking can be moved even when it is too late to cancel for free."],
        "late_cancel": ["Moving a booking too late counts as cancelling it late."],
    }[policy.reschedule_late]


def _closing(policy: Attendance) -> list[str]:
    usual = Attendance()
    is_usual = policy.auto_close_hours == usual.auto_close_hours
    if is_usual and policy.auto_close_as == usual.auto_close_as:
        return []
    counts = "attended" if policy.auto_close_as == "captured" else "missed"
    after = hours(policy.auto_close_hours)
    return [f"A booking nobody reports on counts as {counts} {after} after its end."]


def _ahead(policy: Attendance) -> list[str]:
    periods = policy.book_ahead_periods
    if periods == Attendance().book_ahead_periods:
        return []
    if periods == 0:
        return ["Classes of a period can be booked once it is paid."]
    return [f"Classes can be booked {counted(periods, 'period')} ahead of the payment."]

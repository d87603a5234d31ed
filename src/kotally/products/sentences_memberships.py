"""How a membership can pause, change, end, and what an overdue payment leads to (S8 to S11)."""

from __future__ import annotations

from kotally.products.policies import Arrears, Ending, FreezePolicy
from kotally.products.rules import Rules
from kotally.products.wording import all_of, counted, money

_WINDOWS = {
    "calendar_year": "a calendar year",
    "rolling_12_months": "any 12 months",
    "membership_year": "a year of the membership",
}


def membership_sentences(rules: Rules) -> list[str]:
    """Say what only memberships promise."""
    return [
        *_freeze(rules.freeze),
        *_upgrade(rules),
        *_ending(rules.ending),
        *_arrears(rules.arrears),
    ]


def _freeze(policy: FreezePolicy) -> list[str]:
    if not policy.allowed:
        return ["It cannot be frozen."]
    said = [_length(policy)]
    limits: list[str] = []
    if policy.max_count is not None:
        limits.append(counted(policy.max_count, "time"))
    if policy.max_total_days is not None:
        limits.append(f"{counted(policy.max_total_days, 'day')} in all")
    if limits:
        said.append(f"That is possible up to {all_of(limits)} in {_WINDOWS[policy.window]}.")
    said += _start(policy)
    said.append(
        {
            "shift": "The next charge moves by the frozen days.",
            "prorate": "The next charge and its credits are reduced by the frozen days.",
            "keep": "Charges go on as usual while it is frozen.",
        }[policy.mode]
    )
    if policy.covers_packs:
        said.append("A freeze also lengthens the member's other credits.")
    if policy.fee_cents:
        often = " for every 30 days begun" if policy.fee_per_30_days else ""
        said.append(f"A freeze costs {money(policy.fee_cents)}{often}.")
    return said


def _length(policy: FreezePolicy) -> str:
    least, most = policy.min_days, policy.max_days
    if most is not None:
        return f"It can be frozen for {max(least, 1)} to {counted(most, 'day')}."
    if least > 1:
        return f"It can be frozen for at least {counted(least, 'day')}."
    return "It can be frozen."


def _start(policy: FreezePolicy) -> list[str]:
    said: list[str] = []
    if policy.notice_days:
        said.append(f"A freeze is asked for {counted(policy.notice_days, 'day')} before.")
    if policy.starts == "next_renewal":
        said.append("A freeze begins with the next renewal.")
    if policy.min_active_days:
        days = counted(policy.min_active_days, "active day")
        said.append(f"Between two freezes lie at least {days}.")
    if policy.while_past_due:
        said.append("A freeze is possible while a payment is overdue.")
    return said


def _upgrade(rules: Rules) -> list[str]:
    return {
        "difference": [],
        "reset": ["An upgrade begins a new period at once, and unused credits go along."],
        "usage": ["An upgrade gives the new credits at once, less those that were used."],
    }[rules.upgrade]


def _ending(policy: Ending) -> list[str]:
    said: list[str] = []
    if policy.minimum_periods:
        said.append(f"It lasts at least {counted(policy.minimum_periods, 'period')}.")
    if policy.notice_days:
        said.append(f"It is cancelled with {counted(policy.notice_days, 'day')} notice.")
    else:
        said.append("It can be cancelled to the end of a period.")
    said += {
        "expire_at_end": [],
        "keep_until_expiry": ["What is left when it ends can be used until it expires."],
        "keep_days": [
            f"What is left when it ends can be used for another {counted(policy.keep_days, 'day')}."
        ],
    }[policy.leftover]
    return said


def _arrears(policy: Arrears) -> list[str]:
    said: list[str] = []
    usual = Arrears()
    if (policy.grace_days, policy.hold_days) != (usual.grace_days, usual.hold_days):
        said.append(
            f"An overdue payment stops new bookings after {counted(policy.grace_days, 'day')} "
            f"and releases those made after {counted(policy.hold_days, 'day')}."
        )
    if policy.cancel_after_days is None:
        said.append("An overdue payment does not end it.")
    elif policy.cancel_after_days != usual.cancel_after_days:
        said.append(
            f"It ends {counted(policy.cancel_after_days, 'day')} after a payment that never came."
        )
    if policy.scope == "member":
        said.append("While a payment is overdue the member's other credits rest, too.")
    if policy.advance_max:
        ahead = counted(policy.advance_max, "credit")
        said.append(f"Up to {ahead} can be used before they are granted.")
    return said

"""How many credits, from when, and until when (S6, S7)."""

from __future__ import annotations

from kotally.products.policies import Rollover
from kotally.products.products import Product
from kotally.products.rules import Rules
from kotally.products.wording import counted, every, months_long

STARTS = {
    "purchase": "the day of purchase",
    "first_booking": "the day of the first class booked",
    "first_attended": "the day of the first class attended",
}


def credits_sentences(product: Product) -> list[str]:
    """Say what is issued, and how long it lives."""
    if product.type == "package":
        return [
            "Unlimited classes." if product.terms.rules.unlimited else _amount(product),
            *_validity(product),
        ]
    rules = product.terms.rules
    said = [_rhythm(product), *_renewal(rules)]
    if rules.unlimited:
        return said
    if rules.rollover is None:
        return [*said, _period_end(rules)]
    return [*said, *_rollover(rules.rollover), *_grace(rules)]


def _amount(product: Product) -> str:
    return f"{counted(product.terms.credits, 'credit')}."


def _rhythm(product: Product) -> str:
    rules = product.terms.rules
    paid, granted = rules.period_months, rules.grant_months or rules.period_months
    what = "Unlimited classes" if rules.unlimited else counted(product.terms.credits, "credit")
    if rules.unlimited or granted >= paid:
        return f"{what} every {every(paid)}."
    return f"{what} every {every(granted)}, paid every {every(paid)}."


def _renewal(rules: Rules) -> list[str]:
    return ["It renews by itself, without a payment."] if rules.renews == "itself" else []


def _period_end(rules: Rules) -> str:
    days = rules.period_grace_days
    if days == 0:
        return "Unused credits expire when their period ends."
    return f"Unused credits expire {counted(days, 'day')} after their period ends."


def _rollover(rule: Rollover) -> list[str]:
    limits: list[str] = []
    if rule.max_per_roll is not None:
        limits.append(f"up to {rule.max_per_roll}")
    if rule.percent < 100:  # noqa: PLR2004 - all of them
        limits.append(f"{rule.percent} %")
    which = " and ".join(limits) if limits else "all"
    lives = "for ever" if rule.lives_months is None else f"for {months_long(rule.lives_months)}"
    said = [f"Of the unused credits {which} carry over {lives}; the rest is lost."]
    if not limits:
        said = [f"All unused credits carry over {lives}."]
    if rule.max_rolls > 1:
        said.append(f"They carry over up to {counted(rule.max_rolls, 'time')}.")
    if rule.max_bank is not None:
        said.append(f"No more than {rule.max_bank} carried over are kept at once.")
    return said


def _grace(rules: Rules) -> list[str]:
    days = rules.period_grace_days
    if days == 0:
        return []
    return [f"What does not carry over is good for {counted(days, 'day')} after the period."]


def _validity(product: Product) -> list[str]:
    validity, days = product.terms.rules.validity, product.terms.expiry_days
    start = STARTS.get(validity.starts)
    if start is None:
        on = validity.starts_on
        start = f"{on:%-d %B %Y}" if on else STARTS["purchase"]
    said = [_lives(start, days=days, months=validity.months)]
    if validity.starts == "fixed" and validity.starts_on:
        said.append(f"They cannot be used before {start}.")
    if validity.must_activate_days is not None and validity.starts.startswith("first_"):
        within = counted(validity.must_activate_days, "day")
        said.append(f"The first one must be used within {within} after the purchase.")
    return said


def _lives(start: str, *, days: int | None, months: int | None) -> str:
    if months is not None:
        return f"The credits are good for {months_long(months)} from {start}."
    if days is None:
        return "The credits never expire."
    if days == 0:
        return f"The credits are good on {start} only."
    return f"The credits are good for {counted(days, 'day')} after {start}."

"""Say a product's rules in plain English: the command line, the API and screens all ask here."""

from __future__ import annotations

from kotally.products.coverage import Coverage
from kotally.products.products import Product, Terms

MINUTES_OF_HOUR = 60
MINUTES_OF_DAY = 24 * MINUTES_OF_HOUR
MONTHS_OF_YEAR = 12


def sentences(product: Product, *, cancel_window_minutes: int) -> list[str]:
    """
    Return what the product promises, a sentence a rule.

    The window is the location's own; a product without one of its own follows it (S4.1).
    """
    terms = product.terms
    window = terms.rules.cancel_window_minutes
    return [
        _credits(product),
        _expiry(product),
        _coverage(terms.coverage),
        _cancellation(cancel_window_minutes if window is None else window),
        _grace(terms),
    ]


def _credits(product: Product) -> str:
    credits_ = _count(product.terms.credits, "credit")
    if product.type == "package":
        return f"{credits_}."
    return f"{credits_} every {_months(product.terms.rules.period_months)}."


def _months(months: int) -> str:
    if months % MONTHS_OF_YEAR == 0:
        years = months // MONTHS_OF_YEAR
        return "year" if years == 1 else f"{years} years"
    return "month" if months == 1 else f"{months} months"


def _expiry(product: Product) -> str:
    days = product.terms.expiry_days
    if product.type == "membership":
        return "Unused credits expire when their period ends."
    if days is None:
        return "The credits never expire."
    if days == 0:
        return "The credits are good on the day of purchase only."
    return f"The credits are good for {_count(days, 'day')} after the day of purchase."


def _coverage(coverage: Coverage | None) -> str:
    if coverage is None:
        return "They pay for every calendar, one credit a place."
    places = [
        f"{calendar_id} ({_count(weight, 'credit')} a place)"
        for calendar_id, weight in coverage.items()
    ]
    return f"They pay for {_all_of(places)}."


def _cancellation(minutes: int) -> str:
    if minutes == 0:
        return "Cancelling is free until the start."
    return f"Cancelling is free until {_duration(minutes)} before the start."


def _grace(terms: Terms) -> str:
    days = terms.rules.restore_grace_days
    if days == 0:
        return "Credits given back after they expired are lost."
    return f"Credits given back after they expired are good for another {_count(days, 'day')}."


def _duration(minutes: int) -> str:
    if minutes % MINUTES_OF_DAY == 0 and minutes > MINUTES_OF_DAY:
        return _count(minutes // MINUTES_OF_DAY, "day")
    if minutes % MINUTES_OF_HOUR == 0:
        return _count(minutes // MINUTES_OF_HOUR, "hour")
    return _count(minutes, "minute")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _all_of(parts: list[str]) -> str:
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last

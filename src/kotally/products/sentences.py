"""Say a product's rules in plain English: the command line, the API and screens all ask here."""

from __future__ import annotations

from kotally.products.coverage import Coverage
from kotally.products.products import Product
from kotally.products.rules import Rules
from kotally.products.sentences_bookings import attendance_sentences
from kotally.products.sentences_memberships import membership_sentences
from kotally.products.sentences_money import money_sentences
from kotally.products.sentences_validity import credits_sentences
from kotally.products.wording import all_of, counted, duration


def sentences(product: Product, *, cancel_window_minutes: int) -> list[str]:
    """
    Return what the product promises, a sentence a rule; rules that are not used are left out.

    The window is the location's own; a product without one of its own follows it (S4.1).
    """
    terms, rules = product.terms, product.terms.rules
    window = rules.cancel_window_minutes
    said = [
        *credits_sentences(product),
        _coverage(terms.coverage),
        *_caps(rules),
        _cancellation(cancel_window_minutes if window is None else window),
        *_grace(rules),
        *attendance_sentences(rules),
    ]
    if product.type == "membership":
        said += membership_sentences(rules)
    return said + money_sentences(rules)


def _coverage(coverage: Coverage | None) -> str:
    if coverage is None:
        return "They pay for every calendar, one credit a place."
    places = [
        f"{calendar_id} ({counted(weight, 'credit')} a place)"
        for calendar_id, weight in coverage.items()
    ]
    return f"They pay for {all_of(places)}."


def _caps(rules: Rules) -> list[str]:
    said: list[str] = []
    for cap in rules.caps:
        window = {
            "day": "a day",
            "week": "a week",
            "month": "a calendar month",
            "period": "a period",
            "rolling": f"in any {counted(cap.days or 1, 'day')}",
        }[cap.window]
        where = f" of {all_of(cap.calendars)}" if cap.calendars else ""
        said.append(f"At most {counted(cap.count, 'class', 'classes')}{where} {window}.")
    most = rules.attendance.max_open_bookings
    if most is not None:
        said.append(f"At most {counted(most, 'booking')} to come at once.")
    return said


def _cancellation(minutes: int) -> str:
    if minutes == 0:
        return "Cancelling is free until the start."
    return f"Cancelling is free until {duration(minutes)} before the start."


def _grace(rules: Rules) -> list[str]:
    days, by_studio = rules.restore_grace_days, rules.studio_restore_grace_days
    said = [_given_back("Credits given back after they expired", days)]
    # The house rule of 14 days goes without saying.
    if by_studio not in (days, Rules().studio_restore_grace_days):
        said.append(_given_back("If the studio cancels, expired credits given back", by_studio))
    return said


def _given_back(what: str, days: int) -> str:
    return (
        f"{what} are lost." if days == 0 else f"{what} are good for another {counted(days, 'day')}."
    )

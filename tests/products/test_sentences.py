"""A product's rules in plain English."""

from __future__ import annotations

from typing import Any

import pytest

from kotally.core.clock import now
from kotally.products.products import Product, Terms
from kotally.products.rules import Rules
from kotally.products.sentences import sentences


def said(type_: Any = "package", **terms: Any) -> str:
    fields: dict[str, Any] = {"name": "Pack", "credits": 10}
    product = Product(
        id="pc_1",
        type=type_,
        status="active",
        version=1,
        terms=Terms(**(fields | terms)),
        created_at=now(),
    )
    return " ".join(sentences(product, cancel_window_minutes=720))


def test_a_package_in_full() -> None:
    assert said(expiry_days=90, coverage={"cal_1": 1, "cal_2": 2}) == (
        "10 credits. The credits are good for 90 days after the day of purchase. "
        "They pay for cal_1 (1 credit a place) and cal_2 (2 credits a place). "
        "Cancelling is free until 12 hours before the start. "
        "Credits given back after they expired are good for another 7 days."
    )


@pytest.mark.parametrize(
    ("type_", "terms", "says"),
    [
        ("package", {"credits": 1}, "1 credit."),
        ("package", {}, "The credits never expire."),
        ("package", {"expiry_days": 0}, "on the day of purchase only"),
        ("package", {"expiry_days": 1}, "1 day after"),
        ("package", {}, "every calendar, one credit a place"),
        ("package", {"coverage": {"a": 1, "b": 1, "c": 1}}, "place), b (1 credit a place) and c"),
        ("membership", {"credits": 8}, "8 credits every month."),
        ("membership", {}, "expire when their period ends"),
        ("membership", {"rules": Rules(period_months=3)}, "every 3 months"),
        ("membership", {"rules": Rules(period_months=12)}, "every year"),
        ("membership", {"rules": Rules(period_months=24)}, "every 2 years"),
        ("package", {"rules": Rules(cancel_window_minutes=0)}, "free until the start"),
        ("package", {"rules": Rules(cancel_window_minutes=90)}, "90 minutes before"),
        ("package", {"rules": Rules(cancel_window_minutes=60)}, "1 hour before"),
        ("package", {"rules": Rules(cancel_window_minutes=1440)}, "24 hours before"),
        ("package", {"rules": Rules(cancel_window_minutes=2880)}, "2 days before"),
        ("package", {"rules": Rules(restore_grace_days=0)}, "are lost"),
        ("package", {"rules": Rules(restore_grace_days=1)}, "another 1 day."),
    ],
)
def test_each_rule_has_its_words(type_: str, terms: dict[str, Any], says: str) -> None:
    assert says in said(type_, **terms)

"""A product's rules in plain English."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from msgspec import Struct

from kotally.core.clock import now
from kotally.products import policies
from kotally.products.policies import (
    Arrears,
    Attendance,
    Cap,
    Ending,
    FreezePolicy,
    Intro,
    Penalty,
    RefundPolicy,
    Rollover,
    Sharing,
    Tier,
    Validity,
)
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


def member(**rules: Any) -> str:
    return said("membership", credits=8, rules=Rules(**rules))


def pack(**rules: Any) -> str:
    return said("package", rules=Rules(**rules))


def test_a_membership_in_full() -> None:
    """The sentence of the issue: 8 classes a month, up to 4 carry over for 2 months, 12 hours."""
    assert member(rollover=Rollover(max_per_roll=4, max_bank=6, lives_months=2, max_rolls=2)) == (
        "8 credits every month. "
        "Of the unused credits up to 4 carry over for 2 months; the rest is lost. "
        "They carry over up to 2 times. "
        "No more than 6 carried over are kept at once. "
        "They pay for every calendar, one credit a place. "
        "Cancelling is free until 12 hours before the start. "
        "Credits given back after they expired are good for another 7 days. "
        "It can be frozen. "
        "The next charge moves by the frozen days. "
        "It can be cancelled to the end of a period."
    )


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        ({"renews": "itself"}, "renews by itself, without a payment"),
        ({"unlimited": True}, "Unlimited classes every month."),
        (
            {"period_months": 12, "grant_months": 1},
            "8 credits every month, paid every year.",
        ),
        ({"period_grace_days": 5}, "expire 5 days after their period ends"),
        ({"rollover": Rollover()}, "All unused credits carry over for 1 month."),
        ({"rollover": Rollover(lives_months=None)}, "carry over for ever"),
        ({"rollover": Rollover(percent=50)}, "Of the unused credits 50 % carry over"),
        ({"rollover": Rollover(percent=50, max_per_roll=3)}, "up to 3 and 50 % carry over"),
        (
            {"rollover": Rollover(), "period_grace_days": 3},
            "What does not carry over is good for 3 days after the period.",
        ),
        ({"caps": [Cap(count=3, window="week")]}, "At most 3 classes a week."),
        ({"caps": [Cap(count=1, window="day")]}, "At most 1 class a day."),
        ({"caps": [Cap(count=9, window="month")]}, "At most 9 classes a calendar month."),
        ({"caps": [Cap(count=9, window="period")]}, "At most 9 classes a period."),
        ({"caps": [Cap(count=9, window="rolling", days=10)]}, "At most 9 classes in any 10 days."),
        (
            {"caps": [Cap(count=2, window="day", calendars=["yoga", "spin"])]},
            "At most 2 classes of yoga and spin a day.",
        ),
        ({"freeze": FreezePolicy(allowed=False)}, "It cannot be frozen."),
        ({"freeze": FreezePolicy(max_days=30)}, "It can be frozen for 1 to 30 days."),
        ({"freeze": FreezePolicy(min_days=7)}, "It can be frozen for at least 7 days."),
        (
            {"freeze": FreezePolicy(max_count=2, max_total_days=60)},
            "That is possible up to 2 times and 60 days in all in a calendar year.",
        ),
        (
            {"freeze": FreezePolicy(max_count=1, window="rolling_12_months")},
            "up to 1 time in any 12 months",
        ),
        (
            {"freeze": FreezePolicy(max_count=1, window="membership_year")},
            "in a year of the membership",
        ),
        ({"freeze": FreezePolicy(notice_days=3)}, "A freeze is asked for 3 days before."),
        ({"freeze": FreezePolicy(starts="next_renewal")}, "begins with the next renewal"),
        ({"freeze": FreezePolicy(min_active_days=30)}, "at least 30 active days"),
        ({"freeze": FreezePolicy(while_past_due=True)}, "while a payment is overdue"),
        ({"freeze": FreezePolicy(covers_packs=True)}, "lengthens the member's other credits"),
        ({"freeze": FreezePolicy(mode="prorate")}, "reduced by the frozen days"),
        ({"freeze": FreezePolicy(mode="keep")}, "Charges go on as usual"),
        ({"freeze": FreezePolicy(fee_cents=500)}, "A freeze costs 5.00."),
        (
            {"freeze": FreezePolicy(fee_cents=505, fee_per_30_days=True)},
            "A freeze costs 5.05 for every 30 days begun.",
        ),
        ({"upgrade": "reset"}, "An upgrade begins a new period at once"),
        ({"upgrade": "usage"}, "less those that were used"),
        ({"ending": Ending(minimum_periods=3)}, "It lasts at least 3 periods."),
        ({"ending": Ending(notice_days=30)}, "It is cancelled with 30 days notice."),
        ({"ending": Ending(leftover="keep_until_expiry")}, "can be used until it expires"),
        ({"ending": Ending(leftover="keep_days", keep_days=9)}, "for another 9 days."),
        ({"arrears": Arrears(grace_days=5)}, "stops new bookings after 5 days"),
        ({"arrears": Arrears(hold_days=9)}, "releases those made after 9 days"),
        ({"arrears": Arrears(cancel_after_days=10)}, "It ends 10 days after a payment"),
        ({"arrears": Arrears(cancel_after_days=None)}, "does not end it"),
        ({"arrears": Arrears(scope="member")}, "the member's other credits rest, too"),
        ({"arrears": Arrears(advance_max=2)}, "Up to 2 credits can be used before"),
    ],
)
def test_each_rule_of_a_membership_has_its_words(rules: dict[str, Any], says: str) -> None:
    assert says in member(**rules)


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        ({"unlimited": True}, "Unlimited classes."),
        (
            {"validity": Validity(months=3)},
            "The credits are good for 3 months from the day of purchase.",
        ),
        (
            {"validity": Validity(months=1, starts="first_booking", must_activate_days=60)},
            (
                "1 month from the day of the first class booked. "
                "The first one must be used within 60 days after the purchase."
            ),
        ),
        (
            {"validity": Validity(months=12, starts="first_attended")},
            "1 year from the day of the first class attended",
        ),
        (
            {"validity": Validity(months=6, starts="fixed", starts_on=date(2026, 9, 1))},
            "6 months from 1 September 2026. They cannot be used before 1 September 2026.",
        ),
        ({"studio_restore_grace_days": 0}, "If the studio cancels, expired credits given back are"),
        ({"studio_restore_grace_days": 30}, "are good for another 30 days."),
        ({"attendance": Attendance(mode="booking")}, "Booking uses the credits at once."),
        ({"attendance": Attendance(mode="attendance")}, "only when the class is attended"),
        (
            {"attendance": Attendance(late_tiers=[Tier(hours_before_from=12)])},
            "Cancelling from 12 hours before the start costs the credits and a strike.",
        ),
        (
            {
                "attendance": Attendance(
                    late_tiers=[
                        Tier(
                            hours_before_from=48,
                            hours_before_to=12,
                            forfeit_percent=50,
                            fee_cents=300,
                            strike=False,
                        )
                    ]
                )
            },
            (
                "from 2 days before the start to 12 hours before it costs 50 % of the credits "
                "and a fee of 3.00."
            ),
        ),
        (
            {"attendance": Attendance(no_show_forfeit_percent=0, no_show_strike=False)},
            "Not coming costs nothing.",
        ),
        (
            {"attendance": Attendance(no_show_fee_cents=1000)},
            "Not coming costs the credits, a fee of 10.00 and a strike.",
        ),
        (
            {"unlimited": True, "attendance": Attendance(no_show_fee_cents=1000)},
            "Not coming costs a fee of 10.00 and a strike.",
        ),
        ({"attendance": Attendance(no_show_posting_hours=0)}, "An absence counts at once."),
        ({"attendance": Attendance(no_show_posting_hours=48)}, "counts 2 days after the end"),
        (
            {"attendance": Attendance(free_allowance=2)},
            "The first 2 late cancellations and the first 2 no-shows within 30 days cost no fee",
        ),
        (
            {"attendance": Attendance(penalty=Penalty(threshold=3))},
            "3 strikes within 30 days block new bookings for 7 days.",
        ),
        (
            {
                "attendance": Attendance(
                    strike_window="calendar_month",
                    penalty=Penalty(threshold=1, action="fee", fee_cents=100),
                )
            },
            "1 strike within a calendar month costs a fee of 1.00.",
        ),
        (
            {"attendance": Attendance(penalty=Penalty(threshold=1, action="review"))},
            "1 strike within 30 days is looked at by the staff.",
        ),
        (
            {"attendance": Attendance(strike_days=9, penalty=Penalty(threshold=2))},
            "2 strikes within 9 days",
        ),
        ({"attendance": Attendance(reschedule_late="allow")}, "can be moved even when it is too"),
        ({"attendance": Attendance(reschedule_late="late_cancel")}, "counts as cancelling it late"),
        (
            {"attendance": Attendance(auto_close_hours=2, auto_close_as="no_show")},
            "A booking nobody reports on counts as missed 2 hours after its end.",
        ),
        ({"attendance": Attendance(max_open_bookings=4)}, "At most 4 bookings to come at once."),
        ({"attendance": Attendance(book_ahead_periods=0)}, "can be booked once it is paid"),
        ({"attendance": Attendance(book_ahead_periods=3)}, "3 periods ahead of the payment"),
        ({"intro": Intro(new_members_only=True)}, "Only new members can buy it."),
        ({"intro": Intro(max_per_contact=1)}, "Each member can buy it 1 time."),
        ({"intro": Intro(once_per_days=90)}, "It can be bought once in 90 days."),
        ({"refund": RefundPolicy(revoke="full_on_any_refund")}, "takes all of its credits back"),
        ({"refund": RefundPolicy(revoke="none")}, "A refund leaves the credits."),
        ({"refund": RefundPolicy(revoke="manual")}, "the staff decides about the credits"),
        ({"refund": RefundPolicy(shortfall="write_off")}, "are written off"),
        ({"refund": RefundPolicy(shortfall="block")}, "bookings wait for the staff"),
        ({"refund": RefundPolicy(drop_in_cents=2000)}, "counts 20.00 when it is refunded"),
        ({"refund": RefundPolicy(fee_cents=250)}, "A refund costs 2.50."),
        ({"refund": RefundPolicy(dispute_hold_days=3)}, "bookings are kept for 3 days"),
        ({"sharing": Sharing(shareable=True)}, "Others whom the member names"),
        ({"sharing": Sharing(shareable=True, max_users=2)}, "Up to 2 others whom the member names"),
        ({"sharing": Sharing(transferable=False)}, "cannot be given away"),
        ({"sharing": Sharing(guests=True)}, "The credits pay for guests."),
        (
            {"sharing": Sharing(guests=True, new_guests_only=True, visits_per_guest=2)},
            "The credits pay for new guests. Each guest can come 2 times.",
        ),
    ],
)
def test_each_rule_of_a_package_has_its_words(rules: dict[str, Any], says: str) -> None:
    assert says in pack(**rules)


def test_the_house_rules_go_without_saying() -> None:
    assert said("package") == said("package", rules=Rules())
    assert "strike" not in said("package")
    assert "refund" not in said("package")


def test_no_field_of_a_policy_is_without_words() -> None:
    """A rule that is added without a sentence is found here: the tests above name each field."""
    named = set(Rules.__struct_fields__)
    for part in vars(policies).values():
        if isinstance(part, type) and issubclass(part, Struct) and part.__name__[0] != "_":
            named |= set(part.__struct_fields__)

    spoken = SPOKEN | set(Rules.__struct_fields__)

    assert named - spoken == set()


SPOKEN = {
    *("months", "starts", "starts_on", "must_activate_days"),
    *("count", "window", "days", "calendars"),
    *("percent", "max_per_roll", "max_bank", "max_rolls", "lives_months"),
    *("allowed", "min_days", "max_days", "max_count", "max_total_days", "notice_days"),
    *("min_active_days", "while_past_due", "covers_packs", "mode", "fee_cents"),
    *("fee_per_30_days", "hours_before_from", "hours_before_to", "forfeit_percent", "strike"),
    *("threshold", "action", "block_days", "auto_close_hours", "auto_close_as", "late_tiers"),
    *("no_show_forfeit_percent", "no_show_fee_cents", "no_show_strike", "no_show_posting_hours"),
    *("strike_window", "strike_days", "free_allowance", "penalty", "reschedule_late"),
    *("max_open_bookings", "book_ahead_periods", "minimum_periods", "leftover", "keep_days"),
    *("grace_days", "hold_days", "cancel_after_days", "scope", "advance_max"),
    *("revoke", "shortfall", "drop_in_cents", "dispute_hold_days", "max_per_contact"),
    *("once_per_days", "new_members_only", "shareable", "transferable", "guests"),
    "visits_per_guest",
    *("new_guests_only", "max_users"),
}

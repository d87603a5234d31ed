"""S8.1: each limit of a plan, with the nearest value it allows."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec import UNSET

from kotally.core.ids import new_id
from kotally.memberships.freezes_billing import drift, fees_due, prorated
from kotally.memberships.freezes_limits import Asked, Span, allowance, broken, impossible
from kotally.memberships.freezes_records import Freeze
from kotally.memberships.periods import period
from kotally.products.policies import FreezePolicy
from tests.memberships.club import Club
from tests.memberships.pausing import Pausing

NEW_YORK = ZoneInfo("America/New_York")


def on(text: str) -> date:
    return date.fromisoformat(text)


def span(text: str) -> Span:
    starts, _, resumes = text.partition("/")
    return Span(on(starts), on(resumes))


def asked(text: str, *earlier: str, **policy: Any) -> Asked:
    """Ask on 1 March 2026 for a freeze; the membership began on 15 June 2025."""
    fields = {
        name: policy.pop(name)
        for name in ("is_past_due", "is_extension")
        if policy.get(name, UNSET) is not UNSET
    }
    return Asked(
        span=span(text),
        policy=FreezePolicy(**policy),
        today=on("2026-03-01"),
        began_on=on("2025-06-15"),
        renewal_on=on("2026-03-15"),
        earlier=[span(each) for each in earlier],
        **({"is_past_due": False} | fields),
    )


@pytest.mark.parametrize(
    ("wish", "earlier", "code", "allowed"),
    [
        ("2026-03-10/2026-03-10", [], "FREEZE_ENDS_BEFORE_START", {"resumes_on": "2026-03-11"}),
        ("2026-03-10/2026-03-01", [], "FREEZE_ENDS_BEFORE_START", {"resumes_on": "2026-03-11"}),
        ("2026-02-28/2026-03-10", [], "FREEZE_STARTS_IN_PAST", {"starts_on": "2026-03-01"}),
        (
            "2026-03-10/2026-03-20",
            ["2026-03-15/2026-03-25"],
            "FREEZE_OVERLAPS",
            {"resumes_on": "2026-03-15"},
        ),
        (
            "2026-03-16/2026-03-20",
            ["2026-03-15/2026-03-25"],
            "FREEZE_OVERLAPS",
            {"starts_on": "2026-03-25"},
        ),
        (
            "2026-03-10/2046-03-20",
            [],
            "FREEZE_TOO_LONG",
            {"days": 3650, "resumes_on": "2036-03-07"},
        ),
    ],
)
def test_what_cannot_be_is_refused(
    wish: str, earlier: list[str], code: str, allowed: dict[str, Any]
) -> None:
    found = impossible(asked(wish, *earlier))

    assert found is not None
    assert (found.code, plain(found.allowed)) == (code, allowed)


def test_freezes_that_touch_do_not_overlap() -> None:
    assert impossible(asked("2026-03-10/2026-03-15", "2026-03-15/2026-03-20")) is None


@pytest.mark.parametrize(
    ("wish", "earlier", "policy", "code", "allowed"),
    [
        ("03-10/2026-03-20", [], {"allowed": False}, "FREEZE_NOT_ALLOWED", {}),
        ("03-10/2026-03-20", [], {"is_past_due": True}, "FREEZE_WHILE_PAST_DUE", {}),
        (
            "03-10/2026-03-16",
            [],
            {"min_days": 7},
            "FREEZE_TOO_SHORT",
            {"days": 7, "resumes_on": "2026-03-17"},
        ),
        (
            "03-10/2026-03-25",
            [],
            {"max_days": 14},
            "FREEZE_TOO_LONG",
            {"days": 14, "resumes_on": "2026-03-24"},
        ),
        (
            "03-10/2026-03-20",
            [],
            {"notice_days": 10},
            "FREEZE_NOTICE_TOO_SHORT",
            {"starts_on": "2026-03-11", "notice_days": 10},
        ),
        (
            "03-10/2026-03-20",
            ["2026-01-10/2026-02-20"],
            {"min_active_days": 30},
            "FREEZE_TOO_SOON",
            {"starts_on": "2026-03-22", "min_active_days": 30},
        ),
        (
            "05-15/2026-05-28",
            ["2026-06-20/2026-06-30"],
            {"min_active_days": 30},
            "FREEZE_TOO_SOON",
            {"resumes_on": "2026-05-21", "min_active_days": 30},
        ),
        (
            "05-20/2026-05-28",
            ["2026-06-01/2026-06-10", "2026-07-15/2026-07-20"],
            {"min_active_days": 30},
            "FREEZE_TOO_SOON",
            {"starts_on": "2026-08-19", "min_active_days": 30},
        ),
        (
            "03-10/2026-03-20",
            ["2026-01-10/2026-02-20", "2026-04-01/2026-04-10"],
            {"min_active_days": 30},
            "FREEZE_TOO_SOON",
            {"starts_on": "2026-05-10", "min_active_days": 30},
        ),
        (
            "03-14/2026-03-20",
            [],
            {"starts": "next_renewal"},
            "FREEZE_STARTS_AT_RENEWAL_ONLY",
            {"starts_on": "2026-03-15"},
        ),
        (
            "03-10/2026-03-20",
            ["2026-01-10/2026-01-20"],
            {"max_count": 1},
            "FREEZE_COUNT_REACHED",
            {"count": 1, "starts_on": "2027-01-01"},
        ),
        (
            "03-10/2026-03-20",
            ["2025-11-10/2025-11-20"],
            {"max_count": 1, "window": "membership_year"},
            "FREEZE_COUNT_REACHED",
            {"count": 1, "starts_on": "2026-06-15"},
        ),
        (
            "03-10/2026-03-20",
            ["2025-11-10/2025-11-20"],
            {"max_count": 1, "window": "rolling_12_months"},
            "FREEZE_COUNT_REACHED",
            {"count": 1, "starts_on": "2026-11-10"},
        ),
        (
            "03-10/2026-03-20",
            ["2026-01-10/2026-01-25"],
            {"max_total_days": 20},
            "FREEZE_DAYS_USED_UP",
            {"days": 5, "max_total_days": 20, "resumes_on": "2026-03-15"},
        ),
        (
            "03-10/2026-03-20",
            ["2026-01-10/2026-01-30"],
            {"max_total_days": 20},
            "FREEZE_DAYS_USED_UP",
            {"days": 0, "max_total_days": 20},
        ),
        (
            "12-25/2027-01-20",
            [],
            {"max_total_days": 15},
            "FREEZE_DAYS_USED_UP",
            {"days": 22, "max_total_days": 15, "resumes_on": "2027-01-16"},
        ),
        (
            "03-10/2026-03-20",
            ["2025-03-15/2025-03-20", "2026-04-01/2026-04-10"],
            {"max_total_days": 15, "window": "rolling_12_months"},
            "FREEZE_DAYS_USED_UP",
            {"days": 6, "max_total_days": 15, "resumes_on": "2026-03-16"},
        ),
    ],
)
def test_each_limit_names_the_nearest_it_allows(
    wish: str, earlier: list[str], policy: dict[str, Any], code: str, allowed: dict[str, Any]
) -> None:
    found = broken(asked(f"2026-{wish}", *earlier, **policy))

    assert [(limit.code, plain(limit.allowed)) for limit in found] == [(code, allowed)]


@pytest.mark.parametrize(
    ("wish", "earlier", "policy"),
    [
        ("2026-03-10/2026-03-20", [], {"max_days": 10, "min_days": 10}),
        ("2026-03-10/2026-03-20", [], {"notice_days": 9}),
        ("2026-03-15/2026-03-20", [], {"starts": "next_renewal"}),
        ("2026-03-10/2026-03-20", ["2025-12-10/2025-12-20"], {"max_count": 1}),
        ("2026-03-10/2026-03-20", [], {"while_past_due": True, "is_past_due": True}),
        ("2026-03-10/2026-03-20", ["2025-12-22/2026-01-11"], {"max_total_days": 20}),
        ("2026-03-22/2026-03-30", ["2026-01-10/2026-02-20"], {"min_active_days": 30}),
        ("2026-03-10/2026-03-20", ["2026-04-19/2026-04-25"], {"min_active_days": 30}),
    ],
)
def test_what_is_just_within_a_limit_is_allowed(
    wish: str, earlier: list[str], policy: dict[str, Any]
) -> None:
    assert broken(asked(wish, *earlier, **policy)) == []


def test_the_allowance_is_told() -> None:
    told = allowance(
        asked("2026-03-10/2026-03-20", "2026-01-10/2026-01-15", max_total_days=30, max_count=3)
    )

    assert (told.window_starts_on, told.window_ends_on) == (on("2026-01-01"), on("2027-01-01"))
    assert (told.days_used, told.days_left, told.count_used, told.count_left) == (15, 15, 2, 1)


@pytest.mark.parametrize(
    ("policy", "days", "times"),
    [
        ({}, 90, 0),
        ({"fee_cents": 100}, 90, 1),
        ({"fee_cents": 100}, 0, 0),
        ({"fee_cents": 100, "fee_per_30_days": True}, 30, 1),
        ({"fee_cents": 100, "fee_per_30_days": True}, 31, 2),
    ],
)
def test_the_fee_is_owed_once_or_per_started_30_days(
    policy: dict[str, Any], days: int, times: int
) -> None:
    assert fees_due(FreezePolicy(**policy), days) == times


@pytest.mark.parametrize(
    ("spans", "left"),
    [([], 8), (["2026-01-10/2026-01-20"], 6), (["2025-12-01/2026-03-01"], 0)],
)
def test_prorated_credits_are_rounded_up(spans: list[str], left: int) -> None:
    ended = period(on("2026-01-01"), 1, 1, zone=NEW_YORK)

    assert prorated(8, ended, [span(each) for each in spans], zone=NEW_YORK) == left


@pytest.mark.parametrize(
    ("paid", "mode", "shifted", "why"),
    [
        ("2026-01-15", "shift", 10, "inside_freeze"),
        ("2026-01-15", "keep", 0, None),
        ("2026-02-01", "shift", 10, "other_time"),
        ("2026-02-10", "shift", 10, None),
        ("2026-02-01", "prorate", 0, None),
    ],
)
def test_a_charge_that_does_not_follow_is_drift(
    paid: str, mode: Any, shifted: int, why: str | None
) -> None:
    at = datetime(2026, 1, 10, 5, tzinfo=UTC)
    id_ = new_id()
    freeze = Freeze(
        id=id_,
        membership_id=id_,
        contact_id=id_,
        starts_on=on("2026-01-10"),
        resumes_on=on("2026-01-20"),
        starts_at=at,
        resumes_at=at,
        mode=mode,
        covers_packs=False,
        status="ended",
        blocker_id=id_,
        shifted_days=shifted,
        created_at=at,
    )

    assert drift(on(paid), on("2026-02-11"), [freeze]) == why


async def test_a_limit_is_set_aside_for_a_reason(club: Club) -> None:
    pausing = Pausing(club)
    await club.sells("gold", freeze={"max_days": 7, "notice_days": 3})
    id_ = (await club.pays("gold"))["entitlement_id"]

    refused = await pausing.freeze(id_, "2026-01-02", "2026-01-20")
    assert refused.code == "FREEZE_NOTICE_TOO_SHORT"
    assert [each["reason_code"] for each in refused["limits"]] == [
        "FREEZE_NOTICE_TOO_SHORT",
        "FREEZE_TOO_LONG",
    ]
    assert await pausing.freezes() == []
    done = await pausing.freeze(id_, "2026-01-02", "2026-01-20", override_reason="Doctor's letter")

    assert done["overridden"] == ["FREEZE_NOTICE_TOO_SHORT", "FREEZE_TOO_LONG"]
    kept = await pausing.freezes()
    assert kept[0]["override_reason"] == "Doctor's letter"
    again = await pausing.freeze(id_, "2026-01-10", "2026-01-12", override_reason="Doctor's letter")
    assert (again.code, again["allowed"]) == ("FREEZE_OVERLAPS", {"starts_on": "2026-01-20"})


def plain(allowed: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in allowed.items()
    }

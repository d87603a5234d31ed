"""S8: freezes, from the plan of one to its end."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from tests.memberships.club import Club, ny
from tests.memberships.pausing import Pausing


@pytest_asyncio.fixture(loop_scope="session")
async def pausing(club: Club) -> Pausing:
    return Pausing(club)


async def member(club: Club, contact: str = "ana", **freeze: Any) -> Any:
    """Sell a membership that begins today; `freeze` are the rules of its freezes."""
    name = f"eight-{contact}"
    await club.sells(name, freeze=freeze)
    return (await club.pays(name, contact))["entitlement_id"]


async def test_a_lot_under_a_freeze_lives_longer_by_the_days_of_it(
    club: Club, pausing: Pausing
) -> None:
    """S8.4, T: lot expires 6 Mar 00:00 EST; freeze 1 Mar to 15 Mar → 20 Mar 00:00 EDT (04:00Z)."""
    await club.moves_to("2026-02-06T15:00")
    id_ = await member(club)
    pack = await pausing.pack(ny("2026-03-06T05:00"))

    done = await pausing.freeze(id_, "2026-03-01", "2026-03-15", covers_packs=True)

    assert (done.code, done["days"], done["status"]) == ("membership_frozen", 14, "planned")
    assert await pausing.expiry(pack) == (ny("2026-03-06T05:00"), ny("2026-03-20T04:00"))
    shown = {lot["lot_id"]: lot["will_expire_at"] for lot in done["lots"]}
    assert shown[str(pack)] == "2026-03-20T04:00:00.000Z"

    await pausing.moves_to("2026-03-15T12:00")

    assert await pausing.expiry(pack) == (ny("2026-03-20T04:00"), None)
    assert await club.available() == 5 + 8


async def test_an_early_return_moves_expiry_by_the_days_used(club: Club, pausing: Pausing) -> None:
    """S8.7, T: planned 30 days, returns after 10 → expiry moves 10 days, allowance used 10."""
    id_ = await member(club, max_total_days=30)
    pack = await pausing.pack(ny("2026-01-20T05:00"))
    await pausing.freeze(id_, "2026-01-05", "2026-02-04", covers_packs=True)
    await pausing.moves_to("2026-01-15T17:00")

    done = await pausing.resume(id_)

    assert (done.code, done["days"], done["status"]) == ("membership_resumed", 10, "ended")
    assert await pausing.expiry(pack) == (ny("2026-01-30T05:00"), None)
    assert (done["allowance"]["days_used"], done["allowance"]["days_left"]) == (10, 20)
    assert (await club.membership(id_))["period_ends_at"] == ny("2026-02-11T05:00")
    assert await club.available() == 13


async def test_lifting_a_freeze_leaves_past_due(club: Club, pausing: Pausing) -> None:
    """T: freeze and past-due at once → lifting the freeze leaves PAST_DUE."""
    id_ = await member(club, while_past_due=True, mode="keep")
    await club.moves_to("2026-02-05T12:00")
    assert (await club.membership(id_))["status"] == "past_due"
    await pausing.freeze(id_, "2026-02-05", "2026-02-10")

    await pausing.resume(id_)

    kinds = await club.db.fetch(
        "select kind from kotally.blockers where location_id = $1"
        " and (ends_at is null or ends_at > kotally.location_now($1))",
        club.location,
    )
    assert [row["kind"] for row in kinds] == ["past_due"]
    assert (await club.membership(id_))["status"] == "past_due"


async def test_while_frozen_by_class_date_it_pays_for_nothing(club: Club, pausing: Pausing) -> None:
    """S8.2: from local midnight to local midnight, by the date of the class."""
    id_ = await member(club)
    await pausing.freeze(id_, "2026-01-10", "2026-01-15")

    inside = await club.does("hold", calendar_id="cal", appointment_at=ny("2026-01-10T05:00"))
    last = await club.does("hold", calendar_id="cal", appointment_at=ny("2026-01-15T04:59"))
    assert (inside.code, last.code) == ("NO_ENTITLEMENT", "NO_ENTITLEMENT")
    await club.books("2026-01-15T05:00")
    await club.books("2026-01-10T04:59")

    await pausing.moves_to("2026-01-12T12:00")
    assert await club.available() == 0
    await club.books("2026-01-16T12:00")


async def test_bookings_inside_are_cancelled_with_full_restore(
    club: Club, pausing: Pausing
) -> None:
    """S8.3: listed in the preview, cancelled whatever the window, unless staff keeps them."""
    id_ = await member(club)
    await club.books("2026-01-04T12:00")
    inside = await club.books("2026-01-05T12:00", external_ref="appt_1")
    kept = await club.books("2026-01-06T12:00")
    taken = await club.uses(2, appointment_at=ny("2026-01-07T12:00"))
    assert await club.available() == 3

    wish: dict[str, Any] = {"keep": frozenset({UUID(kept["hold_id"])})}
    preview = await pausing.freeze(id_, "2026-01-05", "2026-01-10", preview=True, **wish)
    assert await club.available() == 3
    done = await pausing.freeze(id_, "2026-01-05", "2026-01-10", **wish)

    shown = [(each["hold_id"], each["kept"], each["credits_returned"]) for each in done["bookings"]]
    assert shown == [
        (inside["hold_id"], False, 1),
        (kept["hold_id"], True, 0),
        (taken["hold_id"], False, 2),
    ]
    assert preview["bookings"] == done["bookings"]
    assert await club.available() == 6


@pytest.mark.parametrize(
    ("mode", "period_ends", "credits_"),
    [
        ("shift", "2026-02-11T05:00", 8),
        ("prorate", "2026-02-01T05:00", 6),  # ceil(8 x 21 / 31)
        ("keep", "2026-02-01T05:00", 8),
    ],
)
async def test_each_mode_has_its_bounds_and_credits(
    club: Club, pausing: Pausing, mode: str, period_ends: str, credits_: int
) -> None:
    """S8.5: shift moves the bounds, prorate the credits, keep neither."""
    id_ = await member(club, mode=mode)
    done = await pausing.freeze(id_, "2026-01-10", "2026-01-20")

    assert ny(done["expected_next_charge_at"].replace("Z", "+00:00")) == ny(period_ends)
    assert done["next_period_credits"] == credits_
    await pausing.moves_to("2026-01-25T12:00")
    assert (await club.membership(id_))["period_ends_at"] == ny(period_ends)

    await pausing.moves_to("2026-02-11T06:00")
    paid = await club.pays("eight-ana")
    assert paid["credits_granted"] == credits_


async def test_the_freezes_of_a_later_period_move_that_period(club: Club, pausing: Pausing) -> None:
    await club.sells("own", renews="itself")
    id_ = (await club.pays("own"))["entitlement_id"]
    done = await pausing.freeze(id_, "2026-02-10", "2026-02-20")
    assert done["period_ends_at"] == "2026-02-01T05:00:00.000Z"

    await pausing.moves_to("2026-02-01T12:00")
    await pausing.moves_to("2026-02-10T12:00")

    assert (await club.membership(id_))["period_ends_at"] == ny("2026-03-11T04:00")
    await pausing.moves_to("2026-03-11T03:59")
    assert (await club.membership(id_))["period_number"] == 2
    await pausing.moves_to("2026-03-11T04:00")
    assert (await club.membership(id_))["period_number"] == 3
    assert (await club.membership(id_))["period_ends_at"] == ny("2026-04-11T04:00")


async def test_a_freeze_from_the_renewal_on_puts_it_off(club: Club, pausing: Pausing) -> None:
    await club.sells("own", renews="itself", freeze={"starts": "next_renewal"})
    id_ = (await club.pays("own"))["entitlement_id"]
    other = await pausing.freeze(id_, "2026-01-20", "2026-02-20")
    assert (other.code, other["allowed"]) == (
        "FREEZE_STARTS_AT_RENEWAL_ONLY",
        {"starts_on": "2026-02-01"},
    )
    await pausing.freeze(id_, "2026-02-01", "2026-02-20")

    await pausing.moves_to("2026-02-15T12:00")
    assert (await club.membership(id_))["period_number"] == 1
    await pausing.moves_to("2026-02-20T12:00")

    assert (await club.membership(id_))["period_number"] == 2
    assert await club.open() == [("included", 8, ny("2026-03-20T04:00"))]


async def test_a_cancellation_before_the_start_leaves_no_trace(
    club: Club, pausing: Pausing
) -> None:
    """S8.7: nothing but the record of it."""
    id_ = await member(club, fee_cents=500)
    before = await club.membership(id_)
    lots = await club.lots()
    await pausing.freeze(id_, "2026-01-10", "2026-01-20")

    done = await pausing.cancel(id_)

    assert (done.code, done["status"]) == ("freeze_cancelled", "cancelled")
    assert await club.membership(id_) == before
    assert await club.lots() == lots
    await club.books("2026-01-12T12:00")
    assert (await pausing.cancel(id_)).code == "NOT_FROZEN"
    assert await club.happened() == [
        "freeze_planned",
        "fee_due",
        "fee_waived",
        "freeze_cancelled",
    ]


async def test_a_running_freeze_is_resumed_and_not_cancelled(club: Club, pausing: Pausing) -> None:
    id_ = await member(club)
    await pausing.freeze(id_, None, "2026-01-20")

    assert (await pausing.cancel(id_)).code == "FREEZE_ALREADY_STARTED"
    late = await pausing.resume(id_, "2026-01-20")
    assert late["allowed"] == {"earliest": "2026-01-01", "latest": "2026-01-19"}
    assert (await pausing.resume(id_, "2026-01-19", preview=True)).code == "membership_resumed"
    assert (await pausing.resume(id_)).code == "membership_resumed"
    assert (await pausing.resume(id_)).code == "NOT_FROZEN"
    assert (await club.membership(id_))["period_ends_at"] == ny("2026-02-01T05:00")


async def test_a_freeze_without_a_day_counts_nothing_of_the_allowance(
    club: Club, pausing: Pausing
) -> None:
    """S8.7: neither one that is taken back, nor one that ends on its first day."""
    id_ = await member(club, max_total_days=60, max_count=2)
    await pausing.freeze(id_, "2026-02-01", "2026-03-29")
    cancelled = (await pausing.cancel(id_))["allowance"]
    await pausing.freeze(id_, None, "2026-01-20")
    resumed = (await pausing.resume(id_))["allowance"]
    next_ = (await pausing.freeze(id_, "2026-02-01", "2026-02-11"))["allowance"]

    assert [
        (each["days_used"], each["days_left"], each["count_used"], each["count_left"])
        for each in (cancelled, resumed, next_)
    ] == [(0, 60, 0, 2), (0, 60, 0, 2), (10, 50, 1, 1)]


async def test_an_extension_leaves_the_active_days_before_the_next_freeze(
    club: Club, pausing: Pausing
) -> None:
    """S8.1, S8.7: as a new freeze would have to."""
    id_ = await member(club, min_active_days=30)
    await pausing.freeze(id_, "2026-03-01", "2026-03-10")
    await pausing.freeze(id_, "2026-01-05", "2026-01-15")

    long_ = await pausing.extend(id_, "2026-02-10")

    assert (long_.code, long_["allowed"]) == (
        "FREEZE_TOO_SOON",
        {"min_active_days": 30, "resumes_on": "2026-01-30"},
    )
    assert (await pausing.extend(id_, "2026-01-30")).code == "freeze_extended"


async def test_an_extension_checks_the_limits_again(club: Club, pausing: Pausing) -> None:
    """S8.7: the allowance counts what is added."""
    id_ = await member(club, max_days=14)
    await pausing.freeze(id_, "2026-01-05", "2026-01-15")
    await club.books("2026-01-16T12:00")

    long_ = await pausing.extend(id_, "2026-01-25")
    assert (long_.code, long_["allowed"]) == (
        "FREEZE_TOO_LONG",
        {"days": 14, "resumes_on": "2026-01-19"},
    )
    assert (await pausing.extend(id_, "2026-01-15")).code == "FREEZE_NOT_LONGER"
    done = await pausing.extend(id_, "2026-01-19")

    assert (done.code, done["days"]) == ("freeze_extended", 14)
    assert [each["credits_returned"] for each in done["bookings"]] == [1]
    assert (await club.membership(id_))["period_ends_at"] == ny("2026-02-15T05:00")
    longer = await pausing.extend(id_, "2026-01-25", override_reason="A broken leg")
    assert (longer.code, longer["overridden"]) == ("freeze_extended", ["FREEZE_TOO_LONG"])


async def test_a_late_sweep_comes_to_the_same(club: Club, pausing: Pausing) -> None:
    """S8.7: resumed at local midnight; the worker stopped for three days changes nothing."""
    await club.sells("own", renews="itself")
    id_ = (await club.pays("own"))["entitlement_id"]
    await pausing.freeze(id_, "2026-01-10", "2026-01-20", mode="shift")

    await club.moves_to("2026-01-23T12:00", sweep=False)
    assert await club.available() == 8
    assert await pausing.sweep() == [f"membership {id_} is back after 10 frozen days"]
    assert await pausing.sweep() == []
    assert await club.available() == 8
    assert await club.open() == [("included", 8, ny("2026-02-11T05:00"))]


async def test_two_freezes_that_cover_a_pack_count_a_day_once(club: Club, pausing: Pausing) -> None:
    first = await member(club, covers_packs=True)
    await club.sells("second", freeze={"covers_packs": True})
    second = (await club.pays("second"))["entitlement_id"]
    pack = await pausing.pack(ny("2026-03-01T05:00"))
    await pausing.freeze(first, "2026-01-05", "2026-01-15")
    await pausing.freeze(second, "2026-01-10", "2026-01-25")

    assert await pausing.expiry(pack) == (ny("2026-03-01T05:00"), ny("2026-03-21T04:00"))
    await pausing.moves_to("2026-01-15T12:00")
    assert await pausing.expiry(pack) == (ny("2026-03-11T04:00"), ny("2026-03-21T04:00"))
    await pausing.moves_to("2026-01-26T12:00")
    assert await pausing.expiry(pack) == (ny("2026-03-21T04:00"), None)


async def test_what_is_granted_during_a_freeze_ages_from_then_on(
    club: Club, pausing: Pausing
) -> None:
    id_ = await member(club, mode="keep")
    await pausing.freeze(id_, "2026-01-25", "2026-03-15")
    await pausing.moves_to("2026-02-02T12:00")
    paid = await club.pays("eight-ana")

    # 42 days of the freeze lie in its life: from 1 February to 14 March.
    assert await pausing.expiry(paid["lot_id"]) == (ny("2026-03-01T05:00"), ny("2026-04-12T04:00"))
    await pausing.moves_to("2026-03-15T12:00")
    assert await pausing.expiry(paid["lot_id"]) == (ny("2026-04-12T04:00"), None)


async def test_a_period_paid_ahead_moves_with_the_bounds(club: Club, pausing: Pausing) -> None:
    id_ = await member(club)
    ahead = await club.pays("eight-ana")
    await pausing.freeze(id_, "2026-01-10", "2026-01-20")

    assert (await pausing.expiry(ahead["lot_id"]))[0] == ny("2026-03-11T04:00")
    await pausing.moves_to("2026-01-15T12:00")
    await pausing.resume(id_)
    assert (await pausing.expiry(ahead["lot_id"]))[0] == ny("2026-03-06T05:00")
    await pausing.moves_to("2026-02-06T06:00")
    assert (await club.membership(id_))["period_number"] == 2
    assert await club.available() == 8


async def test_a_charge_inside_the_freeze_is_drift_and_grants_once(
    club: Club, pausing: Pausing
) -> None:
    """S8.6: it is put into the work queue, and the period is granted once."""
    id_ = await member(club)
    await pausing.freeze(id_, "2026-01-20", "2026-02-10")
    await pausing.moves_to("2026-02-01T06:00")
    assert (await club.membership(id_))["period_number"] == 1

    first = await club.pays("eight-ana", payment="in_1")
    again = await club.pays("eight-ana", payment="in_1")

    assert (first["credits_granted"], again.code) == (8, "DUPLICATE_EVENT")
    items = await club.db.fetch(
        "select kind, details from kotally.work_items where location_id = $1", club.location
    )
    assert [(row["kind"], row["details"]["reason"]) for row in items] == [
        ("billing_drift", "inside_freeze")
    ]
    await pausing.moves_to("2026-02-22T06:00")
    assert (await club.membership(id_))["period_number"] == 2
    # What was left of the first period has expired with it, three weeks late.
    assert await club.open() == [("included", 8, ny("2026-03-22T04:00"))]


async def test_the_fee_is_owed_once_or_per_started_30_days(club: Club, pausing: Pausing) -> None:
    """S8.7: a fee that is due, never charged by us."""
    once = await member(club, fee_cents=500)
    each = await member(club, "bob", fee_cents=300, fee_per_30_days=True)

    assert (await pausing.freeze(once, "2026-01-05", "2026-03-10"))["fee_cents"] == 500
    assert (await pausing.freeze(each, "2026-01-05", "2026-03-10"))["fee_cents"] == 900
    await pausing.moves_to("2026-02-10T12:00")
    assert (await pausing.resume(each))["fee_cents"] == 600
    statuses = await club.db.fetch(
        "select status from kotally.fees where location_id = $1 and amount_cents = 300"
        " order by status",
        club.location,
    )
    assert [row["status"] for row in statuses] == ["due", "due", "waived"]


async def test_weekly_caps_are_not_prorated(club: Club, pausing: Pausing) -> None:
    """S8.8: the cap of the week holds whatever part of the week was frozen."""
    await club.sells("capped", 30, caps=[{"count": 2, "window": "week"}])
    id_ = (await club.pays("capped"))["entitlement_id"]
    await pausing.freeze(id_, "2026-01-05", "2026-01-08")

    await club.books("2026-01-09T12:00")
    await club.books("2026-01-10T12:00")
    third = await club.does("hold", calendar_id="cal", appointment_at=ny("2026-01-11T12:00"))
    assert third.code == "CAP_REACHED"


async def test_a_yearly_membership_gets_its_credits_later_by_the_frozen_days(
    club: Club, pausing: Pausing
) -> None:
    await club.sells("yearly", period_months=12, grant_months=1)
    id_ = (await club.pays("yearly"))["entitlement_id"]
    await pausing.freeze(id_, "2026-01-10", "2026-01-20")

    await pausing.moves_to("2026-02-11T04:59")
    assert await club.open() == [("included", 8, ny("2026-02-11T05:00"))]
    await pausing.moves_to("2026-02-11T05:00")
    assert await club.open() == [("included", 8, ny("2026-03-11T04:00"))]
    await pausing.moves_to("2027-01-11T05:00")
    assert len(await club.moved("grant")) == 12


async def test_a_cancelled_membership_keeps_its_frozen_days(club: Club, pausing: Pausing) -> None:
    await club.sells("own", renews="itself")
    id_ = (await club.pays("own"))["entitlement_id"]
    await club.cancels(id_)
    await pausing.freeze(id_, "2026-01-10", "2026-01-20")

    await pausing.moves_to("2026-02-05T12:00")
    assert (await club.membership(id_))["status"] == "active"
    await pausing.moves_to("2026-02-11T05:00")
    assert (await club.membership(id_))["status"] == "ended"


async def test_a_preview_is_the_commit(club: Club, pausing: Pausing) -> None:
    id_ = await member(club, fee_cents=500)
    await club.books("2026-01-12T12:00")
    counted = await club.counts()

    preview = await pausing.freeze(id_, "2026-01-10", "2026-01-20", preview=True)
    assert await club.counts() == counted
    done = await pausing.freeze(id_, "2026-01-10", "2026-01-20")
    assert without_id(preview.answer) == without_id(done.answer)

    await pausing.moves_to("2026-01-15T12:00")
    preview = await pausing.resume(id_, preview=True)
    done = await pausing.resume(id_)
    assert preview.answer == done.answer


def without_id(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != "freeze_id"}


async def test_who_has_no_membership_or_an_ended_one_is_refused(
    club: Club, pausing: Pausing
) -> None:
    id_ = await member(club)
    await club.cancels(id_)
    after = await pausing.freeze(id_, "2026-02-01", "2026-02-10")
    assert (after.code, after["ends_at"]) == ("FREEZE_AFTER_END", "2026-02-01T05:00:00.000Z")
    await club.moves_to("2026-02-02T12:00")
    assert (await pausing.freeze(id_, "2026-02-03", "2026-02-10")).code == "MEMBERSHIP_ENDED"
    unknown = await pausing.freeze(club.key("x", {}).correlation_id, "2026-02-03", "2026-02-10")
    assert unknown.code == "MEMBERSHIP_NOT_FOUND"


async def test_the_end_of_a_membership_ends_its_freezes(club: Club, pausing: Pausing) -> None:
    """What is kept can be used at once, and no frozen day is counted after the end."""
    await club.sells("kept", ending={"leftover": "keep_until_expiry"})
    id_ = (await club.pays("kept"))["entitlement_id"]
    await pausing.freeze(id_, "2026-01-05", "2026-01-20")
    await pausing.freeze(id_, "2026-02-05", "2026-02-20")
    await pausing.moves_to("2026-01-10T12:00")
    assert await club.available() == 0

    done = await club.cancels(id_, at="now", override="Moved away")

    assert done.code == "membership_ended"
    assert await club.available() == 8
    assert await club.open() == [("included", 8, ny("2026-02-06T05:00"))]
    assert [(each["status"], each["days_used"]) for each in await pausing.freezes()] == [
        ("ended", 5),
        ("cancelled", None),
    ]
    await pausing.moves_to("2026-03-10T12:00")
    assert await club.available() == 0


async def test_a_booking_for_after_a_freeze_costs_nothing_of_what_is_seen_now(
    club: Club, pausing: Pausing
) -> None:
    """S8.2: its credits are paused today, so the balance that is told stays what it was."""
    await club.sells("plan", credits_=8)
    id_ = (await club.pays("plan"))["entitlement_id"]
    await pausing.freeze(id_, "2026-01-01", "2026-01-11")
    await pausing.pack()

    held = await club.books("2026-01-20T12:00", 2)

    assert held["slices"][0]["entitlement_id"] == id_
    assert held["balance_after"] == await club.available() == 5


async def test_an_advance_after_a_freeze_costs_nothing_of_what_is_seen_now(
    club: Club, pausing: Pausing
) -> None:
    """S8.2, S11.5: what is owed never makes the balance that is told less than nothing."""
    await club.sells("plan", credits_=1, arrears={"advance_max": 2})
    id_ = (await club.pays("plan"))["entitlement_id"]
    await club.uses(1)
    await pausing.freeze(id_, "2026-01-01", "2026-01-11")

    held = await club.books("2026-01-20T12:00", 1)

    assert held["balance_after"] == await club.available() == 0

"""S4, S5: what cancelling, being late and staying away come to."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from kotally.core.ids import new_id
from tests import make
from tests.bookings.conftest import Opened
from tests.bookings.studio import Answer, Studio

THREE_STRIKES = {
    "free_allowance": 2,
    "no_show_fee_cents": 1500,
    "penalty": {"threshold": 3, "action": "block", "block_days": 7},
}


@pytest.mark.parametrize(
    ("starts_at", "free"),
    [
        ("2026-03-08T12:00:00", "2026-03-08T00:00:00"),  # 8:00 EDT; 19:00 EST the night before
        ("2026-11-01T13:00:00", "2026-11-01T01:00:00"),  # 8:00 EST; 21:00 EDT the night before
    ],
)
async def test_the_window_is_elapsed_time_and_equality_is_free(
    studio: Studio, starts_at: str, free: str
) -> None:
    """S4.1, the vectors: 12 hours before, across a change of the clocks."""
    await studio.sells()
    await studio.buys(2)
    in_time = await studio.books(starts_at)
    late = await studio.books(starts_at)
    await studio.clock(free)
    assert (await studio.cancels(in_time)).code == "cancelled"
    await studio.clock(datetime.fromisoformat(free).replace(tzinfo=UTC) + timedelta(seconds=1))
    done = await studio.cancels(late)
    assert (done.code, done["credits_forfeited"]) == ("late_cancelled", 1)
    assert await studio.balance() == (1, 0)


async def test_the_providers_time_counts_but_never_the_future(studio: Studio) -> None:
    """S4.2: cancelled_at is the provider's event time, never later than receive time."""
    await studio.sells()
    await studio.buys(2)
    first = await studio.books("2026-03-05T15:00")
    await studio.clock("2026-03-05T12:00")
    in_time = datetime(2026, 3, 5, 3, tzinfo=UTC)
    assert (await studio.cancels(first, cancelled_at=in_time)).code == "cancelled"
    second = await studio.books("2026-03-05T15:00")
    future = datetime(2026, 3, 9, tzinfo=UTC)
    assert (await studio.cancels(second, cancelled_at=future)).code == "late_cancelled"


async def test_tiers_forfeit_rounded_down_and_release_the_rest(studio: Studio) -> None:
    """S5.1: HELD to PENALTY by the tier, rounded down; the rest comes back."""
    tiers = [
        {"hours_before_from": 12, "hours_before_to": 4, "forfeit_percent": 50, "strike": False},
        {"hours_before_from": 4, "forfeit_percent": 100, "fee_cents": 500},
    ]
    await studio.sells(attendance={"late_tiers": tiers})
    await studio.buys(10)
    early = await studio.books("2026-03-02T22:00", units=3)
    done = await studio.cancels(early)
    assert (done["credits_forfeited"], done["credits_returned"]) == (1, 2)
    assert "strike_id" not in done.said
    last = await studio.books("2026-03-02T14:00", units=2)
    done = await studio.cancels(last)
    assert (done["credits_forfeited"], done["fee_cents"]) == (2, 500)
    assert await studio.buckets("penalty") == 3


async def test_an_absence_waits_so_that_staff_can_correct_it(studio: Studio) -> None:
    """S5.2: posted at the end plus the delay; until then attendance is open."""
    await studio.sells()
    await studio.buys(5)
    booking = await studio.books("2026-03-02T15:00")
    assert (await studio.misses(booking)).code == "CLASS_NOT_STARTED"
    await studio.clock("2026-03-02T16:00")
    noted = await studio.misses(booking, at_once=False)
    assert (noted.code, noted["status"]) == ("absence_noted", "booked")
    other = await studio.books("2026-03-02T16:30")
    await studio.clock("2026-03-02T17:30")
    await studio.misses(other, at_once=False)
    assert (await studio.attends(other)).code == "attended"
    assert await studio.sweeps() == []
    await studio.clock("2026-03-03T09:00")
    assert len(await studio.sweeps()) == 1
    assert await studio.sweeps() == []
    assert (await studio.status(booking), await studio.buckets("penalty")) == ("no_show", 1)
    posted = await studio.db.fetchval(
        "select effective_at from kotally.postings where location_id = $1 and kind = 'penalty'",
        studio.location,
    )
    assert posted == datetime(2026, 3, 3, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("close_as", "status", "bucket"),
    [("captured", "attended", "consumed"), ("no_show", "no_show", "penalty")],
)
async def test_without_a_signal_it_closes_by_itself(
    studio: Studio, close_as: str, status: str, bucket: str
) -> None:
    """S2.4: 24 hours after the end, as of then, however late the sweep is."""
    await studio.sells(attendance={"auto_close_as": close_as})
    await studio.buys(5)
    booking = await studio.books("2026-03-02T15:00")
    await studio.clock("2026-03-03T15:59")
    assert await studio.sweeps() == []
    await studio.clock("2026-03-06T12:00")
    assert len(await studio.sweeps()) == 1
    assert (await studio.status(booking), await studio.buckets(bucket)) == (status, 1)
    posted = await studio.db.fetchval(
        "select max(effective_at) from kotally.postings where location_id = $1", studio.location
    )
    assert posted == datetime(2026, 3, 3, 16, tzinfo=UTC)


@pytest.mark.parametrize("swept_at", ["2026-03-03T16:00", "2026-03-06T12:00"])
async def test_what_can_pay_only_since_a_class_closed_does_not_pay_for_it(
    studio: Studio, swept_at: str
) -> None:
    """S2.4, S6.5: it closes as of then; a worker that stopped for days changes nothing."""
    await studio.sells()
    await studio.buys(5, lot={"effective_at": "2026-03-05T05:00:00+00:00"})
    booking = await studio.books("2026-03-02T15:00", allow_unfunded=True)
    assert booking.code == "booked_unfunded"

    await studio.clock(swept_at)

    assert len(await studio.sweeps()) == 1
    assert (await studio.status(booking), await studio.balance()) == ("unfunded", (5, 0))
    await studio.clock("2026-03-06T12:00")
    assert (await studio.attends(booking)).code == "attended"  # the staff says so today


@pytest.mark.parametrize("swept_at", ["2026-03-03T16:00", "2026-03-06T12:00"])
@pytest.mark.parametrize(("close_as", "status"), [("captured", "unfunded"), ("no_show", "no_show")])
async def test_what_is_paid_at_attendance_is_paid_by_what_there_was_at_its_closing(
    studio: Studio, close_as: str, status: str, swept_at: str
) -> None:
    """S2.4, S2.6, S6.5."""
    await studio.sells(attendance={"mode": "attendance", "auto_close_as": close_as})
    await studio.buys(1)
    booking = await studio.books("2026-03-02T15:00")
    assert (booking.code, booking["credits"]) == ("booked", 1)
    await make.applied(studio.db, studio.location, [make.deduct(1, studio.member)])
    await studio.buys(5, lot={"effective_at": "2026-03-05T05:00:00+00:00"})

    await studio.clock(swept_at)

    assert len(await studio.sweeps()) == 1
    assert (await studio.status(booking), await studio.balance()) == (status, (5, 0))


@pytest.mark.parametrize("mode", ["hold", "booking", "attendance"])
async def test_unlimited_plans_forfeit_no_credits(studio: Studio, mode: str) -> None:
    """S5.3: fee and strike still apply, and the cap still counts it (S3.4)."""
    await studio.sells(
        "pc_all",
        credits_=0,
        unlimited=True,
        caps=[{"count": 1, "window": "day"}],
        attendance={"mode": mode, "no_show_fee_cents": 1500},
    )
    await studio.buys(0, "pc_all")
    booking = await studio.books("2026-03-02T13:00", product_config_id=None, calendar_id="yoga")
    await studio.clock("2026-03-02T14:00")
    done = await studio.misses(booking)
    assert (done["credits_forfeited"], done["fee_cents"], done["strike_count"]) == (0, 1500, 1)
    again = await studio.books("2026-03-02T15:00", product_config_id=None, calendar_id="yoga")
    assert again.code == "CAP_REACHED"


async def _three_absences(studio: Studio) -> list[tuple[Answer, Answer]]:
    made: list[tuple[Answer, Answer]] = []
    for day in (3, 4, 5):
        booking = await studio.books(f"2026-03-{day:02}T15:00")
        await studio.clock(f"2026-03-{day:02}T16:30")
        made.append((booking, await studio.misses(booking)))
    return made


async def test_the_no_show_ladder_and_its_correction(studio: Studio) -> None:
    """S5, the vector: 2 free, block 7 days at the 3rd; the 2nd corrected lifts the block."""
    await studio.sells(attendance=THREE_STRIKES)
    await studio.buys(10)
    (_, one), (second, two), (third, three) = await _three_absences(studio)
    assert [each["strike_forgiven"] for each in (one, two, three)] == [True, True, False]
    assert "fee_cents" not in one.said
    assert (three["strike_count"], three["penalty"], three["fee_cents"]) == (3, "block", 1500)
    assert await studio.blocked_until() == datetime(2026, 3, 12, 4, tzinfo=UTC)
    assert (await studio.books("2026-03-20T15:00")).code == "BOOKING_BLOCKED"

    done = await studio.corrects(second, "attended")

    assert (done.code, done["credits_captured"], done["strikes_reversed"]) == (
        "attendance_corrected", 1, 1,
    )  # fmt: skip
    assert len(done["penalties_lifted"]) == 1
    assert await studio.blocked_until() is None
    assert (await studio.buckets("consumed"), await studio.buckets("penalty")) == (1, 2)
    assert (await studio.books("2026-03-20T15:00")).code == "booked"
    again = await studio.corrects(second, "no_show")
    assert (again["strike_count"], again["penalty"]) == (3, "block")
    assert third.code == "booked"


@pytest.mark.parametrize("action", ["fee", "review"])
async def test_a_threshold_charges_or_asks_for_a_look(studio: Studio, action: str) -> None:
    """S5.5: a fee due or staff review, once per crossing; a correction takes it back."""
    penalty = {"threshold": 2, "action": action, "fee_cents": 2500 if action == "fee" else 0}
    await studio.sells(attendance={"penalty": penalty})
    await studio.buys(10)
    (_, one), (second, two), (third, three) = await _three_absences(studio)

    assert [each.said.get("penalty") for each in (one, two, three)] == [None, action, None]
    waiting = [(each["kind"], each["details"]["strikes"]) for each in await studio.queue()]
    assert waiting == ([("strikes_reached", "no_show")] if action == "review" else [])
    assert await studio.fees_due() == ([2500] if action == "fee" else [])

    await studio.corrects(second, "attended")
    # The third absence is the second strike now, so the threshold is still reached.
    assert len(await studio.queue()) + len(await studio.fees_due()) == 1
    await studio.corrects(third, "attended")
    assert (await studio.queue(), await studio.fees_due()) == ([], [])


async def test_waiving_reverses_everything(studio: Studio) -> None:
    """S5.7: credit, fee, strike and block in one transaction."""
    await studio.sells(attendance=THREE_STRIKES | {"free_allowance": 0})
    await studio.buys(10)
    (_, _), (_, _), (third, three) = await _three_absences(studio)
    done = await studio.corrects(third, "waived")
    assert (done["credits_returned"], done["fees_waived"]) == (1, [three["fee_id"]])
    assert (await studio.status(third), await studio.blocked_until()) == ("cancelled", None)
    assert (await studio.settles_fee(three["fee_id"], "paid")).code == "FEE_ALREADY_SETTLED"


async def test_lifting_a_block_leaves_the_others(studio: Studio) -> None:
    """S0, S5.7: removing one blocker never removes another."""
    await studio.sells(attendance=THREE_STRIKES)
    await studio.buys(10)
    (first, _), _, _ = await _three_absences(studio)
    await studio.owner.execute(
        """
        insert into kotally.blockers (location_id, id, contact_id, kind, starts_at, source,
                                      message, created_at)
        values ($1, $2, $3, 'admin', $4, 'tests', 'Banned.', $4)
        """,
        studio.location,
        new_id(),
        await studio.contact_id(),
        await studio.now(),
    )
    await studio.corrects(first, "waived")
    assert (await studio.books("2026-03-20T15:00")).code == "BOOKING_BLOCKED"


async def test_strikes_count_in_their_window(studio: Studio) -> None:
    """S5.4: by kind, across plans, over rolling days."""
    await studio.sells(attendance={"free_allowance": 1, "strike_days": 30})
    await studio.sells("pc_2", attendance={"free_allowance": 1, "strike_days": 30})
    await studio.buys(10)
    await studio.buys(10, "pc_2")
    first = await studio.books("2026-03-02T13:00")
    assert (await studio.cancels(first))["strike_forgiven"]
    second = await studio.books("2026-03-02T15:00", product_config_id="pc_2")
    await studio.clock("2026-03-02T17:00")
    assert (await studio.misses(second))["strike_count"] == 1
    await studio.clock("2026-04-20T12:00")
    later = await studio.books("2026-04-20T15:00")
    assert (await studio.cancels(later))["strike_count"] == 1


@pytest.mark.parametrize("settlement", ["paid", "waived", "written_off"])
async def test_a_fee_is_due_until_it_is_settled_once(studio: Studio, settlement: str) -> None:
    """S5.6: it closes on payment, waiver or write-off."""
    await studio.sells(attendance={"no_show_fee_cents": 1500})
    await studio.buys(1)
    booking = await studio.books("2026-03-02T13:00")
    await studio.clock("2026-03-02T14:00")
    missed = await studio.misses(booking)
    assert "fee_due" in await studio.told()
    done = await studio.settles_fee(missed["fee_id"], settlement)
    assert (done.code, done["status"], done["amount_cents"]) == ("fee_settled", settlement, 1500)
    assert (await studio.settles_fee(missed["fee_id"], "paid")).code == "FEE_ALREADY_SETTLED"
    assert f"fee_{settlement}" in await studio.told()


async def test_a_cancelled_booking_can_be_corrected_to_attended(studio: Studio) -> None:
    """S5.7: what had gone back is taken again; without credits it is refused."""
    await studio.sells()
    await studio.buys(1)
    booking = await studio.books("2026-03-05T15:00")
    await studio.cancels(booking)
    done = await studio.corrects(booking, "attended")
    assert (done.code, await studio.balance()) == ("attendance_corrected", (0, 0))
    await studio.corrects(booking, "waived")
    await studio.books("2026-03-06T15:00")
    refused = await studio.corrects(booking, "attended")
    assert (refused.code, refused["short_by"]) == ("INSUFFICIENT_CREDITS", 1)


@pytest.mark.parametrize("to", ["attended", "no_show", "waived", "late_cancelled"])
@pytest.mark.parametrize("first", ["late", "no_show", "attended"])
@pytest.mark.parametrize("mode", ["hold", "booking", "attendance"])
async def test_a_correction_comes_to_the_same_in_every_mode(
    studio: Studio, mode: str, first: str, to: str
) -> None:
    """S2.6, S5.7: when the credits are taken decides nothing about what a correction costs."""
    half = {"hours_before_from": 12, "forfeit_percent": 50}
    await studio.sells(attendance={"mode": mode, "late_tiers": [half]})
    await studio.buys(20)
    booking = await studio.books("2026-03-02T13:00", units=2)
    if first == "late":
        assert (await studio.cancels(booking))["credits_forfeited"] == 1
    await studio.clock("2026-03-02T15:00")
    if first == "no_show":
        assert (await studio.misses(booking))["credits_forfeited"] == 2
    if first == "attended":
        assert (await studio.attends(booking)).code == "attended"

    done = await studio.corrects(booking, to)

    assert done.code == "attendance_corrected"
    used = 2 if to == "attended" else 0
    lost = {"no_show": 2, "late_cancelled": 1}.get(to, 0)
    assert (await studio.buckets("consumed"), await studio.buckets("penalty")) == (used, lost)
    assert await studio.balance() == (20 - used - lost, 0)


@pytest.mark.parametrize("mode", ["hold", "booking", "attendance"])
async def test_what_was_cancelled_in_time_can_be_corrected_to_an_absence(
    studio: Studio, mode: str
) -> None:
    """S2.6, S5.7: also where nothing had been taken for it yet; waiving gives it back."""
    await studio.sells(attendance={"mode": mode})
    await studio.buys(20)
    booking = await studio.books("2026-03-05T15:00", units=2)
    assert (await studio.cancels(booking)).code == "cancelled"
    await studio.clock("2026-03-05T16:30")

    assert (await studio.corrects(booking, "no_show"))["credits_forfeited"] == 2

    assert (await studio.balance(), await studio.buckets("penalty")) == ((18, 0), 2)
    assert (await studio.corrects(booking, "waived"))["credits_returned"] == 2
    assert await studio.balance() == (20, 0)


async def test_half_forfeited_then_attended_takes_the_rest_again(studio: Studio) -> None:
    """S5.7: credit captured instead of penalised, whole."""
    await studio.sells(attendance={"no_show_forfeit_percent": 50})
    await studio.buys(10)
    booking = await studio.books("2026-03-02T13:00", units=3)
    await studio.clock("2026-03-02T14:00")
    done = await studio.misses(booking)
    assert (done["credits_forfeited"], await studio.balance()) == (1, (9, 0))
    await studio.corrects(booking, "attended")
    assert (await studio.buckets("consumed"), await studio.buckets("penalty")) == (3, 0)


async def test_what_comes_back_expired_gets_days_of_grace(opened: Opened) -> None:
    """S4.4: 7 days, 14 when the studio cancelled; 0 forfeits."""
    cases: list[tuple[dict[str, Any], bool, int | None]] = [
        ({}, False, 7),
        ({}, True, 14),
        ({"restore_grace_days": 0}, False, None),
    ]
    for rules, by_studio, days in cases:
        studio = await opened()
        await studio.sells(**rules)
        await studio.buys(
            3,
            lot={"expires_at": "2026-03-04T05:00:00Z"}
            | ({"restore_grace_days": 0} if days is None else {}),
        )
        booking = await studio.books("2026-03-03T15:00", class_ref="c1")
        await studio.clock("2026-03-05T12:00")
        if by_studio:
            await studio.cancels_class("c1")
        else:
            free = datetime(2026, 3, 2, 13, tzinfo=UTC)
            done = await studio.cancels(booking, cancelled_at=free)
            said = (done["credits_returned"], done["credits_expired"])
            assert said == ((1, 0) if days else (0, 1))
        restored = await studio.db.fetchrow(
            "select available, expires_at from kotally.lots"
            " where location_id = $1 and class = 'restored'",
            studio.location,
        )
        if days is None:
            assert (restored, await studio.buckets("expired")) == (None, 1)
        else:
            assert restored is not None
            assert restored["available"] == 1
            assert (restored["expires_at"].date() - date(2026, 3, 6)).days == days
        await studio.assert_books()


@pytest.mark.parametrize("act", ["attends", "misses", "cancels"])
@pytest.mark.parametrize("mode", ["hold", "booking", "attendance"])
async def test_a_booking_has_its_place_under_a_cap_when_it_ends(
    studio: Studio, mode: str, act: str
) -> None:
    """S2.6, S3.4: what is paid at attendance does not stand in its own way."""
    await studio.sells(attendance={"mode": mode}, caps=[{"count": 1, "window": "day"}])
    await studio.buys(5)
    booking = await studio.books("2026-03-02T14:00")
    await studio.clock("2026-03-02T15:30")
    assert (await getattr(studio, act)(booking)).code in {"attended", "no_show", "late_cancelled"}
    assert await studio.buckets("consumed") + await studio.buckets("penalty") == 1


@pytest.mark.parametrize(("to", "short"), [("attended", 2), ("no_show", 2), ("waived", None)])
@pytest.mark.parametrize("mode", ["hold", "booking", "attendance"])
async def test_a_correction_says_what_it_could_not_take_again(
    studio: Studio, mode: str, to: str, short: int | None
) -> None:
    """S5.7: the half that had gone back was spent; what is bought later can pay for it."""
    half = {"hours_before_from": 12, "forfeit_percent": 50}
    await studio.sells(attendance={"mode": mode, "late_tiers": [half]})
    await studio.buys(4)
    booking = await studio.books("2026-03-02T13:00", units=4)
    assert (await studio.cancels(booking))["credits_returned"] == 2
    await make.applied(studio.db, studio.location, [make.deduct(2, studio.member)])

    done = await studio.corrects(booking, to)

    assert (done.code, done.said.get("short_by")) == ("attendance_corrected", short)
    await studio.buys(4)
    assert "short_by" not in (await studio.corrects(booking, "attended")).said
    assert await studio.buckets("consumed") == 6
    assert "short_by" not in (await studio.corrects(booking, "no_show")).said
    assert "short_by" not in (await studio.corrects(booking, "late_cancelled")).said


async def test_a_correction_says_so_when_nothing_is_left_to_forfeit(studio: Studio) -> None:
    """S2.6, S5.7: nothing had been taken yet, and all was spent since."""
    await studio.sells(attendance={"mode": "attendance"})
    await studio.buys(2)
    booking = await studio.books("2026-03-05T15:00", units=2)
    await studio.cancels(booking)
    await make.applied(studio.db, studio.location, [make.deduct(2, studio.member)])
    await studio.clock("2026-03-05T16:30")
    done = await studio.corrects(booking, "no_show")
    assert (done["credits_forfeited"], done["short_by"]) == (0, 2)

"""S2.8: bookings that wait for a period or for credits, and what previews promise (S1.7)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
import pytest

from kotally.bookings import waiting
from kotally.bookings.terms import can_forfeit
from kotally.ledger.scenes import Done, Scene, play
from kotally.memberships import renewals
from tests.bookings.studio import Answer, Studio

SINCE, UNTIL = "2026-03-02T05:00:00Z", "2026-04-02T04:00:00Z"
PLAN: dict[str, Any] = {"product_config_id": "pc_m"}


async def renew(studio: Studio, membership_id: UUID) -> Answer:
    """Confirm the next period without a payment."""
    return Answer.of(
        await renewals.renew(studio.db, studio.location, membership_id, key=studio.key())
    )


async def test_the_period_grant_converts_provisional_bookings(studio: Studio) -> None:
    """S2.8: to a normal hold, in the grant's own transaction."""
    await studio.sells("pc_m", kind="membership", credits_=2, renews="itself")
    membership = await studio.joins(2, "pc_m", since=SINCE, until=UNTIL)
    booking = await studio.books("2026-04-05T15:00", **PLAN)
    assert (booking.code, await studio.balance()) == ("booked_provisionally", (2, 0))
    await studio.clock("2026-04-02T06:00")
    renewed = await renew(studio, membership)
    assert renewed.code.islower()
    assert await studio.status(booking) == "booked"
    assert (await studio.balance())[1] == 1
    await studio.clock("2026-04-05T15:30")
    assert (await studio.attends(booking))["credits_captured"] == 1


async def test_an_unlimited_plan_is_booked_ahead_too(studio: Studio) -> None:
    """S2.8, S11.1: the next period costs no credits, and its cap counts already."""
    await studio.sells(
        "pc_m", kind="membership", credits_=0, unlimited=True, caps=[{"count": 1, "window": "week"}]
    )
    membership = await studio.joins(0, "pc_m", since=SINCE, until=UNTIL)
    now = await studio.books("2026-03-05T15:00", **PLAN)
    booking = await studio.books("2026-04-07T15:00", **PLAN)
    other = await studio.books("2026-04-08T15:00", **PLAN)
    assert (now.code, now["credits"]) == ("booked", 0)
    assert (booking.code, booking["credits"]) == ("booked_provisionally", 0)
    assert not other.code.islower()
    await studio.clock("2026-04-02T06:00")
    await renew(studio, membership)
    assert await studio.status(booking) == "booked"


async def test_a_plan_that_does_not_renew_leaves_them_without_funds(studio: Studio) -> None:
    """S2.8: the booking becomes unfunded, with notice; the next grant pays for it."""
    await studio.sells("pc_m", kind="membership", credits_=2)
    await studio.sells("pc_1")
    membership = await studio.joins(2, "pc_m", since=SINCE, until=UNTIL)
    booking = await studio.books("2026-04-05T15:00", product_config_id=None, calendar_id="yoga")
    contact_id = await studio.contact_id()

    async def work(scene: Scene) -> Done:
        await scene.lock([contact_id])
        found = await waiting.unfund_of_plan(scene, contact_id, membership, why="unpaid")
        return Done("released", {"bookings": found})

    await play(studio.db, studio.location, "test", key=studio.key(), work=work)
    assert await studio.status(booking) == "unfunded"
    assert "booking_unfunded" in await studio.told()
    await studio.buys(5)
    assert await studio.status(booking) == "booked"


async def test_a_class_that_was_over_settles_when_it_is_paid_for(studio: Studio) -> None:
    """S2.4, S2.8: staff had it in the queue; the grant pays, the sweep closes."""
    await studio.sells()
    await studio.buys(1)
    await studio.books("2026-03-05T15:00")
    booking = await studio.books("2026-03-04T15:00", allow_unfunded=True)
    await studio.clock("2026-03-06T12:00")
    await studio.sweeps()
    assert await studio.status(booking) == "unfunded"
    await studio.buys(5)
    assert await studio.status(booking) == "booked"
    await studio.sweeps()
    assert await studio.status(booking) == "attended"


async def test_who_comes_without_funds_is_paid_for_then_or_refused(studio: Studio) -> None:
    """S2.4: attendance needs funds."""
    await studio.sells()
    await studio.buys(1)
    used = await studio.books("2026-03-05T15:00")
    booking = await studio.books("2026-03-04T15:00", allow_unfunded=True)
    assert (await studio.attends(booking)).code == "INSUFFICIENT_CREDITS"
    await studio.cancels(used)
    assert (await studio.attends(booking)).code == "attended"


@pytest.mark.parametrize("mode", ["hold", "booking", "attendance"])
async def test_previews_promise_what_commits_do(studio: Studio, mode: str) -> None:
    """S1.7: the same work, so the same numbers; a preview writes nothing."""
    rules = {"mode": mode, "no_show_fee_cents": 900, "late_tiers": [
        {"hours_before_from": 12, "forfeit_percent": 50, "fee_cents": 300},
    ]}  # fmt: skip
    await studio.sells(attendance=rules)
    await studio.buys(20)
    early, late, seen, missed, moved = [
        await studio.books(when, units=3)
        for when in (
            "2026-03-05T15:00", "2026-03-02T15:00", "2026-03-05T16:00", "2026-03-02T11:00",
            "2026-03-07T15:00",
        )
    ]  # fmt: skip
    for act in (
        lambda preview: studio.cancels(early, preview=preview),
        lambda preview: studio.cancels(late, preview=preview),
        lambda preview: studio.attends(seen, units=2, preview=preview),
        lambda preview: studio.misses(missed, preview=preview),
        lambda preview: studio.corrects(missed, "attended", preview=preview),
        lambda preview: studio.moves(moved, "2026-03-08T15:00", preview=preview),
    ):
        before = await _print(studio)
        promised = await act(True)
        assert await _print(studio) == before
        done = await act(False)
        assert (promised.code, _numbers(promised)) == (done.code, _numbers(done))


async def _print(studio: Studio) -> str:
    """Return a print of everything that an act about bookings writes."""
    parts = [
        await studio.owner.fetchval(
            f"select coalesce(md5(string_agg(t::text, '' order by t::text)), '')"
            f" from kotally.{table} t where t.location_id = $1",
            studio.location,
        )
        for table in ("bookings", "holds", "lots", "postings", "strikes", "fees", "requests")
    ]
    return msgspec.json.encode(parts).decode()


def _numbers(answer: Answer) -> dict[str, Any]:
    """Leave out the ids, which are made anew each time."""
    return {
        name: value
        for name, value in answer.said.items()
        if not name.endswith(("_id", "fees_waived", "funding"))
    }


@pytest.mark.parametrize(
    ("percent", "credits_", "can"), [(50, 1, False), (50, 2, True), (0, 1, True), (100, 1, True)]
)
def test_a_rule_that_can_never_forfeit_is_found(percent: int, credits_: int, *, can: bool) -> None:
    """S5.1: 50 % of weight 1 at scale 0."""
    assert can_forfeit(percent, credits_) is can

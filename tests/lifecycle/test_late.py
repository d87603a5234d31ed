"""A worker that comes days late decides what a timely one would have decided (S6.5, S14)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from kotally.db import Database
from kotally.worker import rounds, travel
from kotally.worker.loop import Worker
from kotally.worker.rounds import Round
from kotally.worker.sweeps import Sweep
from tests.lifecycle import acts, prints
from tests.lifecycle.conftest import Opened
from tests.lifecycle.studio import START, Studio, how

CLASS = datetime(2026, 2, 2, 15, tzinfo=UTC)
CLOSES = CLASS + timedelta(hours=25)  # a day after its end, a day before the freeze
A_DAY = timedelta(days=1)
SHORT_S = 0.3

Catch = Callable[[Studio], Awaitable[Any]]


async def looked(studio: Studio) -> None:
    while await Worker(studio.db).look():
        pass


async def read(studio: Studio) -> None:
    await studio.reads("ana")


async def unfunded_before_a_freeze(studio: Studio) -> None:
    """Book with a pack whose payment is disputed then; the membership could pay until Wednesday."""
    studio.learn(await acts.pay(studio, how("p1"), member="ana", product="ten", payment="p1"))
    await studio.waits(3 * A_DAY, is_punctual=True)
    bought = await acts.pay(studio, how("p2"), member="ana", product="eight", payment="p2")
    studio.know_membership(studio.learn(bought))
    wish: dict[str, Any] = {"external_ref": "yoga", "starts_at": CLASS}
    await acts.book(studio, how("b"), member="ana", **wish)
    disputed = await acts.dispute(studio, how("d"), payment=0, event="opened")
    assert disputed.code == "dispute_opened"
    frozen: dict[str, Any] = {"starts_on": date(2026, 2, 4), "days": 10, "mode": "keep"}
    await acts.freeze(studio, how("f"), membership=0, **frozen)


@pytest.mark.parametrize("catch_up", [looked, Studio.sweeps, read])
async def test_what_is_due_is_done_in_the_order_in_which_it_was_due(
    opened: Opened, catch_up: Catch
) -> None:
    """The booking closed before the freeze began, though both are written on the same day."""
    late, punctual = await opened(), await opened()
    for studio in (late, punctual):
        await unfunded_before_a_freeze(studio)
        await studio.waits(5 * A_DAY, is_punctual=studio is punctual)

    await catch_up(late)

    stands = await prints.state(late)
    assert prints.differences(stands, await prints.state(punctual)) == {}
    assert [booking[1] for booking in stands["bookings"]] == ["attended"]


async def test_what_a_late_sweep_does_is_recorded_when_it_is_done(studio: Studio) -> None:
    """Whoever reads the ledger page by page never has something written behind his back."""
    await acts.pay(studio, how("p"), member="ana", product="ten", payment="p")
    wish: dict[str, Any] = {"external_ref": "yoga", "starts_at": CLASS}
    await acts.book(studio, how("b"), member="ana", **wish)
    await studio.waits(8 * A_DAY, is_punctual=False)

    await studio.sweeps()

    captured = await studio.db.fetchrow(
        "select p.effective_at, p.recorded_at, r.recorded_at as remembered_at,"
        "       h.recorded_at as told_at, h.at as shown_at"
        "  from kotally.postings p"
        "  join kotally.requests r"
        "    on r.location_id = p.location_id and r.correlation_id = p.correlation_id"
        "  join kotally.happenings h"
        "    on h.location_id = p.location_id and h.correlation_id = p.correlation_id"
        " where p.location_id = $1 and p.kind = 'capture'",
        studio.location,
    )
    now = START + 8 * A_DAY
    assert captured is not None
    assert captured["effective_at"] == CLOSES
    recorded = ("recorded_at", "remembered_at", "told_at", "shown_at")
    assert [captured[name] for name in recorded] == [now] * 4


async def test_a_database_as_of_an_instant_has_no_later_time(studio: Studio) -> None:
    """Every call of it, and none of any other."""
    sql = "select kotally.location_now($1)"
    earlier = studio.db.as_of(START - A_DAY)

    assert await earlier.fetchval(sql, studio.location) == START - A_DAY
    assert (await earlier.fetch(sql, studio.location))[0][0] == START - A_DAY
    async with earlier.transaction() as tx:
        assert await tx.fetchval(sql, studio.location) == START - A_DAY
    assert await studio.db.as_of(START + A_DAY).fetchval(sql, studio.location) == START
    assert await studio.db.fetchval(sql, studio.location) == START


async def test_who_is_busy_keeps_nobody_elses_order(
    opened: Opened, lifecycle_owner: Database
) -> None:
    """Ana is held when her renewal is due: bob's period turns before his class of it closes."""
    studio = await opened()
    await acts.pay(studio, how("ana"), member="ana", product="four", payment="ana")
    await studio.waits(4 * A_DAY, is_punctual=True)
    await acts.pay(studio, how("bob"), member="bob", product="four", payment="bob")
    wish: dict[str, Any] = {
        "external_ref": "yoga",
        "starts_at": datetime(2026, 3, 3, 15, tzinfo=UTC),
    }
    booked = await acts.book(studio, how("b"), member="bob", **wish)
    assert Studio.read(booked)["status"] == "provisional"
    await studio.waits(33 * A_DAY, is_punctual=False)

    async with lifecycle_owner.transaction() as tx:
        await tx.execute(
            "select from kotally.balances b join kotally.contacts c"
            "  on c.location_id = b.location_id and c.id = b.contact_id"
            " where b.location_id = $1 and c.external_id = 'ana' for update of b",
            studio.location,
        )
        done = await rounds_of(studio)
        assert await standing(studio) == {"ana": (1, None), "bob": (2, "attended")}
    renewed, closed = datetime(2026, 3, 2, 5, tzinfo=UTC), datetime(2026, 3, 4, 16, tzinfo=UTC)
    found = [each for each in done if each[1] in {"renew_memberships", "close_bookings"}]
    assert found[:2] == [(renewed, "renew_memberships"), (closed, "close_bookings")]
    await studio.sweeps()
    assert await standing(studio) == {"ana": (2, None), "bob": (2, "attended")}


async def rounds_of(studio: Studio) -> list[tuple[datetime, str]]:
    """Do what is due, and say at which instants which sweeps found something to do."""
    done: list[tuple[datetime, str]] = []

    async def do(found: Round, sweep: Sweep) -> int:
        swept = await sweep.run(found.db, studio.location, limit=100)
        done.extend([(found.at, sweep.name)] * bool(swept.count))
        return swept.count

    await rounds.run(studio.db, studio.location, do, limit=1_000)
    return done


async def standing(studio: Studio) -> dict[str, tuple[int, str | None]]:
    rows = await studio.db.fetch(
        "select c.external_id, m.period_number, b.status"
        "  from kotally.memberships m"
        "  join kotally.contacts c on c.location_id = m.location_id and c.id = m.contact_id"
        "  left join kotally.bookings b"
        "    on b.location_id = m.location_id and b.contact_id = m.contact_id"
        " where m.location_id = $1",
        studio.location,
    )
    return {row["external_id"]: (row["period_number"], row["status"]) for row in rows}


async def test_one_worker_at_a_time_does_the_rounds_of_a_location(studio: Studio) -> None:
    """Another passes over the location and does the others; a time traveller waits."""
    await acts.pay(studio, how("p"), member="ana", product="ten", payment="p")
    await studio.waits(40 * A_DAY, is_punctual=False)

    async with studio.db.alone(f"rounds of {studio.location}") as is_ours:
        assert is_ours
        assert await Worker(studio.db).look() == 0
        waiting = asyncio.create_task(travel.run_due(studio.db, studio.location))
        await asyncio.wait([waiting], timeout=SHORT_S)
        assert not waiting.done()

    count, happenings = await waiting
    assert (count, [each.sweep for each in happenings]) == (1, ["expire_lots"])


async def test_an_expired_pack_is_no_longer_listed_though_no_sweep_has_come(
    studio: Studio,
) -> None:
    """S6.5: of what is over a summary names the twenty newest, before and after the sweep."""
    for number in range(21):
        payment = f"p{number}"
        await acts.pay(studio, how(payment), member="ana", product="ten", payment=payment)
    assert len((await studio.reads("ana"))["entitlements"]) == 21
    await studio.waits(40 * A_DAY, is_punctual=False)

    before = await studio.reads("ana")
    await studio.sweeps()

    assert (len(before["entitlements"]), before) == (20, await studio.reads("ana"))

"""What happens by itself: late, twice, by several workers, in the face of faults."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from importlib.resources import files

import pytest

from kotally.core.clock import monotonic_ns
from kotally.db import Database
from kotally.ledger import proofs, sweep_log
from kotally.ledger.swept import Swept
from kotally.worker import travel
from kotally.worker.loop import Worker
from kotally.worker.sweeps import SWEEPS, Sweep
from kotally.workspaces.refusals import Refused
from tests import make

MORNING = datetime(2026, 3, 1, 9, tzinfo=UTC)
PASS_S = 0.2
EXPIRY = datetime(2026, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
async def sandbox(owner_db: Database) -> str:
    """Give a sandbox with a contact whose five credits expire in three days."""
    location_id = await make.location(owner_db, clock=MORNING)
    await make.contact_with_lot(owner_db, location_id, credits_=5, expires_at=EXPIRY)
    return location_id


def test_every_due_name_has_its_sweep() -> None:
    """What `next_due` calls for is done by somebody, and nobody waits to be called for nothing."""
    sql = (files("kotally.sql") / "functions" / "due_after.sql").read_text()

    called = set(re.findall(r"select '(\w+)'", sql))

    assert called == {sweep.due for sweep in SWEEPS}


async def test_a_late_sweep_writes_what_a_timely_one_would_have(db: Database, sandbox: str) -> None:
    """S6.5: after three days without a worker the expiry carries the time at which it was due."""
    await _set_clock(db, sandbox, EXPIRY + timedelta(days=3))

    done = await Worker(db).look()

    assert done == 1
    posting = await db.fetchrow(
        "select kind, amount, effective_at from kotally.postings "
        "where location_id = $1 and kind = 'expire'",
        sandbox,
    )
    assert posting is not None
    assert (posting["amount"], posting["effective_at"]) == (-5, EXPIRY)
    assert (await proofs.prove(db, sandbox)).ok


async def test_two_workers_do_a_row_once(db: Database, sandbox: str) -> None:
    """Any number of workers may look at the same moment."""
    await _set_clock(db, sandbox, EXPIRY)

    await asyncio.gather(*(Worker(db).look() for _ in range(6)))

    count = await db.fetchval(
        "select count(*) from kotally.postings where location_id = $1 and kind = 'expire'", sandbox
    )
    assert count == 1


async def test_nothing_is_done_before_its_time(db: Database, sandbox: str) -> None:
    """A lot is good until the instant before its expiry (S6.1)."""
    await _set_clock(db, sandbox, EXPIRY - timedelta(microseconds=1))

    assert await Worker(db).look() == 0


async def test_a_failing_sweep_rests_and_stops_nobody_else(db: Database, sandbox: str) -> None:
    """The fault is in the log of sweeps; the others go on; the next look leaves it alone."""
    await _set_clock(db, sandbox, EXPIRY)
    calls: list[str] = []

    async def broken(db: Database, location_id: str, *, limit: int) -> Swept:
        calls.append(location_id)
        raise ValueError("broken on purpose")

    worker = Worker(db, sweeps=(Sweep("broken", "expire_lots", broken), *SWEEPS))

    assert await worker.look() == 1
    await worker.look()

    assert calls == [sandbox]
    found = {each.name: each for each in await sweep_log.statuses(db)}
    assert found["broken"].errors == 1
    assert "broken on purpose" in (found["broken"].last_error or "")
    assert found["expire_lots"].rows_done == 1


async def test_the_log_says_how_far_behind_the_sweeps_are(db: Database, sandbox: str) -> None:
    """An hour after it was due and not done, the lag is an hour by the location's clock."""
    await _set_clock(db, sandbox, EXPIRY + timedelta(hours=1))

    before = {each.name: each for each in await sweep_log.statuses(db)}
    await Worker(db).look()
    after = {each.name: each for each in await sweep_log.statuses(db)}

    assert (before["expire_lots"].locations_due, before["expire_lots"].lag_seconds) == (1, 3600)
    assert (after["expire_lots"].locations_due, after["expire_lots"].lag_seconds) == (0, 0)


async def test_a_worker_stops_when_it_is_told_to(db: Database, sandbox: str) -> None:
    """It finishes what it does and ends."""
    await _set_clock(db, sandbox, EXPIRY)
    worker = Worker(db)
    worker.start()
    async with asyncio.timeout(10):
        while await db.fetchval(  # noqa: ASYNC110 - another connection tells when
            "select available from kotally.balances where location_id = $1", sandbox
        ):
            await asyncio.sleep(0.05)

    async with asyncio.timeout(10):
        await worker.stop()


async def test_time_travel_stops_where_something_is_due(db: Database, sandbox: str) -> None:
    """The clock stands at the instant of the expiry when it happens, and goes on to the end."""
    to = EXPIRY + timedelta(days=30)

    happened = [each async for each in travel.advance(db, sandbox, to)]

    assert [(each.at, each.sweep) for each in happened if not isinstance(each, Refused)] == [
        (EXPIRY, "expire_lots")
    ]
    assert await db.fetchval("select kotally.location_now($1)", sandbox) == to


async def test_time_does_not_go_back(db: Database, sandbox: str) -> None:
    """A clock only moves forward."""
    happened = [each async for each in travel.advance(db, sandbox, MORNING - timedelta(days=1))]

    assert happened == []
    assert await db.fetchval("select kotally.location_now($1)", sandbox) == MORNING


async def _set_clock(db: Database, location_id: str, at: datetime) -> None:
    await db.execute("update kotally.locations set clock_at = $2 where id = $1", location_id, at)


async def test_sweeps_give_way_while_callers_wait(db: Database, sandbox: str) -> None:
    """After each pass the worker rests for longer than it took."""
    await _set_clock(db, sandbox, EXPIRY)
    ended: list[int] = []

    async def slow(db: Database, location_id: str, *, limit: int) -> Swept:
        del db, location_id, limit
        await asyncio.sleep(PASS_S)
        ended.append(monotonic_ns())
        return Swept(1 if len(ended) == 1 else 0)

    await Worker(db, sweeps=[Sweep("slow", "expire_lots", slow)], is_busy=lambda: True).look()

    assert ended[1] - ended[0] >= PASS_S * 2_900_000_000

"""Real concurrency: many connections at once, each with its own transaction."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Sequence
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from kotally.core.ids import new_id
from kotally.db import Database
from kotally.db.connections import Target, connect
from tests import make
from tests.ledger.desk import NOON, Desk
from tests.make import Act, Outcome

CALLERS = 50
# The workers of a parallel run share one server, which takes a hundred connections.
CONNECTIONS = 20 if "PYTEST_XDIST_WORKER" in os.environ else CALLERS
APPLY = "select * from kotally.apply($1, $2::kotally.act[])"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def crowd(ledger_target: Target) -> AsyncIterator[Database]:
    """Give a pool in which fifty callers have a connection each, all open already."""
    database = Database(ledger_target, pool_size=CONNECTIONS)
    await asyncio.gather(*(database.fetchval("select pg_sleep(0.05)") for _ in range(CONNECTIONS)))
    yield database
    await database.close()


async def raced(crowd: Database, desk: Desk, acts: Sequence[Act]) -> list[Outcome | str]:
    """Send each act by itself, all at once; a fault becomes the name of what it broke."""

    async def alone(act: Act) -> Outcome | str:
        try:
            return (await make.applied(crowd, desk.location, [act]))[0]
        except asyncpg.PostgresError as fault:
            found: Any = fault
            return found.constraint_name or found.sqlstate

    return await asyncio.gather(*map(alone, acts))


def counted(results: Sequence[Outcome | str]) -> dict[str, int]:
    """Count what came of a race."""
    return dict(Counter(one if isinstance(one, str) else one.code for one in results))


async def test_fifty_callers_want_the_last_credit(desk: Desk, crowd: Database) -> None:
    """S2, invariant 4: one gets it, the others are told; nobody fails."""
    lot = await desk.lot(1)

    results = await raced(crowd, desk, [make.deduct(1) for _ in range(CALLERS)])

    assert counted(results) == {"deducted": 1, "INSUFFICIENT_CREDITS": CALLERS - 1}
    assert await desk.buckets(lot) == {"issued": 1, "consumed": 1}


async def test_fifty_callers_empty_a_purse_to_the_last_credit(desk: Desk, crowd: Database) -> None:
    """No credit is lost and none is spent twice, over several lots."""
    for _ in range(3):
        await desk.lot(10)

    results = await raced(crowd, desk, [make.deduct(1 + n % 2) for n in range(CALLERS)])

    taken = sum(
        one.answer["credits"]
        for one in results
        if not isinstance(one, str) and "credits" in one.answer
    )
    assert (taken, await desk.balance()) == (30, (0, 0))


async def test_the_same_request_fifty_times(desk: Desk, crowd: Database) -> None:
    """S15.1, invariant 7: one effect, and fifty times the one answer."""
    await desk.lot(CALLERS)
    act = make.deduct(1)
    copies = [act._replace(id=new_id(), correlation_id=new_id()) for _ in range(CALLERS)]

    results = await raced(crowd, desk, copies)

    answers = {one.text for one in results if not isinstance(one, str)}
    assert counted(results) == {"deducted": CALLERS}
    assert len(answers) == 1
    assert sum(not one.replayed for one in results if not isinstance(one, str)) == 1
    assert await desk.balance() == (CALLERS - 1, 0)


async def test_the_same_key_with_other_bodies(desk: Desk, crowd: Database) -> None:
    """S15.1: one body wins, the others are conflicts."""
    await desk.lot(CALLERS)
    acts = [make.deduct(1 + n % 5, request_id="one") for n in range(CALLERS)]

    results = await raced(crowd, desk, acts)

    assert counted(results) == {
        "deducted": CALLERS // 5,
        "IDEMPOTENCY_CONFLICT": CALLERS - CALLERS // 5,
    }
    assert len(await desk.history()) == 2


async def test_the_same_key_for_other_contacts(desk: Desk, crowd: Database) -> None:
    """
    S15.1 across contacts, whose locks do not exclude each other: the key itself does.

    Who loses the race breaks a constraint of the key, is rolled back whole, and hears of the
    conflict when it is tried again; the writer does that.
    """
    desks = [desk.of(f"member {n}") for n in range(10)]
    for one in desks:
        await one.lot(1)
    acts = [make.deduct(1, one.contact, request_id="one") for one in desks]

    results = await raced(crowd, desk, acts)
    again = await raced(crowd, desk, acts)

    keys = {"requests_pkey", "postings_request_key"}
    assert set(counted(results)) <= {"deducted", "IDEMPOTENCY_CONFLICT", *keys}
    assert counted(results)["deducted"] == 1
    assert counted(again) == {"deducted": 1, "IDEMPOTENCY_CONFLICT": 9}
    assert sum([(await one.balance())[0] for one in desks]) == 9


async def test_one_booking_fifty_times(desk: Desk, crowd: Database) -> None:
    """S15.3: one booking is taken once, whatever the requests are called."""
    await desk.lot(CALLERS)

    results = await raced(crowd, desk, [make.hold(1, external_ref="bk") for _ in range(CALLERS)])

    assert counted(results) == {"held": 1, "DUPLICATE_EVENT": CALLERS - 1}
    assert len({one.answer["hold_id"] for one in results if not isinstance(one, str)}) == 1


async def test_one_hold_is_settled_once(desk: Desk, crowd: Database) -> None:
    """S2.2: captures and releases of one hold at once; one of them ends it."""
    await desk.lot(5)
    held = await desk.hold(3)
    acts = [
        make.act(("capture", "release")[n % 2], hold_id=held.answer["hold_id"])
        for n in range(CALLERS)
    ]

    results = counted(await raced(crowd, desk, acts))

    assert results.pop("HOLD_ALREADY_CLOSED") == CALLERS - 1
    assert list(results.values()) == [1]
    assert await desk.balance() == ((2, 0) if "captured" in results else (5, 0))


async def test_one_deduction_is_restored_once(desk: Desk, crowd: Database) -> None:
    """S4.3, invariant 8: never more comes back than was taken."""
    await desk.lot(5)
    await desk.deduct(3, external_ref="bk")

    results = await raced(crowd, desk, [make.restore(1, external_ref="bk") for _ in range(CALLERS)])

    assert counted(results) == {"restored": 3, "ALREADY_RESTORED": CALLERS - 3}
    assert await desk.balance() == (5, 0)


async def test_one_payment_is_granted_once(desk: Desk, crowd: Database) -> None:
    """S15.3, S9.1: the same sale reported by many at once, for a contact nobody knew before."""
    await make.product(desk.db, desk.location)

    results = await raced(crowd, desk, [make.grant(5, payment="pay") for _ in range(CALLERS)])

    assert counted(results) == {"grant_applied": 1, "DUPLICATE_EVENT": CALLERS - 1}
    assert await desk.balance() == (5, 0)
    assert (
        await desk.db.fetchval(
            "select count(*) from kotally.contacts where location_id = $1", desk.location
        )
        == 1
    )


async def test_one_payment_for_many_contacts(desk: Desk, crowd: Database) -> None:
    """S15.3 across contacts: the payment's own key decides; who lost is told at the next try."""
    await make.product(desk.db, desk.location)
    acts = [make.grant(5, f"member {n}", payment="pay") for n in range(10)]

    results = await raced(crowd, desk, acts)
    again = await raced(crowd, desk, acts)

    assert set(counted(results)) <= {"grant_applied", "DUPLICATE_EVENT", "payments_reference_key"}
    assert counted(results)["grant_applied"] == 1
    assert counted(again) == {"grant_applied": 1, "DUPLICATE_EVENT": 9}


async def test_many_grants_for_a_contact_nobody_knew(desk: Desk, crowd: Database) -> None:
    """Each payment counts, and the contact is made once."""
    await make.product(desk.db, desk.location)

    results = await raced(crowd, desk, [make.grant(1) for _ in range(CALLERS)])

    assert counted(results) == {"grant_applied": CALLERS}
    assert await desk.balance() == (CALLERS, 0)


async def is_waiting(owner: Database, pid: int) -> bool:
    """Tell whether a connection waits for a lock."""
    return await owner.fetchval("select cardinality(pg_blocking_pids($1)) > 0", pid)


async def until_waiting(owner: Database, pid: int) -> None:
    """Wait until a connection waits for a lock."""
    for _ in range(200):
        if await is_waiting(owner, pid):
            return
        await asyncio.sleep(0.01)
    pytest.fail("nobody waits")


@pytest.mark.parametrize("is_crossed", [False, True])
async def test_crossed_batches_wait_but_do_not_deadlock(
    desk: Desk, ledger_target: Target, is_crossed: bool
) -> None:
    """Locks are taken in one order: two batches that name the contacts in another both finish."""
    names = ["ana", "bob", "eve"]
    for name in names:
        await desk.of(name).lot(2)
    batches = [[make.deduct(1, name) for name in names] for _ in range(2)]
    if is_crossed:
        batches[1].reverse()
    one, two = [await connect(ledger_target) for _ in range(2)]

    async with one.transaction():
        await one.fetch(APPLY, desk.location, batches[0])
        waiting = asyncio.create_task(two.fetch(APPLY, desk.location, batches[1]))
        await until_waiting(desk.owner, two.get_server_pid())
        # While the other waits, the first still takes what it holds already.
        await one.fetch(APPLY, desk.location, [make.deduct(1, "nobody"), make.deduct(9, "eve")])
    rows = await waiting

    assert [row["code"] for row in rows] == ["deducted"] * 3
    assert [await desk.of(name).balance() for name in names] == [(0, 0)] * 3
    await asyncio.gather(one.close(), two.close())


async def test_batches_over_the_same_contacts_never_deadlock(desk: Desk, crowd: Database) -> None:
    """Shuffled batches of known and new contacts from many connections, all of which finish."""
    await make.product(desk.db, desk.location)
    names = [f"member {n}" for n in range(12)]
    for name in names[:6]:
        await desk.of(name).lot(50)

    async def batch(number: int) -> list[Outcome]:
        order = [names[(number * 5 + step * 7) % 12] for step in range(12)]
        acts = [
            make.grant(1, name) if (number + step) % 3 == 0 else make.deduct(1, name)
            for step, name in enumerate(order)
        ]
        return await make.applied(crowd, desk.location, acts)

    results = await asyncio.gather(*map(batch, range(30)))

    codes = Counter(outcome.code for outcomes in results for outcome in outcomes)
    assert set(codes) <= {"deducted", "grant_applied", "NO_ENTITLEMENT", "INSUFFICIENT_CREDITS"}
    assert codes["grant_applied"] == 120


async def test_who_waits_too_long_is_told(desk: Desk, ledger_target: Target) -> None:
    """S15.1: a lock that is not free within two seconds gives up, and nothing was written."""
    await desk.lot(2)
    one, two = [await connect(ledger_target) for _ in range(2)]
    await two.execute("set lock_timeout = '100ms'")

    async with one.transaction():
        await one.fetch(APPLY, desk.location, [make.deduct(1)])
        with pytest.raises(asyncpg.LockNotAvailableError):
            await two.fetch(APPLY, desk.location, [make.deduct(1)])

    assert await desk.balance() == (1, 0)
    await asyncio.gather(one.close(), two.close())


async def test_a_check_waits_for_nobody(desk: Desk, ledger_target: Target) -> None:
    """S3.6: it reads what is committed while somebody holds the contact."""
    await desk.lot(2)
    one, two = [await connect(ledger_target) for _ in range(2)]
    await two.execute("set lock_timeout = '100ms'")

    async with one.transaction():
        await one.fetch(APPLY, desk.location, [make.deduct(2)])
        rows = await two.fetch(
            "select * from kotally.check($1, $2::kotally.act[])", desk.location, [make.check(2)]
        )

    assert rows[0]["code"] == "eligible"
    await asyncio.gather(one.close(), two.close())


async def test_sweeps_and_deductions_at_once(desk: Desk, crowd: Database) -> None:
    """S6.5: no credit is both spent and expired, however they meet."""
    desks = [desk.of(f"member {n}") for n in range(10)]
    for one in desks:
        await one.lot(3, expires_at=NOON)
        await one.lot(3)
        await one.hold(1, ttl=1)
    await desk.set_clock(NOON.replace(minute=1))

    def sweep(name: str) -> Awaitable[int]:
        return crowd.fetchval(f"select kotally.{name}($1, 3)", desk.location)  # pyright: ignore[reportArgumentType] - one of two names

    work: list[Awaitable[Any]] = []
    for one in desks:
        work += [
            make.applied(crowd, desk.location, [make.deduct(1, one.contact)]),
            make.applied(crowd, desk.location, [make.deduct(2, one.contact)]),
            sweep("expire_lots"),
            sweep("lapse_holds"),
        ]
    done = await asyncio.gather(*work)

    codes = Counter(one[0].code for one in done if isinstance(one, list))
    assert codes == {"deducted": 20}
    while await sweep("expire_lots") or await sweep("lapse_holds"):
        pass
    assert [await one.balance() for one in desks] == [(0, 0)] * 10

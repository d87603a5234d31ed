"""Connections: bounded, reused without a word, opened again after they were lost."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime

import asyncpg
import msgspec
import pytest

from kotally.config import Secret
from kotally.core.ids import new_id
from kotally.db import Database, DatabaseBusy, DatabaseUnavailable
from kotally.db.connections import Target, connect

PID = "select pg_backend_pid()"


class Pair(msgspec.Struct, frozen=True):
    """A row to read into."""

    a: int
    b: str | None


async def kill_others(target: Target) -> None:
    """End every connection to the database from outside, as a restart would."""
    connection = await connect(target, role=None)
    await connection.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()"
    )
    await connection.close()
    await asyncio.sleep(0.05)


async def test_values_come_back_as_what_they_are(plain: Database) -> None:
    made = new_id()

    row = await plain.fetchrow(
        "select $1::uuid as id, $2::jsonb as j, now() as at, $3::bigint[] as n",
        made,
        {"a": [1]},
        [2],
    )

    assert row is not None
    assert isinstance(row["id"], uuid.UUID)
    assert (row["id"], row["j"], row["n"]) == (made, {"a": [1]}, [2])
    assert row["at"].tzinfo is UTC
    assert abs((datetime.now(UTC) - row["at"]).total_seconds()) < 60


async def test_rows_become_structs_by_name(plain: Database) -> None:
    assert await plain.rows(Pair, "select 'x' as b, 1 as a") == [Pair(1, "x")]
    assert await plain.one(Pair, "select 1 as a, null as b") == Pair(1, None)
    assert await plain.one(Pair, "select 1 as a, null as b where false") is None
    with pytest.raises(TypeError):
        await plain.one(Pair, "select 1 as a, 2 as c")


async def test_the_session_is_ours(plain: Database) -> None:
    shown = await plain.fetchrow(
        "select current_setting('timezone') as zone, current_setting('lock_timeout') as locks,"
        " current_setting('statement_timeout') as long, current_setting('search_path') as path"
    )

    assert shown is not None
    assert tuple(shown) == ("UTC", "2s", "15s", "pg_catalog, pg_temp")


async def test_no_more_connections_than_the_size(plain: Database) -> None:
    pids = await asyncio.gather(
        *(plain.fetchval("select pg_backend_pid() from pg_sleep(0.01)") for _ in range(20))
    )

    assert len(set(pids)) == 2


async def test_a_transaction_commits_or_leaves_nothing(plain: Database) -> None:
    await plain.execute("create table public.t (id int)")

    async with plain.transaction() as tx:
        await tx.execute("insert into public.t values (1)")
    with pytest.raises(ZeroDivisionError):
        await write_and_fail(plain, ZeroDivisionError())

    assert await plain.fetchval("select array_agg(id) from public.t") == [1]


async def write_and_fail(database: Database, fault: Exception) -> None:
    """Open a transaction, write in it, and raise."""
    async with database.transaction() as tx:
        await tx.execute("insert into public.t values (2)")
        raise fault


async def test_others_faults_inside_a_transaction_stay_theirs(plain: Database) -> None:
    await plain.execute("create table public.t (id int)")
    for fault in (OSError("a file"), TimeoutError("a web call")):
        with pytest.raises(type(fault)):
            await write_and_fail(plain, fault)
    assert await plain.fetchval("select 1") == 1


async def test_a_snapshot_sees_one_instant_and_writes_nothing(plain: Database) -> None:
    await plain.execute("create table public.t (id int)")

    async with plain.snapshot() as tx:
        before = await tx.fetchval("select count(*) from public.t")
        await plain.execute("insert into public.t values (1)")
        assert await tx.fetchval("select count(*) from public.t") == before == 0
        assert [row["i"] async for row in tx.stream("select generate_series(1, 3) as i")] == [
            1,
            2,
            3,
        ]
    with pytest.raises(DatabaseUnavailable, match="read-only"):
        async with plain.snapshot() as tx:
            await tx.execute("insert into public.t values (2)")


async def test_a_cancelled_call_leaves_the_pool_whole(plain: Database) -> None:
    for _ in range(4):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await plain.fetchval("select pg_sleep(5)")

    assert await asyncio.gather(*(plain.fetchval("select 7") for _ in range(4))) == [7] * 4


async def test_cancelled_waiters_lose_no_connection(plain: Database) -> None:
    holders = [asyncio.create_task(plain.fetchval("select pg_sleep(0.1)")) for _ in range(2)]
    await asyncio.sleep(0.02)
    waiters = [asyncio.create_task(plain.fetchval("select 1")) for _ in range(6)]
    await asyncio.sleep(0.02)
    for waiter in waiters[::2]:
        waiter.cancel()

    done = await asyncio.gather(*holders, *waiters, return_exceptions=True)

    assert [answer for answer in done[2:] if answer == 1] == [1, 1, 1]
    assert await asyncio.gather(*(plain.fetchval("select 7") for _ in range(4))) == [7] * 4


async def test_idle_connections_that_were_lost_are_replaced_unseen(
    plain: Database, blank: Target
) -> None:
    before = await plain.fetchval(PID)

    await kill_others(blank)

    assert await plain.fetchval(PID) != before


async def test_a_connection_lost_during_a_call_is_unavailable_and_then_well(
    plain: Database, blank: Target
) -> None:
    call = asyncio.create_task(plain.fetchval("select pg_sleep(5)"))
    await asyncio.sleep(0.1)

    await kill_others(blank)

    with pytest.raises(DatabaseUnavailable):
        await call
    assert await plain.fetchval("select 1") == 1


async def test_a_commit_that_gets_no_answer_is_unavailable(plain: Database, blank: Target) -> None:
    async def lose_it_before_the_commit() -> None:
        async with plain.transaction() as tx:
            await tx.execute("select 1")
            await kill_others(blank)

    with pytest.raises(DatabaseUnavailable):
        await lose_it_before_the_commit()
    assert await plain.fetchval("select 1") == 1


async def test_a_lock_that_does_not_come_is_busy(plain: Database) -> None:
    await plain.execute("create table public.t (id int)")

    async with plain.transaction() as tx:
        await tx.execute("lock table public.t")
        with pytest.raises(DatabaseBusy):
            await plain.fetchval("select count(*) from public.t")


async def test_nobody_there_is_unavailable_at_once(tmp_path: object) -> None:
    away = Database(Target(url=Secret("postgresql://nobody:x@127.0.0.1:1/none")), role=None)

    for _ in range(3):
        with pytest.raises(DatabaseUnavailable):
            await away.fetchval("select 1")
    await away.close()


async def test_a_pool_in_full_use_is_unavailable(
    plain: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kotally.db.pool.ACQUIRE_TIMEOUT_S", 0.05)
    async with plain.transaction(), plain.transaction():
        with pytest.raises(DatabaseUnavailable, match="every database connection is in use"):
            await plain.fetchval("select 1")

    assert await plain.fetchval("select 1") == 1


async def test_the_message_of_a_lost_server_holds_no_password() -> None:
    away = Database(Target(url=Secret("postgresql://u:hush@127.0.0.1:1/none")), role=None)

    with pytest.raises(DatabaseUnavailable) as caught:
        await away.fetchval("select 1")

    assert "hush" not in repr(caught.value)
    assert "hush" not in repr(away.target)


async def test_a_dedicated_line_keeps_its_statement_and_comes_back(
    plain: Database, blank: Target
) -> None:
    line = plain.dedicated("writer")
    first = await line.fetchval(PID)
    assert await line.fetchval(PID) == first
    assert await line.fetchval("select current_setting('application_name')") == "writer"

    await kill_others(blank)

    assert await line.fetchval(PID) != first
    call = asyncio.create_task(line.fetchval("select pg_sleep(5)"))
    await asyncio.sleep(0.1)
    await kill_others(blank)
    with pytest.raises(DatabaseUnavailable):
        await call
    assert await line.fetchval("select 1") == 1
    await line.close()


async def test_a_dedicated_line_survives_a_changed_result(plain: Database) -> None:
    line = plain.dedicated("writer")
    await plain.execute("create table public.t (id int)")
    await plain.execute("insert into public.t values (1)")
    assert await line.fetchrow("select * from public.t") == (1,)

    await plain.execute("alter table public.t add b int default 2")

    assert await line.fetchrow("select * from public.t") == (1, 2)
    await line.close()


async def test_a_wrong_statement_is_a_fault_and_harms_nobody(plain: Database) -> None:
    line = plain.dedicated("writer")
    with pytest.raises(asyncpg.UndefinedColumnError):
        await line.fetchval("select wrong")
    with pytest.raises(asyncpg.UndefinedColumnError):
        await plain.fetchval("select wrong")
    assert await line.fetchval("select 1") == await plain.fetchval("select 1") == 1
    await line.close()

"""Reads that go together: each gets its own answer, and one that fails fails alone."""

from __future__ import annotations

import asyncio
from typing import Any

from kotally.db import BatchedRead, Database, DatabaseUnavailable

ECHO = """
  select a.ordinality::integer as ord, $1::text as location, a.value as asked,
         12 / (a.value - 13) as share, statement_timestamp() as at
    from unnest($2::integer[]) with ordinality a (value)
   order by a.ordinality desc
"""


async def test_each_question_gets_its_own_answer_whatever_the_order(db: Database) -> None:
    read = BatchedRead(db, ECHO)

    rows = await asyncio.gather(*(read.ask("here", number) for number in range(20, 90)))

    assert [row["asked"] for row in rows] == list(range(20, 90))


async def test_questions_that_arrive_together_share_a_statement(db: Database) -> None:
    read = BatchedRead(db, ECHO)

    rows = await asyncio.gather(*(read.ask("here", number) for number in range(20, 52)))

    assert len({row["at"] for row in rows}) == 1


async def test_locations_never_share_a_statement(db: Database) -> None:
    read = BatchedRead(db, ECHO)
    places = [f"place {number % 3}" for number in range(30)]

    rows = await asyncio.gather(*(read.ask(place, 20 + n) for n, place in enumerate(places)))

    assert [(row["location"], row["asked"]) for row in rows] == [
        (place, 20 + n) for n, place in enumerate(places)
    ]
    assert len({row["at"] for row in rows}) >= 3


async def test_a_question_that_fails_fails_alone(db: Database) -> None:
    read = BatchedRead(db, ECHO)

    rows: list[Any] = await asyncio.gather(
        *(read.ask("here", number) for number in (1, 13, 14)), return_exceptions=True
    )

    assert [rows[0]["share"], rows[2]["share"]] == [-1, 12]
    assert "division by zero" in str(rows[1])


async def test_who_leaves_takes_nobody_along(db: Database) -> None:
    read = BatchedRead(db, ECHO)
    leaving = asyncio.create_task(read.ask("here", 20))
    staying = asyncio.create_task(read.ask("here", 21))
    await asyncio.sleep(0)

    leaving.cancel()

    assert (await staying)["asked"] == 21
    assert leaving.cancelled()


async def test_more_than_may_wait_are_told_at_once(db: Database) -> None:
    read = BatchedRead(db, ECHO, waiting_max=3)

    found = await asyncio.gather(
        *(read.ask("here", number) for number in range(20, 25)), return_exceptions=True
    )

    assert [isinstance(each, DatabaseUnavailable) for each in found] == [False] * 3 + [True] * 2
    assert (await read.ask("here", 30))["asked"] == 30


async def test_a_database_that_is_away_is_away_for_all_of_them(db: Database) -> None:
    gone = Database(db.target)
    await gone.close()
    read = BatchedRead(gone, ECHO)

    found = await asyncio.gather(read.ask("here", 1), read.ask("here", 2), return_exceptions=True)

    assert all(isinstance(each, DatabaseUnavailable) for each in found)


async def test_a_statement_that_forgets_a_question_leaves_nobody_waiting(db: Database) -> None:
    read = BatchedRead(
        db, "select 1 as ord where $1::text <> '' and cardinality($2::integer[]) > 0"
    )

    first, second = await asyncio.gather(
        read.ask("here", 1), read.ask("here", 2), return_exceptions=True
    )

    assert not isinstance(first, BaseException)
    assert isinstance(second, RuntimeError)

"""
Reads of one kind that arrive together, asked by one statement.

To start and end a statement costs the database more than to answer a short one, so readers share
it: one alone is asked at once, and those that come while the lanes are busy go together next.
Nobody waits for a timer. Each sees at least what was committed when it asked.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, Final, LiteralString

import asyncpg
from msgspec import Struct

from kotally.db.database import Database
from kotally.db.faults import DatabaseUnavailable

LANES: Final = 2
BATCH_MAX: Final = 32  # beyond this nothing is gained, and the first waits for the last
WAITING_MAX: Final = 4_000


class _Question(Struct):
    location_id: str
    asked: Any
    answer: asyncio.Future[asyncpg.Record]


class BatchedRead:
    """
    A statement that answers many questions about a location.

    It takes the location as `$1` and the questions as the array `$2`, and returns a row for each,
    whose `ord` is the question's place from 1. Only for reads: what fails is asked again.
    """

    def __init__(self, db: Database, sql: LiteralString, *, waiting_max: int = WAITING_MAX) -> None:
        self._db: Database = db
        self._sql: LiteralString = sql
        self._waiting_max: int = waiting_max
        self._waiting: deque[_Question] = deque()
        self._running: set[asyncio.Task[None]] = set()

    async def ask(self, location_id: str, asked: Any) -> asyncpg.Record:
        """
        Return the row that answers a question.

        Raises DatabaseUnavailable, also when more questions wait than may.
        """
        if len(self._waiting) >= self._waiting_max:
            raise DatabaseUnavailable(f"{len(self._waiting)} reads are waiting")
        question = _Question(location_id, asked, asyncio.get_running_loop().create_future())
        self._waiting.append(question)
        if len(self._running) < LANES:
            lane = asyncio.create_task(self._run())
            self._running.add(lane)
            lane.add_done_callback(self._running.discard)
        return await question.answer

    async def _run(self) -> None:
        # One turn of the loop lets all requests that have just arrived join.
        await asyncio.sleep(0)
        while self._waiting:
            await self._answer(self._next_batch())

    def _next_batch(self) -> list[_Question]:
        """Take what waits for the location at the head, up to the limit."""
        location_id = self._waiting[0].location_id
        batch, others = list[_Question](), deque[_Question]()
        while self._waiting and len(batch) < BATCH_MAX:
            question = self._waiting.popleft()
            (batch if question.location_id == location_id else others).append(question)
        self._waiting.extendleft(reversed(others))
        return batch

    async def _answer(self, batch: list[_Question]) -> None:
        try:
            rows = await self._db.fetch(
                self._sql, batch[0].location_id, [question.asked for question in batch]
            )
        except Exception as fault:  # noqa: BLE001 - whatever it is, each question gets its own answer
            if len(batch) == 1 or isinstance(fault, DatabaseUnavailable):
                _fail(batch, fault)
                return
            for question in batch:
                await self._answer([question])
        else:
            for row in rows:
                place: int = row["ord"]
                # A caller who has left has cancelled this future and nothing else.
                if not (answer := batch[place - 1].answer).done():
                    answer.set_result(row)
            _fail(batch, RuntimeError(f"{len(rows)} rows answer {len(batch)} questions"))


def _fail(batch: list[_Question], fault: Exception) -> None:
    """Answer whoever has no answer yet."""
    for question in batch:
        if not question.answer.done():
            question.answer.set_exception(fault)

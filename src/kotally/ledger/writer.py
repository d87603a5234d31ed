"""
The group-commit writer: the way of every act into the ledger.

Acts that arrive while a batch is being committed form the next one by themselves, so a batch is
one act when the server is idle and hundreds under load, and nobody waits for a timer. A caller is
answered only after the commit. All acts of a contact go down one lane: a busy contact costs one
lock and one disk flush a batch, and two lanes never wait for each other.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Sequence
from typing import Any, Final, LiteralString
from uuid import UUID
from zlib import crc32

import msgspec
import structlog
from msgspec import Struct

from kotally.db import Database, DatabaseBusy, DatabaseUnavailable, Dedicated
from kotally.ledger.acts import Act, Outcome

# Each lane keeps a core of the database busy, and who forms the batches needs one too: on two
# cores a second lane costs a fifth of the throughput.
LANES: Final = max(1, min(2, (os.cpu_count() or 1) // 2))
BATCH_MAX: Final = 200  # beyond this a batch gains a tenth of throughput for nine times the wait
QUEUE_MAX: Final = 4_000
# When the planner is asked to look again: early in an empty database, then ever more rarely.
REFRESH_FIRST: Final = 100
REFRESH_FACTOR: Final = 3

Record = Any  # a row of kotally.outcome, which asyncpg types as a mapping though it unpacks

_APPLY: Final[LiteralString] = "select * from kotally.apply($1, $2::kotally.act[])"
_REFUSED_WHOLE: Final = "KT001"
_BUSY: Final = "REQUEST_IN_PROGRESS"

_log = structlog.get_logger("kotally.writer")


class WriterFull(Exception):
    """More acts are waiting than the queue may hold; nothing was written, try again shortly."""


class BatchRefused(Exception):
    """An atomic batch was not carried out, because of the act at `place` (from 0)."""

    def __init__(self, place: int, outcome: Outcome) -> None:
        super().__init__(f"act {place} was refused: {outcome.code}")
        self.place: int = place
        self.outcome: Outcome = outcome


class WriterStats(Struct):
    """What the writer has done since it started."""

    batches: int = 0
    acts: int = 0
    redone: int = 0
    waiting: int = 0
    refresh_at: int = REFRESH_FIRST


class _Group(Struct):
    """Acts of one caller for one lane, answered together."""

    location_id: str
    acts: Sequence[Act]
    answer: asyncio.Future[list[Outcome]]


class Writer:
    """Carries out acts in batches; start it before use and stop it to finish what was accepted."""

    def __init__(self, db: Database, *, lanes: int = LANES, queue_max: int = QUEUE_MAX) -> None:
        self.stats: WriterStats = WriterStats()
        self._db: Database = db
        self._queue_max: int = queue_max
        self._lanes: list[_Lane] = [_Lane(db, number, self.stats) for number in range(lanes)]

    async def start(self) -> None:
        """Open the lanes."""
        for lane in self._lanes:
            lane.start()

    async def stop(self) -> None:
        """Finish everything that was accepted, then close the lanes."""
        await asyncio.gather(*(lane.stop() for lane in self._lanes))

    async def submit(self, location_id: str, act: Act) -> Outcome:
        """
        Carry out one act and answer after its commit.

        Raises WriterFull before anything was accepted, DatabaseUnavailable when it is not known
        whether it was done: the same request again gets the one true answer.
        """
        return (await self._enqueue(self._lane(location_id, act), location_id, [act]))[0]

    async def submit_all(self, location_id: str, acts: Sequence[Act]) -> list[Outcome]:
        """Carry out acts, each by itself, in order for each contact; answers in their order."""
        shares: dict[_Lane, list[int]] = {}
        for place, act in enumerate(acts):
            shares.setdefault(self._lane(location_id, act), []).append(place)
        answers = await asyncio.gather(
            *(
                self._enqueue(lane, location_id, [acts[place] for place in places])
                for lane, places in shares.items()
            )
        )
        outcomes: dict[int, Outcome] = {}
        for places, answer in zip(shares.values(), answers, strict=True):
            outcomes.update(zip(places, answer, strict=True))
        return [outcomes[place] for place in range(len(acts))]

    async def submit_whole(self, location_id: str, acts: Sequence[Act]) -> list[Outcome]:
        """Carry out all acts or none, in one transaction; raises BatchRefused at a refusal."""
        async with self._db.transaction() as tx:
            try:
                rows = await tx.fetch(
                    "select * from kotally.apply($1, $2::kotally.act[], true)",
                    location_id,
                    [msgspec.structs.astuple(act) for act in acts],
                )
            except Exception as fault:
                if getattr(fault, "sqlstate", None) != _REFUSED_WHOLE:
                    raise
                raise _refused(getattr(fault, "detail", "")) from fault
        return _in_order(rows)

    def _lane(self, location_id: str, act: Act) -> _Lane:
        name = f"{location_id} {act.external_contact_id}"
        return self._lanes[crc32(name.encode()) % len(self._lanes)]

    async def _enqueue(self, lane: _Lane, location_id: str, acts: Sequence[Act]) -> list[Outcome]:
        if self.stats.waiting + len(acts) > self._queue_max:
            raise WriterFull(f"{self.stats.waiting} acts are waiting")
        group = _Group(location_id, acts, asyncio.get_running_loop().create_future())
        self.stats.waiting += len(acts)
        lane.add(group)
        # A caller who leaves cancels this future and nothing else: the batch goes on without it.
        return await group.answer


class _Lane:
    """One connection and the acts that wait for it."""

    def __init__(self, db: Database, number: int, stats: WriterStats) -> None:
        self._connection: Dedicated = db.dedicated(f"kotally writer {number}")
        self._stats: WriterStats = stats
        self._waiting: deque[_Group] = deque()
        self._wake: asyncio.Event = asyncio.Event()
        self._is_stopping: bool = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        self._is_stopping = True
        self._wake.set()
        if self._task is not None:
            await self._task
        await self._connection.close()

    def add(self, group: _Group) -> None:
        self._waiting.append(group)
        self._wake.set()

    async def _run(self) -> None:
        while self._waiting or not self._is_stopping:
            if not self._waiting:
                self._wake.clear()
                await self._wake.wait()
                # One turn of the loop lets all requests that have just arrived join.
                await asyncio.sleep(0)
                continue
            await self._commit(self._next_batch())
            if self._stats.acts >= self._stats.refresh_at:
                await self._refresh()

    async def _refresh(self) -> None:
        """Keep plans good while an empty database fills faster than autovacuum looks."""
        self._stats.refresh_at = self._stats.acts * REFRESH_FACTOR
        try:
            await self._connection.fetchval("select kotally.refresh_statistics()")
        except DatabaseUnavailable as fault:
            _log.warning("statistics not refreshed", fault=repr(fault))

    def _next_batch(self) -> list[_Group]:
        """Take what waits for the location at the head, in order, up to the limit."""
        first = self._waiting.popleft()
        batch, size, others = [first], len(first.acts), deque[_Group]()
        while self._waiting and size < BATCH_MAX:
            group = self._waiting.popleft()
            if group.location_id == first.location_id:
                batch.append(group)
                size += len(group.acts)
            else:
                others.append(group)
        self._waiting.extendleft(reversed(others))
        return batch

    async def _commit(self, batch: list[_Group]) -> None:
        acts = [act for group in batch for act in group.acts]
        try:
            outcomes = await self._apply(batch[0].location_id, acts)
        except DatabaseBusy:
            contacts = {act.external_contact_id for act in acts}
            # When all want the same contact it is known who is busy; none need wait once more.
            await self._one_by_one(batch, busy=contacts if len(contacts) == 1 else set())
        except DatabaseUnavailable as fault:
            self._fail(batch, fault)
        except Exception as fault:  # noqa: BLE001 - whatever it is, each act must get its own answer
            _log.warning("batch redone one by one", acts=len(acts), fault=repr(fault))
            await self._one_by_one(batch, busy=set())
        else:
            start = 0
            for group in batch:
                end = start + len(group.acts)
                self._answer(group, outcomes[start:end])
                start = end

    async def _apply(self, location_id: str, acts: Sequence[Act]) -> list[Outcome]:
        rows = await self._connection.fetch(
            _APPLY, location_id, [msgspec.structs.astuple(act) for act in acts]
        )
        self._stats.batches += 1
        self._stats.acts += len(acts)
        return _in_order(rows)

    async def _one_by_one(self, batch: list[_Group], *, busy: set[str | None]) -> None:
        """Redo a batch act by act, so that one that cannot be done fails alone."""
        for group in batch:
            try:
                outcomes = [await self._alone(group.location_id, act, busy) for act in group.acts]
            except Exception as fault:  # noqa: BLE001 - handed to the caller, who reports it
                self._fail([group], fault)
            else:
                self._answer(group, outcomes)

    async def _alone(self, location_id: str, act: Act, busy: set[str | None]) -> Outcome:
        self._stats.redone += 1
        # Somebody else holds the contact: whoever wants the same one need not wait again.
        if act.external_contact_id not in busy:
            try:
                return (await self._apply(location_id, [act]))[0]
            except DatabaseBusy:
                busy.add(act.external_contact_id)
        return Outcome(_BUSY, replayed=False, correlation_id=act.correlation_id, answer="{}")

    def _answer(self, group: _Group, outcomes: list[Outcome]) -> None:
        self._stats.waiting -= len(group.acts)
        if not group.answer.done():
            group.answer.set_result(outcomes)

    def _fail(self, batch: list[_Group], fault: Exception) -> None:
        for group in batch:
            self._stats.waiting -= len(group.acts)
            if not group.answer.done():
                group.answer.set_exception(fault)


def _in_order(rows: Sequence[Record]) -> list[Outcome]:
    """Sort the kernel's answers by the place of their acts."""
    by_place = {place: Outcome(*fields) for place, *fields in rows}
    return [by_place[place] for place in range(1, len(rows) + 1)]


def _refused(detail: str | None) -> BatchRefused:
    row = msgspec.json.decode(detail or "{}")
    correlation_id = UUID(row["correlation_id"])
    return BatchRefused(
        row["ord"] - 1,
        Outcome(row["code"], row["replayed"], correlation_id, row["answer"]),
    )

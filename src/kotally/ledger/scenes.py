"""
The frame of every act that is more than one movement: lock, look, decide, write, remember.

The work is done inside one transaction that holds the locks of the contacts it touches. A preview
does the same work and rolls it back, so its numbers are those of the commit. A refusal leaves the
work by `Declined`; what the work had written is rolled back, and the refusal is remembered.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, NoReturn
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from kotally.core.calendar import with_times_written
from kotally.db import Database, DatabaseBusy, Transaction
from kotally.ledger.acts import Key, Outcome
from kotally.ledger.scene import Scene

__all__ = ["Declined", "Done", "Scene", "Work", "play"]

_encode = msgspec.json.Encoder().encode
_CONFLICT: Final = "IDEMPOTENCY_CONFLICT"
_TAKEN: Final = "23505"  # unique_violation


class Declined(Exception):
    """Leave the work with a refusal: an upper-case code of the catalogue and what to say of it."""

    def __init__(self, code: str, **answer: Any) -> None:  # noqa: ANN401 - an answer is any JSON
        super().__init__(code)
        self.code: str = code
        self.answer: dict[str, Any] = answer


class Done(Struct, frozen=True):
    """What the work came to: a lower-case code of the catalogue, and the answer as JSON."""

    code: str
    answer: dict[str, Any]


Work = Callable[[Scene], Awaitable[Done]]


class _Previewed(Exception):
    """Roll the work back: nobody asked for it to happen."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.code)
        self.outcome: Outcome = outcome


async def play(
    db: Database, location_id: str, operation: str, *, key: Key, work: Work, preview: bool = False
) -> Outcome:
    """
    Do the work of one act, once for its key, and answer what it came to.

    A preview answers the same and writes nothing; it neither looks up nor uses up the key.
    """
    try:
        async with db.transaction() as tx:
            scene = await _scene(tx, location_id, key)
            if preview:
                _roll_back(_done(await work(scene), key))
            return await _once(scene, operation, work)
    except _Previewed as previewed:
        return previewed.outcome
    except Declined as declined:
        outcome = _outcome(declined.code, declined.answer, key)
        return (
            outcome
            if preview
            else await _refuse(db, location_id, operation, key=key, outcome=outcome)
        )
    except DatabaseBusy:
        return _outcome("REQUEST_IN_PROGRESS", {}, key)
    except Exception as fault:
        # The same key got in first, from another process: its answer is there now.
        if getattr(fault, "sqlstate", None) != _TAKEN or preview:
            raise
        return await _answer_of_first(db, location_id, key=key, fault=fault)


async def _once(scene: Scene, operation: str, work: Work) -> Outcome:
    known = await _replay(scene)
    if known is not None:
        return known
    outcome = _done(await work(scene), scene.key)
    await _remember(scene, operation, outcome)
    for request_id in scene.further():
        await _remember(scene, operation, outcome, request_id=request_id)
    return outcome


def _roll_back(outcome: Outcome) -> NoReturn:
    raise _Previewed(outcome)


async def _answer_of_first(
    db: Database, location_id: str, *, key: Key, fault: Exception
) -> Outcome:
    async with db.transaction() as tx:
        known = await _replay(await _scene(tx, location_id, key))
    if known is None:
        raise fault
    return known


async def _refuse(
    db: Database, location_id: str, operation: str, *, key: Key, outcome: Outcome
) -> Outcome:
    async with db.transaction() as tx:
        scene = await _scene(tx, location_id, key)
        known = await _replay(scene)
        if known is not None:
            return known
        await _remember(scene, operation, outcome)
    return outcome


async def _scene(tx: Transaction, location_id: str, key: Key) -> Scene:
    row = await tx.fetchrow("select now, timezone from kotally.location_of($1)", location_id)
    if row is None:
        raise LookupError(f"no location {location_id}")
    return Scene(tx, location_id, key=key, now=row["now"], zone=ZoneInfo(row["timezone"]))


async def _replay(scene: Scene) -> Outcome | None:
    key = scene.key
    row = await scene.tx.fetchrow(
        """
        select code, request_hash, correlation_id, operation, answer::text as answer,
               body::text as body
          from kotally.requests
         where location_id = $1 and source = $2 and request_id = $3
        """,
        scene.location_id,
        key.source,
        key.request_id,
    )
    if row is None:
        return None
    if row["request_hash"] == key.digest:
        return Outcome(
            row["code"],
            replayed=True,
            correlation_id=row["correlation_id"],
            answer=row["answer"],
        )
    first = f'{{"operation":{_encode(row["operation"]).decode()},"body":{row["body"]}}}'
    return Outcome(_CONFLICT, replayed=False, correlation_id=key.correlation_id, answer=first)


async def _remember(
    scene: Scene, operation: str, outcome: Outcome, *, request_id: str | None = None
) -> None:
    key = scene.key
    await scene.tx.execute(
        "select kotally.remember($1, $2, $3, $4, $5, $6, $7, $8, null, $9, $10)",
        scene.location_id,
        key.source,
        request_id or key.request_id,
        operation,
        key.digest,
        key.body,
        outcome.code,
        outcome.answer,
        key.correlation_id,
        scene.now,
    )


def _done(done: Done, key: Key) -> Outcome:
    return _outcome(done.code, done.answer, key)


def _outcome(code: str, answer: dict[str, Any], key: Key) -> Outcome:
    text = _encode(with_times_written(answer)).decode()
    return Outcome(code, replayed=False, correlation_id=key.correlation_id, answer=text)

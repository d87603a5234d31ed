"""
The frame of every act that is more than one movement: lock, look, decide, write, remember.

The work is done inside one transaction that holds the locks of the contacts it touches. A preview
does the same work and rolls it back, so its numbers are those of the commit. A refusal leaves the
work by `Declined`; what the work had written is rolled back, and the refusal is remembered.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, Final, NoReturn
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from kotally.core.ids import new_id
from kotally.db import Database, DatabaseBusy, Transaction
from kotally.ledger.acts import Act, Key, Outcome
from kotally.ledger.plans import Kind, LotFields, Posting, encoded

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


class Scene:
    """One location at one moment, for one act: the transaction, the time, the key."""

    def __init__(
        self, tx: Transaction, location_id: str, *, key: Key, now: datetime, zone: ZoneInfo
    ) -> None:
        self.tx: Transaction = tx
        self.location_id: str = location_id
        self.key: Key = key
        self.now: datetime = now
        self.zone: ZoneInfo = zone
        self._parts: int = 0

    async def lock(self, contact_ids: Sequence[UUID]) -> None:
        """Take the contacts' locks, in the one order; call it once, before looking."""
        await self.tx.execute(
            "select kotally.lock_contacts($1, $2)", self.location_id, list(contact_ids)
        )

    def parts(self, count: int = 1) -> int:
        """Return the number of the first of so many postings of this act."""
        first, self._parts = self._parts, self._parts + count
        return first

    def posting(self, contact_id: UUID, kind: Kind, reason: str, **fields: Any) -> Posting:  # noqa: ANN401 - the fields of Posting
        """Make a posting of this act; each one is a part of its own."""
        return Posting(
            contact_id=contact_id,
            id=new_id(),
            kind=kind,
            reason=reason,
            source=self.key.source,
            actor=self.key.actor,
            request_id=self.key.request_id or str(self.key.correlation_id),
            correlation_id=self.key.correlation_id,
            part=self.parts(),
            **fields,
        )

    async def post(self, postings: list[Posting], lots: list[LotFields] | None = None) -> None:
        """Write movements, and the new lots they need; postings without entries are left out."""
        moving = [posting for posting in postings if posting.entries]
        if moving or lots:
            await self.tx.execute(
                "select kotally.post_plan($1, $2, $3, $4)",
                self.location_id,
                self.now,
                encoded(moving),
                encoded(lots or []),
            )

    async def apply(self, acts: Sequence[Act]) -> list[Outcome]:
        """Carry out acts of the kernel inside this act, each with a request_id of its own."""
        rows = await self.tx.fetch(
            "select * from kotally.apply($1, $2::kotally.act[])",
            self.location_id,
            [msgspec.structs.astuple(act) for act in acts],
        )
        found = {row[0]: Outcome(row[1], row[2], row[3], row[4]) for row in rows}
        return [found[place] for place in range(1, len(acts) + 1)]

    async def happened(
        self,
        contact_id: UUID,
        type_: str,
        *,
        entitlement_id: UUID | None = None,
        **details: Any,  # noqa: ANN401 - an answer is any JSON
    ) -> None:
        """Put a fact that moved no credits on the contact's timeline."""
        await self.tx.execute(
            """
            insert into kotally.happenings (
              location_id, id, contact_id, type, at, entitlement_id, details, source, actor,
              correlation_id, recorded_at)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $5)
            """,
            self.location_id,
            new_id(),
            contact_id,
            type_,
            self.now,
            entitlement_id,
            msgspec.to_builtins(details),
            self.key.source,
            self.key.actor,
            self.key.correlation_id,
        )

    async def change_expiry(
        self, lot_id: UUID, to_at: datetime | None, *, reason: str, cause_id: UUID | None = None
    ) -> None:
        """Move a lot's expiry and keep what it was (S6.7)."""
        await self.tx.execute(
            "select kotally.change_expiry($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            self.location_id,
            lot_id,
            to_at,
            reason,
            cause_id,
            self.key.source,
            self.key.actor,
            self.key.correlation_id,
            self.now,
        )


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


async def _remember(scene: Scene, operation: str, outcome: Outcome) -> None:
    key = scene.key
    await scene.tx.execute(
        "select kotally.remember($1, $2, $3, $4, $5, $6, $7, $8, null, $9, $10)",
        scene.location_id,
        key.source,
        key.request_id,
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
    text = _encode(answer).decode()
    return Outcome(code, replayed=False, correlation_id=key.correlation_id, answer=text)

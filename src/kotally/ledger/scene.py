"""Where an act of many movements happens: a location at one moment, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from kotally.core.calendar import with_times_written
from kotally.core.ids import new_id
from kotally.db import Transaction
from kotally.ledger.acts import Act, Key, Outcome
from kotally.ledger.plans import Kind, LotFields, Posting, encoded

_encode = msgspec.json.Encoder().encode
_PARTS_MAX: Final = 32_768  # postings that one request can number: a small integer

DUE_MAX: Final = 100_000  # an act finds all that is due posted, however much it is


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
        """
        Take the contacts' locks, in the one order; call it once, before looking.

        Holds whose time is over are released, so that nothing counts them as held (S2.5).
        """
        await self.tx.execute(
            "select kotally.lock_contacts($1, $2)", self.location_id, list(contact_ids)
        )
        await self.tx.execute(
            "select kotally.post_lapses($1, $2, $3, $4)",
            self.location_id,
            list(contact_ids),
            self.now,
            DUE_MAX,
        )

    async def expire(self, contact_ids: Sequence[UUID]) -> None:
        """Post what has expired of locked contacts, for an act that asks what is expired (S6.5)."""
        await self.tx.execute(
            "select kotally.post_expiries($1, $2, $3, $4)",
            self.location_id,
            list(contact_ids),
            self.now,
            DUE_MAX,
        )

    async def balance(self, contact_id: UUID) -> int:
        """Return what the contact can see as available."""
        return await self.tx.fetchval(
            "select kotally.visible_balance($1, $2, $3)", self.location_id, contact_id, self.now
        )

    def parts(self, count: int = 1) -> int:
        """Return the number of the first of so many postings of this act."""
        first, self._parts = self._parts, self._parts + count
        return first

    def posting(self, contact_id: UUID, kind: Kind, reason: str, **fields: Any) -> Posting:  # noqa: ANN401 - the fields of Posting
        """
        Make a posting of this act; each one is a part of its own.

        Those beyond what one request can number are parts of further requests of the same act.
        """
        place, part = divmod(self.parts(), _PARTS_MAX)
        return Posting(
            contact_id=contact_id,
            id=new_id(),
            kind=kind,
            reason=reason,
            source=self.key.source,
            actor=self.key.actor,
            request_id=self._request(place),
            correlation_id=self.key.correlation_id,
            part=part,
            **fields,
        )

    def further(self) -> list[str]:
        """Name the requests beyond the act's own that its postings belong to."""
        return [self._request(place) for place in range(1, -(-self._parts // _PARTS_MAX))]

    def _request(self, place: int) -> str:
        if place:
            return f"{self.key.correlation_id}:{place}"
        return self.key.request_id or str(self.key.correlation_id)

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
            select $1, $2, $3, $4, r.at, $6, $7, $8, $9, $10, r.at
              from kotally.recorded_at($1, $5) r (at)
            """,
            self.location_id,
            new_id(),
            contact_id,
            type_,
            self.now,
            entitlement_id,
            msgspec.to_builtins(with_times_written(details)),
            self.key.source,
            self.key.actor,
            self.key.correlation_id,
        )

    async def happened_to(self, type_: str, details: Mapping[UUID, dict[str, Any]]) -> None:
        """Put a fact on the timelines of many contacts, each with details of its own."""
        await self.tx.execute(
            """
            insert into kotally.happenings (
              location_id, id, contact_id, type, at, details, source, actor, correlation_id,
              recorded_at)
            select $1, kotally.new_id(), h.contact_id, $3, r.at, h.details::json, $5, $6, $7, r.at
              from unnest($2::uuid[], $8::text[]) h (contact_id, details)
             cross join kotally.recorded_at($1, $4) r (at)
            """,
            self.location_id,
            list(details),
            type_,
            self.now,
            self.key.source,
            self.key.actor,
            self.key.correlation_id,
            [_encode(with_times_written(each)).decode() for each in details.values()],
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

"""A front desk: one location whose clock stands still, and short words for what happens there."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from kotally.db import Database
from tests import make
from tests.ledger import books
from tests.make import Act, Outcome

# How many times more examples the property tests try than in an ordinary run.
SCALE = int(os.environ.get("KOTALLY_TEST_SCALE", "1"))
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def at(text: str) -> datetime:
    """Read an instant; a text without an offset is UTC."""
    read = datetime.fromisoformat(text)
    return read if read.tzinfo else read.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Desk:
    """Acts for the contact `ana` of one location, seen as the application sees it."""

    db: Database
    owner: Database
    location: str
    contact: str = "ana"

    def of(self, contact: str) -> Desk:
        """Return the same desk, serving somebody else."""
        return replace(self, contact=contact)

    async def contact_id(self) -> UUID:
        """Return the contact's id; made when it is new."""
        return await make.contact(self.owner, self.location, self.contact)

    async def lot(self, credits_: int, **columns: Any) -> UUID:
        """Issue a lot."""
        contact = await self.contact_id()
        return await make.lot(self.owner, self.location, credits_, contact=contact, **columns)

    async def do(self, *acts: Act, atomic: bool = False) -> list[Outcome]:
        """Carry out acts in one batch."""
        return await make.applied(self.db, self.location, acts, atomic=atomic)

    async def one(self, act: Act) -> Outcome:
        """Carry out one act."""
        return (await self.do(act))[0]

    async def deduct(self, amount: int = 1, **fields: Any) -> Outcome:
        return await self.one(make.deduct(amount, self.contact, **fields))

    async def hold(self, amount: int = 1, *, ttl: int | None = None, **fields: Any) -> Outcome:
        args = {} if ttl is None else {"args": {"ttl_seconds": ttl}}
        return await self.one(make.hold(amount, self.contact, **fields, **args))

    async def capture(self, hold: Outcome, amount: int | None = None, **fields: Any) -> Outcome:
        hold_id = UUID(hold.answer["hold_id"])
        return await self.one(
            make.act("capture", self.contact, hold_id=hold_id, amount=amount, **fields)
        )

    async def release(self, hold: Outcome, **fields: Any) -> Outcome:
        hold_id = UUID(hold.answer["hold_id"])
        return await self.one(make.act("release", self.contact, hold_id=hold_id, **fields))

    async def restore(self, amount: int = 1, **fields: Any) -> Outcome:
        return await self.one(make.restore(amount, self.contact, **fields))

    async def check(self, amount: int = 1, **fields: Any) -> Outcome:
        return await self.one(make.check(amount, self.contact, **fields))

    async def grant(self, credits_: int = 10, **fields: Any) -> Outcome:
        return await self.one(make.grant(credits_, self.contact, **fields))

    async def sweep(self, limit: int = 100) -> int:
        """Post what has expired."""
        return await self.db.fetchval("select kotally.expire_lots($1, $2)", self.location, limit)

    async def set_clock(self, to: datetime | str) -> None:
        """Set the location's clock."""
        await self.db.execute(
            "update kotally.locations set clock_at = $2 where id = $1",
            self.location,
            at(to) if isinstance(to, str) else to,
        )

    async def block(self, **columns: Any) -> UUID:
        """Block the contact, or one of its entitlements or lots, from now on unless said."""
        return await self.db.fetchval(
            """
            insert into kotally.blockers
              (location_id, id, contact_id, entitlement_id, lot_id, kind, starts_at, ends_at,
               source, message, created_at)
            values ($1, kotally.new_id(), $2, $3, $4, 'admin',
                    coalesce($5, kotally.location_now($1)), $6, 'tests', 'Closed.',
                    kotally.location_now($1))
            returning id
            """,
            self.location,
            await self.contact_id(),
            columns.get("entitlement_id"),
            columns.get("lot_id"),
            columns.get("starts_at"),
            columns.get("ends_at"),
        )

    async def buckets(self, lot_id: UUID | str) -> dict[str, int]:
        """Return what a lot holds, bucket by bucket; empty ones are left out."""
        row = await self.db.fetchrow(
            "select * from kotally.lots where location_id = $1 and id = $2",
            self.location,
            UUID(str(lot_id)),
        )
        assert row is not None
        return {name: row[name] for name in books.BUCKETS if row[name]}

    async def balance(self) -> tuple[int, int]:
        """Return what is available and what is held."""
        row = await self.db.fetchrow(
            "select available, held from kotally.balances where location_id = $1"
            " and contact_id = $2",
            self.location,
            await self.contact_id(),
        )
        assert row is not None
        return row["available"], row["held"]

    async def history(self) -> list[dict[str, Any]]:
        """Return the contact's postings, oldest first."""
        rows = await self.db.fetch(
            "select * from kotally.postings where location_id = $1 and contact_id = $2"
            " order by seq",
            self.location,
            await self.contact_id(),
        )
        return [dict(row) for row in rows]

    async def explain(self, when: datetime | None = None, **wanted: str) -> dict[str, str]:
        """Return each lot's verdict for a deduction at a time."""
        answer = await self.db.fetchval(
            "select kotally.explain($1, $2, $3, $4, coalesce($5, kotally.location_now($1)),"
            " kotally.location_now($1))",
            self.location,
            await self.contact_id(),
            wanted.get("product_config_id"),
            wanted.get("calendar_id"),
            when,
        )
        return {row["lot_id"]: row["verdict"] for row in answer}

    async def assert_books(self) -> None:
        """Demand that every invariant of the books holds."""
        assert await books.faults(self.owner, self.location) == {}

"""A location where something of every kind is due, and a print of what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, date, datetime
from typing import Any, LiteralString
from uuid import UUID

from kotally.db import Database
from kotally.ledger import proofs
from kotally.ledger.writer import Writer
from kotally.memberships import freezes
from kotally.payments import disputes
from tests import make
from tests.bookings.studio import Studio
from tests.memberships.club import Club, said

BEGIN = datetime(2026, 2, 4, 15, tzinfo=UTC)
BEFORE = datetime(2026, 3, 3, 12, tzinfo=UTC)
EVENING = datetime(2026, 3, 3, 23, 30, tzinfo=UTC)
DUE = datetime(2026, 3, 7, 12, tzinfo=UTC)  # three days and more after most of it was due
AT_ONCE = 8


class Busy:
    """Some members of every kind, with what is due to each; the same in every location."""

    def __init__(self, db: Database, owner: Database, *, writer: Writer, location: str) -> None:
        self.db = db
        self.location = location
        self.owner = owner
        self.club = Club(db, owner, writer, location)
        self.studio = Studio(db, owner, location)

    @classmethod
    async def opened(cls, db: Database, owner: Database, *, of_each: int) -> Busy:
        """Open a location whose clock stands just before everything is due."""
        location = await make.location(owner, clock=BEGIN)
        writer = Writer(db)
        await writer.start()
        try:
            busy = cls(db, owner, writer=writer, location=location)
            await busy._furnish(range(of_each))
        finally:
            await writer.stop()
        return busy

    async def set_clock(self, at: datetime) -> None:
        """Set the clock, and do nothing of what is due."""
        await self.owner.execute(
            "update kotally.locations set clock_at = $2 where id = $1", self.location, at
        )

    async def _furnish(self, numbers: Iterable[int]) -> None:
        await self._offer()
        kinds: list[Callable[[str], Awaitable[None]]] = [
            self._pack,
            self._renewing,
            self._unpaid,
            self._ending,
            self._frozen,
        ]
        await self._each(kinds, numbers)
        await self.set_clock(BEFORE)
        await self._each([self._coming, self._waiting, self._holding, self._disputed], numbers)
        await self.set_clock(EVENING)
        await self._each([self._absent], numbers)

    async def _each(
        self, kinds: list[Callable[[str], Awaitable[None]]], numbers: Iterable[int]
    ) -> None:
        limit = asyncio.Semaphore(AT_ONCE)

        async def one(kind: Callable[[str], Awaitable[None]], number: int) -> None:
            async with limit:
                await kind(f"{kind.__name__[1:]}{number:03}")

        await asyncio.gather(*(one(kind, number) for kind in kinds for number in numbers))

    async def _offer(self) -> None:
        rollover = {"max_per_roll": 4, "max_bank": 6, "lives_months": 2}
        await self.club.sells("itself", 8, renews="itself", rollover=rollover)
        await self.club.sells("paid", 8, arrears={"grace_days": 2}, rollover=rollover)
        await self.studio.sells("pc_1", credits_=10)
        await self.studio.sells("pc_2", credits_=10, refund={"dispute_hold_days": 2})

    async def _pack(self, name: str) -> None:
        expires_at = datetime(2026, 3, 4, 5, tzinfo=UTC)
        await make.contact_with_lot(self.owner, self.location, name, expires_at=expires_at)

    async def _renewing(self, name: str) -> None:
        await self._joins("itself", name)
        await self.club.uses(3, name)

    async def _unpaid(self, name: str) -> None:
        await self._joins("paid", name)
        await self.club.uses(2, name)

    async def _ending(self, name: str) -> None:
        done = await self.club.cancels(await self._joins("paid", name))
        assert done.code == "cancellation_scheduled", done

    async def _frozen(self, name: str) -> None:
        membership = await self._joins("paid", name)
        wish = freezes.Wish(starts_on=date(2026, 2, 20), resumes_on=date(2026, 3, 5))
        key = self.club.key("freeze", {})
        done = said(await freezes.freeze(self.db, self.location, membership, wish=wish, key=key))
        assert done.code == "membership_frozen", done

    async def _coming(self, name: str) -> None:
        await self.studio.of(name).buys()
        await self.studio.of(name).books("2026-03-03T22:00Z", ref=name)

    async def _absent(self, name: str) -> None:
        mine = self.studio.of(name)
        await mine.buys()
        booking = await mine.books("2026-03-03T23:30Z", ref=name)
        await mine.misses(booking, at_once=False)

    async def _waiting(self, name: str) -> None:
        mine = self.studio.of(name)
        await mine.buys()
        await mine.books("2026-03-04T22:00Z", ref=name, class_ref="class", waitlist=True)

    async def _holding(self, name: str) -> None:
        await self.studio.of(name).buys()
        act = make.hold(2, name, args={"ttl_seconds": 80_000})
        assert (await make.applied(self.db, self.location, [act]))[0].code == "held"

    async def _disputed(self, name: str) -> None:
        mine = self.studio.of(name)
        bought = await mine.buys(10, "pc_2")
        await mine.books("2026-03-20T22:00Z", ref=name, product_config_id="pc_2")
        payment_id = UUID(bought["payment_id"])
        await disputes.dispute(self.db, self.location, payment_id, event="opened", key=mine.key())

    async def _joins(self, product: str, name: str) -> UUID:
        return UUID((await self.club.pays(product, name))["entitlement_id"])

    async def print(self) -> dict[str, Any]:
        """Say what stands in the books and the tables, by the members' own names."""
        return {
            table: [tuple(row) for row in await self.owner.fetch(sql, self.location)]
            for table, sql in _PRINTS.items()
        }

    async def seen(self) -> dict[str, Any]:
        """Say what every member sees of the credits."""
        rows = await self.db.fetch(
            """
            select c.external_id,
                   kotally.contact_credits($1, c.external_id, null) -> 'credits' as seen
              from kotally.contacts c where c.location_id = $1 order by c.external_id
            """,
            self.location,
        )
        return {row["external_id"]: row["seen"] for row in rows}

    async def postings(self) -> int:
        """Count the postings."""
        return await self.db.fetchval(
            "select count(*) from kotally.postings where location_id = $1", self.location
        )

    async def assert_books(self) -> None:
        """Demand that the books are right."""
        proof = await proofs.prove(self.db, self.location)
        assert proof.ok, proof.differences


_PRINTS: dict[str, LiteralString] = {
    "postings": """
        select c.external_id, p.seq, p.kind, p.reason, p.amount, p.effective_at, p.available_after
          from kotally.postings p
          join kotally.contacts c on c.location_id = p.location_id and c.id = p.contact_id
         where p.location_id = $1 order by 1, 2""",
    "lots": """
        select c.external_id, l.class, l.effective_at, l.expires_at, l.period_number, l.available,
               l.held, l.consumed, l.penalty, l.expired, l.forfeited, l.is_open
          from kotally.lots l
          join kotally.contacts c on c.location_id = l.location_id and c.id = l.contact_id
         where l.location_id = $1 order by 1, 2, 3, 4, 5, 6""",
    "memberships": """
        select c.external_id, m.status, m.period_number, m.period_ends_at, m.renews_at
          from kotally.memberships m
          join kotally.contacts c on c.location_id = m.location_id and c.id = m.contact_id
         where m.location_id = $1 order by 1""",
    "bookings": """
        select b.external_ref, b.status, b.closes_at, b.settled_at
          from kotally.bookings b where b.location_id = $1 order by 1""",
    "holds": """
        select c.external_id, h.status, h.captured, h.released, h.penalised
          from kotally.holds h
          join kotally.contacts c on c.location_id = h.location_id and c.id = h.contact_id
         where h.location_id = $1 order by 1, 2, 3""",
    "freezes": """
        select c.external_id, f.status, f.days_used, f.shifted_days
          from kotally.freezes f
          join kotally.contacts c on c.location_id = f.location_id and c.id = f.contact_id
         where f.location_id = $1 order by 1""",
    "blockers": """
        select c.external_id, k.kind, k.starts_at, k.ends_at
          from kotally.blockers k
          join kotally.contacts c on c.location_id = k.location_id and c.id = k.contact_id
         where k.location_id = $1 order by 1, 2, 3""",
    "disputes": """
        select c.external_id, d.status, d.releases_at
          from kotally.disputes d
          join kotally.contacts c on c.location_id = d.location_id and c.id = d.contact_id
         where d.location_id = $1 order by 1""",
    "happenings": """
        select c.external_id, h.type
          from kotally.happenings h
          join kotally.contacts c on c.location_id = h.location_id and c.id = h.contact_id
         where h.location_id = $1 order by 1, 2""",
}

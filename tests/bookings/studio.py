"""A studio that sells credits and takes bookings, in short words."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from kotally.bookings import (
    classes,
    corrections,
    fees,
    placing,
    rescheduling,
    settling,
    sweeps,
    waitlist as waiting_list,
)
from kotally.bookings.rescheduling import Move
from kotally.bookings.wishes import Wish
from kotally.core.ids import new_id
from kotally.db import Database
from kotally.ledger.acts import Key, Outcome, digest
from kotally.workspaces import work_items
from tests import make
from tests.ledger import books
from tests.ledger.desk import at

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
AN_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Answer:
    """What an act came to: its code, and what it said."""

    code: str
    replayed: bool
    said: dict[str, Any]

    @classmethod
    def of(cls, outcome: Outcome) -> Answer:
        return cls(outcome.code, outcome.replayed, msgspec.json.decode(outcome.answer))

    def __getitem__(self, name: str) -> Any:
        return self.said[name]

    @property
    def id(self) -> UUID:
        return UUID(self.said["booking_id"])


@dataclass(frozen=True)
class Studio:
    """Acts for the member `ana` of one location."""

    db: Database
    owner: Database
    location: str
    member: str = "ana"

    def of(self, member: str) -> Studio:
        """Return the same studio, serving somebody else."""
        return replace(self, member=member)

    def key(self, request_id: str | None = None) -> Key:
        name = request_id or make.name("req")
        hash_, body = digest("test", {"request": name})
        return Key(name, hash_, body, new_id(), "api", "tests")

    async def sells(
        self,
        product_id: str = "pc_1",
        *,
        kind: str = "package",
        credits_: int = 10,
        coverage: dict[str, int] | None = None,
        **rules: Any,
    ) -> str:
        """Sell a product with rules."""
        await make.product(
            self.owner, self.location, product_id, kind=kind, credits_=credits_, coverage=coverage
        )
        await self.owner.execute(
            "update kotally.product_versions set rules = $3"
            " where location_id = $1 and product_id = $2",
            self.location,
            product_id,
            rules,
        )
        return product_id

    async def buys(self, credits_: int = 10, product_id: str = "pc_1", **more: Any) -> Answer:
        """Grant the product to the member, as a payment does."""
        coverage = await self.owner.fetchval(
            "select coverage from kotally.product_versions"
            " where location_id = $1 and product_id = $2",
            self.location,
            product_id,
        )
        lot = ({"coverage": coverage} if coverage else {}) | more.pop("lot", {})
        paid: dict[str, Any] = {"paid_at": (await self.now()).isoformat()} | more
        act = make.grant(
            credits_,
            self.member,
            product_config_id=product_id,
            lot=lot,
            **paid,
        )
        done = (await make.applied(self.db, self.location, [act]))[0]
        assert done.code == "grant_applied", done
        return Answer(done.code, done.replayed, done.answer)

    async def joins(self, credits_: int, product_id: str, *, since: str, until: str) -> UUID:
        """Start a monthly membership whose first period is paid; return it."""
        first = datetime.fromisoformat(since)
        answer = await self.buys(
            credits_,
            product_id,
            paid_at=since,
            lot={"effective_at": since, "expires_at": until, "class": "included"},
            membership={
                "after": 0,
                "anchor_on": first.date().isoformat(),
                "number": 1,
                "starts_at": since,
                "ends_at": until,
            },
        )
        return UUID(answer["entitlement_id"])

    async def books(self, when: str | datetime, ref: str | None = None, **wish: Any) -> Answer:
        """Book a class of an hour."""
        preview, key = wish.pop("preview", False), wish.pop("key", None)
        starts_at = at(when) if isinstance(when, str) else when
        fields: dict[str, Any] = {"product_config_id": "pc_1"} | wish
        made = Wish(
            external_contact_id=self.member,
            external_ref=ref or make.name("booking"),
            starts_at=starts_at,
            ends_at=starts_at + AN_HOUR,
            **fields,
        )
        done = await placing.place(
            self.db, self.location, made, key=key or self.key(), preview=preview
        )
        return Answer.of(done)

    async def cancels(self, booking: Answer, **more: Any) -> Answer:
        key = more.pop("key", None) or self.key()
        return Answer.of(await settling.cancel(self.db, self.location, booking.id, key=key, **more))

    async def attends(self, booking: Answer, **more: Any) -> Answer:
        return Answer.of(
            await settling.attend(self.db, self.location, booking.id, key=self.key(), **more)
        )

    async def misses(self, booking: Answer, *, at_once: bool = True, **more: Any) -> Answer:
        return Answer.of(
            await settling.no_show(
                self.db, self.location, booking.id, key=self.key(), at_once=at_once, **more
            )
        )

    async def corrects(self, booking: Answer, to: Any, **more: Any) -> Answer:
        return Answer.of(
            await corrections.correct(
                self.db, self.location, booking.id, to=to, key=self.key(), note="Seen.", **more
            )
        )

    async def moves(self, booking: Answer, when: str, **more: Any) -> Answer:
        starts_at, preview = at(when), more.pop("preview", False)
        move = Move(starts_at=starts_at, ends_at=starts_at + AN_HOUR, **more)
        return Answer.of(
            await rescheduling.reschedule(
                self.db, self.location, booking.id, move=move, key=self.key(), preview=preview
            )
        )

    async def cancels_class(self, class_ref: str, **more: Any) -> Answer:
        return Answer.of(
            await classes.cancel_class(self.db, self.location, class_ref, key=self.key(), **more)
        )

    async def undoes(self, cancelled: Answer) -> Answer:
        return Answer.of(
            await classes.undo(
                self.db, self.location, UUID(cancelled["cancellation_id"]), key=self.key()
            )
        )

    async def promotes(self, class_ref: str, places: int = 1) -> Answer:
        return Answer.of(
            await waiting_list.promote(
                self.db, self.location, class_ref, key=self.key(), places=places
            )
        )

    async def settles_fee(self, fee_id: str, settlement: Any) -> Answer:
        return Answer.of(
            await fees.settle(
                self.db, self.location, UUID(fee_id), settlement=settlement, key=self.key()
            )
        )

    async def sweeps(self) -> list[str]:
        """Run the sweeps of bookings, and return what they say."""
        absences = await sweeps.post_no_shows_due(self.db, self.location, limit=100)
        closed = await sweeps.close_due(self.db, self.location, limit=100)
        return [*absences.events, *closed.events]

    async def now(self) -> datetime:
        return await self.db.fetchval("select kotally.location_now($1)", self.location)

    async def clock(self, to: str | datetime) -> None:
        """Set the location's clock."""
        await self.owner.execute(
            "update kotally.locations set clock_at = $2 where id = $1",
            self.location,
            at(to) if isinstance(to, str) else to,
        )

    async def contact_id(self) -> UUID:
        return await make.contact(self.owner, self.location, self.member)

    async def lot(self, credits_: int, **columns: Any) -> UUID:
        """Issue a lot of no product of ours."""
        return await make.lot(
            self.owner, self.location, credits_, contact=await self.contact_id(), **columns
        )

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

    async def buckets(self, bucket: str) -> int:
        """Return what all lots of the member hold in a bucket."""
        rows = await self.db.fetch(
            "select * from kotally.lots where location_id = $1 and contact_id = $2",
            self.location,
            await self.contact_id(),
        )
        return sum(row[bucket] for row in rows)

    async def queue(self) -> list[dict[str, Any]]:
        """Return what waits for a person to look at it."""
        found = await work_items.listed(self.db, self.location, limit=10)
        return [msgspec.json.decode(item) for item in found.items]

    async def fees_due(self) -> list[int]:
        """Return the fees that nobody has settled, in cents."""
        rows = await self.db.fetch(
            "select amount_cents from kotally.fees where location_id = $1 and status = 'due'",
            self.location,
        )
        return [row["amount_cents"] for row in rows]

    async def status(self, booking: Answer) -> str:
        return await self.db.fetchval(
            "select status from kotally.bookings where location_id = $1 and id = $2",
            self.location,
            booking.id,
        )

    async def blocked_until(self) -> datetime | None:
        return await self.db.fetchval(
            "select max(ends_at) from kotally.blockers where location_id = $1 and contact_id = $2",
            self.location,
            await self.contact_id(),
        )

    async def told(self) -> list[str]:
        """Return the types of what the timeline tells, oldest first."""
        rows = await self.db.fetch(
            "select type from kotally.happenings where location_id = $1 and contact_id = $2"
            " order by id",
            self.location,
            await self.contact_id(),
        )
        return [row["type"] for row in rows]

    async def assert_books(self) -> None:
        """Demand that every invariant of the books holds, by both proofs."""
        assert await books.faults(self.owner, self.location) == {}
        assert [fault async for fault in _faults(self)] == []


async def _faults(studio: Studio) -> AsyncIterator[dict[str, Any]]:
    for name in ("prove_holds", "prove_postings", "prove_lots", "prove_balances"):
        rows = await studio.owner.fetch(f"select * from kotally.{name}($1, 10)", studio.location)
        for row in rows:
            yield dict(row)

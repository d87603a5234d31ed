"""A till: one location that sells, refunds and corrects, in short words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from kotally.bookings import placing, wishes
from kotally.core.ids import new_id
from kotally.db import Database
from kotally.ledger.acts import Key, Outcome, digest
from kotally.ledger.proofs import prove
from kotally.ledger.writer import Writer
from kotally.payments import (
    adjustments,
    disputes,
    grants,
    quotes,
    refunds,
    transfers,
    unblocking,
    undoing,
)
from kotally.payments.purchases import Purchase
from kotally.payments.refunds import Refund
from kotally.products import products
from kotally.products.products import Terms
from kotally.products.rules import Rules
from tests import make
from tests.ledger import books

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Said:
    """What came of an act: its code, and its answer to look into."""

    code: str
    replayed: bool
    answer: dict[str, Any]

    @classmethod
    def of(cls, outcome: Outcome) -> Said:
        return cls(outcome.code, outcome.replayed, msgspec.json.decode(outcome.answer))

    def __getitem__(self, name: str) -> Any:
        return self.answer[name]


@dataclass(frozen=True)
class Till:
    """Acts for the contact `ana` of one location."""

    db: Database
    owner: Database
    writer: Writer
    location: str
    contact: str = "ana"

    def of(self, contact: str) -> Till:
        """Return the same till, serving somebody else."""
        return replace(self, contact=contact)

    def key(self, body: object = None, *, request_id: str | None = None, by: str = "ann") -> Key:
        request_id = request_id or make.name("request")
        hash_, text = digest("test", body or {"request": request_id})
        return Key(request_id, hash_, text, new_id(), "api", f"staff:{by}")

    async def sells(self, product_id: str = "pc_1", credits_: int = 10, **fields: Any) -> str:
        """Sell a product; `kind`, `expiry_days` and `coverage` aside, fields are those of Rules."""
        kind = fields.pop("kind", "package")
        terms = Terms(
            name=product_id,
            credits=credits_,
            expiry_days=fields.pop("expiry_days", None),
            coverage=fields.pop("coverage", None),
            rules=msgspec.convert(fields, Rules),
        )
        made = await products.create(
            self.db, self.location, type=kind, terms=terms, product_id=product_id
        )
        assert isinstance(made, products.Product), made
        return made.id

    async def pays(self, product_id: str = "pc_1", cents: int | None = 9900, **fields: Any) -> Said:
        """Report a payment of the contact."""
        purchase = Purchase(
            location_id=self.location,
            external_contact_id=self.contact,
            product_config_id=product_id,
            external_payment_id=fields.pop("payment", None) or make.name("payment"),
            provider="stripe",
            event_type="payment_confirmed",
            amount_cents=cents,
            currency="USD",
            **fields,
        )
        return Said.of(await grants.grant(self.db, self.writer, purchase, key=self.key(purchase)))

    async def buys(self, product_id: str = "pc_1", cents: int | None = 9900, **fields: Any) -> Said:
        """Report a payment that is granted."""
        said = await self.pays(product_id, cents, **fields)
        assert said.code == "grant_applied", said
        return said

    async def refunds(self, payment: Any, cents: int | None = None, **wanted: Any) -> Said:
        preview, key = wanted.pop("preview", False), wanted.pop("key", None) or self.key()
        id_ = UUID(str(payment["payment_id"] if isinstance(payment, Said) else payment))
        refund = Refund(amount_cents=cents, **wanted)
        return Said.of(
            await refunds.refund(
                self.db, self.location, id_, wanted=refund, key=key, preview=preview
            )
        )

    async def unblocks(self, payment: Said, *, preview: bool = False) -> Said:
        id_, note = UUID(payment["payment_id"]), "Paid at the desk."
        return Said.of(
            await unblocking.lift(
                self.db, self.location, id_, note=note, key=self.key(), preview=preview
            )
        )

    async def disputed(self, payment: Said, event: Any, **fields: Any) -> Said:
        id_ = UUID(payment["payment_id"])
        return Said.of(
            await disputes.dispute(
                self.db, self.location, id_, event=event, key=self.key(), **fields
            )
        )

    async def quotes(self, payment: Said, **fields: Any) -> Said:
        id_ = UUID(payment["payment_id"])
        return Said.of(await quotes.quote(self.db, self.location, id_, key=self.key(), **fields))

    async def adjusts(
        self, amount: int, *, role: Any = "owner", by: str = "ann", **wish: Any
    ) -> Said:
        preview = wish.pop("preview", False)
        words: dict[str, Any] = {"reason": "correction", "note": "A mistake at the desk."} | wish
        wanted = adjustments.Wish(contact=self.contact, amount=amount, **words)
        return Said.of(
            await adjustments.adjust(
                self.db,
                self.location,
                wanted,
                role=role,
                key=self.key(by=by),
                preview=preview,
            )
        )

    async def decides(self, asked: Said, *, by: str, approved: bool = True) -> Said:
        id_ = UUID(asked["approval_id"])
        return Said.of(
            await adjustments.decide(
                self.db, self.location, id_, approved=approved, key=self.key(by=by)
            )
        )

    async def gives(self, amount: int, to: str, **gift: Any) -> Said:
        preview = gift.pop("preview", False)
        wanted = transfers.Gift(
            from_contact=self.contact, to_contact=to, amount=amount, note="A gift.", **gift
        )
        return Said.of(
            await transfers.transfer(
                self.db, self.location, wanted, key=self.key(), preview=preview
            )
        )

    async def takes_back(self, given: Said, *, preview: bool = False) -> Said:
        id_ = UUID(given["transfer_id"])
        return Said.of(
            await undoing.undo(self.db, self.location, id_, key=self.key(), preview=preview)
        )

    async def uses(self, amount: int = 1, **fields: Any) -> make.Outcome:
        act = make.deduct(amount, self.contact, **({"product_config_id": None} | fields))
        return (await make.applied(self.db, self.location, [act]))[0]

    async def holds(self, amount: int = 1, **fields: Any) -> make.Outcome:
        act = make.hold(amount, self.contact, **({"product_config_id": None} | fields))
        return (await make.applied(self.db, self.location, [act]))[0]

    async def restores(self, amount: int = 1, **fields: Any) -> make.Outcome:
        act = make.restore(amount, self.contact, **fields)
        return (await make.applied(self.db, self.location, [act]))[0]

    async def books(self, ref: str, *, days: int = 1, units: int = 1) -> Said:
        start = NOON + timedelta(days=days)
        wish = wishes.Wish(
            external_contact_id=self.contact,
            external_ref=ref,
            starts_at=start,
            ends_at=start + timedelta(hours=1),
            units=units,
        )
        return Said.of(await placing.place(self.db, self.location, wish, key=self.key(wish)))

    async def booking(self, ref: str) -> str:
        """Return how a booking stands."""
        return await self.db.fetchval(
            "select status from kotally.bookings b where b.location_id = $1 and external_ref = $2",
            self.location,
            ref,
        )

    async def moves_to(self, to: str | datetime) -> None:
        at = datetime.fromisoformat(to) if isinstance(to, str) else to
        await self.db.execute(
            "update kotally.locations set clock_at = $2 where id = $1",
            self.location,
            at if at.tzinfo else at.replace(tzinfo=UTC),
        )

    async def expires(self) -> None:
        """Let the sweep of expiries pass."""
        await self.db.fetchval("select kotally.expire_lots($1, 100)", self.location)

    async def contact_id(self) -> UUID:
        return await make.contact(self.owner, self.location, self.contact)

    async def lots(self) -> list[dict[str, Any]]:
        """Return the contact's lots, oldest first, without empty buckets."""
        rows = await self.db.fetch(
            "select * from kotally.lots l where l.location_id = $1 and l.contact_id = $2"
            " order by l.issued_at, l.id",
            self.location,
            await self.contact_id(),
        )
        return [
            {n: row[n] for n in books.BUCKETS if row[n]} | {"class": row["class"]} for row in rows
        ]

    async def balance(self) -> tuple[int, int, int, int]:
        """Return what is available, held, suspended and owed."""
        row = await self.db.fetchrow(
            "select available, held, suspended, owed from kotally.balances b"
            " where b.location_id = $1 and b.contact_id = $2",
            self.location,
            await self.contact_id(),
        )
        assert row is not None
        return row["available"], row["held"], row["suspended"], row["owed"]

    async def assert_books(self) -> None:
        """Demand that the books are right by the tests' own oracle and by the product's proof."""
        assert await books.faults(self.owner, self.location) == {}
        proof = await prove(self.owner, self.location)
        assert proof.ok, proof.differences[:5]

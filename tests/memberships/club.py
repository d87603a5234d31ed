"""A club: one location, memberships sold there, and short words for what happens to them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from kotally.bookings import placing
from kotally.core.ids import new_id
from kotally.db import Database
from kotally.ledger.acts import Key, Outcome, digest
from kotally.ledger.proofs import prove
from kotally.ledger.writer import Writer
from kotally.memberships import arrears, cancellations, changes, failed_payments, renewals
from kotally.memberships.cancellations import Wish
from kotally.memberships.changes import Wanted
from kotally.payments import grants
from kotally.payments.grants import Purchase
from kotally.products import products
from kotally.products.products import Terms
from kotally.products.rules import Rules
from tests import make

JANUARY = datetime(2026, 1, 1, 15, tzinfo=UTC)  # ten in the morning in New York


def ny(text: str) -> datetime:
    """Read a time; without an offset it is UTC."""
    read = datetime.fromisoformat(text)
    return read if read.tzinfo else read.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Said:
    """What came of an act: its code, and its answer to look into."""

    code: str
    replayed: bool
    answer: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.answer[name]


def said(outcome: Outcome) -> Said:
    """Read an outcome."""
    return Said(outcome.code, outcome.replayed, msgspec.json.decode(outcome.answer))


@dataclass
class Club:
    """Acts on one location, as the application does them."""

    db: Database
    owner: Database
    writer: Writer
    location: str

    async def sells(self, product_id: str, credits_: int = 8, **rules: Any) -> str:
        """Sell a membership, or another `kind`; `rules` are those of Rules and of the version."""
        coverage, kind = rules.pop("coverage", None), rules.pop("kind", "membership")
        terms = Terms(
            name=product_id,
            credits=credits_,
            expiry_days=rules.pop("expiry_days", None),
            coverage=coverage,
            rules=msgspec.convert(rules, Rules),
        )
        made = await products.create(
            self.db, self.location, type=kind, terms=terms, product_id=product_id
        )
        assert isinstance(made, products.Product), made
        return made.id

    async def pays(self, product_id: str, contact: str = "ana", **fields: Any) -> Said:
        """Report a payment."""
        request_id = fields.pop("request_id", make.name("request"))
        told: dict[str, Any] = {"amount_cents": 8000, "currency": "USD"} | fields
        purchase = Purchase(
            location_id=self.location,
            external_contact_id=contact,
            product_config_id=product_id,
            external_payment_id=told.pop("payment", None) or make.name("payment"),
            provider=told.pop("provider", "stripe"),
            event_type="payment_confirmed",
            **told,
        )
        key = self.key("grant", purchase, request_id=request_id)
        return said(await grants.grant(self.db, self.writer, purchase, key=key))

    def key(self, operation: str, body: object, request_id: str | None = None) -> Key:
        hash_, text = digest(operation, body)
        request_id = request_id or make.name("request")
        return Key(request_id, hash_, text, new_id(), "api", "client:tests")

    async def renews(
        self, membership: Any, *, number: int | None = None, preview: bool = False
    ) -> Said:
        id_, key = UUID(str(membership)), self.key("renew", {})
        return said(
            await renewals.renew(
                self.db, self.location, id_, key=key, number=number, preview=preview
            )
        )

    async def changes(self, membership: Any, to: str, **wanted: Any) -> Said:
        preview = wanted.pop("preview", False)
        return said(
            await changes.change(
                self.db,
                self.location,
                UUID(str(membership)),
                wanted=Wanted(product_config_id=to, **wanted),
                key=self.key("change", wanted),
                preview=preview,
            )
        )

    async def removes_change(self, membership: Any) -> Said:
        key = self.key("remove", {})
        id_ = UUID(str(membership))
        return said(await changes.remove(self.db, self.location, id_, key=key))

    async def fails(self, membership: Any, **failure: Any) -> Said:
        """Report a payment that failed."""
        return said(
            await failed_payments.note(
                self.db,
                self.location,
                UUID(str(membership)),
                failure=failed_payments.Failure(**failure),
                key=self.key("payment-failed", failure),
            )
        )

    async def cancels(self, membership: Any, **wish: Any) -> Said:
        preview = wish.pop("preview", False)
        return said(
            await cancellations.cancel(
                self.db,
                self.location,
                UUID(str(membership)),
                wish=Wish(**wish),
                key=self.key("cancel", wish),
                preview=preview,
            )
        )

    async def uncancels(self, membership: Any) -> Said:
        key = self.key("uncancel", {})
        id_ = UUID(str(membership))
        return said(await cancellations.uncancel(self.db, self.location, id_, key=key))

    async def moves_to(self, to: str, *, sweep: bool = True) -> list[str]:
        """Set the clock, and let the sweeps pass."""
        await self.db.execute(
            "update kotally.locations set clock_at = $2 where id = $1", self.location, ny(to)
        )
        return await self.sweeps() if sweep else []

    async def sweeps(self) -> list[str]:
        """Run every sweep of memberships, and the expiry, until nothing is due."""
        lines: list[str] = []
        for _ in range(50):
            found: list[str] = []
            for sweep in (renewals.renew_due, cancellations.apply_due, arrears.advance_due):
                found += (await sweep(self.db, self.location, limit=100)).events
            lines += found
            if not found:
                break
        await self.expires()
        return lines

    async def expires(self) -> int:
        return await self.db.fetchval("select kotally.expire_lots($1, 1000)", self.location)

    async def does(self, operation: str, amount: int = 1, contact: str = "ana", **f: Any) -> Said:
        act = make.act(operation, contact, amount=amount, **f)
        done = (await make.applied(self.db, self.location, [act]))[0]
        return Said(done.code, done.replayed, done.answer)

    async def uses(self, amount: int = 1, contact: str = "ana", **fields: Any) -> Said:
        done = await self.does("deduct", amount, contact, **({"calendar_id": "cal"} | fields))
        assert done.code == "deducted", done
        return done

    async def books(self, when: str, amount: int = 1, contact: str = "ana", **f: Any) -> Said:
        fields = {"appointment_at": ny(when), "calendar_id": "cal"} | f
        done = await self.does("hold", amount, contact, **fields)
        assert done.code == "held", done
        return done

    async def reserves(self, ref: str, when: str, contact: str = "ana") -> Said:
        """Book a class of an hour, as a booking."""
        wish = placing.Wish(
            external_contact_id=contact,
            external_ref=ref,
            starts_at=ny(when),
            ends_at=ny(when) + timedelta(hours=1),
            calendar_id="cal",
        )
        return said(await placing.place(self.db, self.location, wish, key=self.key("book", wish)))

    async def booking(self, ref: str) -> str:
        """Return how a booking stands."""
        return await self.db.fetchval(
            "select b.status from kotally.bookings b where b.location_id = $1"
            " and b.external_ref = $2",
            self.location,
            ref,
        )

    async def releases(self, held: Said, contact: str = "ana") -> Said:
        return await self.does("release", 1, contact, hold_id=UUID(held["hold_id"]))

    async def lots(self, contact: str = "ana") -> list[dict[str, Any]]:
        """Return what the contact's open lots hold, soonest expiring first."""
        rows = await self.db.fetch(
            """
            select l.class, l.available, l.held, l.expires_at, l.priority, l.period_number
              from kotally.lots l
              join kotally.contacts c on c.location_id = $1 and c.id = l.contact_id
             where l.location_id = $1 and c.external_id = $2 and l.is_open
             order by l.expires_at nulls last, l.id
            """,
            self.location,
            contact,
        )
        return [dict(row) for row in rows]

    async def open(self, contact: str = "ana") -> list[tuple[str, int, datetime | None]]:
        """Return class, credits and expiry of each open lot."""
        return [
            (lot["class"], lot["available"], lot["expires_at"]) for lot in await self.lots(contact)
        ]

    async def available(self, contact: str = "ana") -> int:
        """Return what the contact can spend now."""
        return await self.db.fetchval(
            """
            select kotally.visible_balance($1, c.id, kotally.location_now($1))
              from kotally.contacts c where c.location_id = $1 and c.external_id = $2
            """,
            self.location,
            contact,
        )

    async def moved(self, kind: str, contact: str = "ana") -> list[tuple[str, int, datetime]]:
        """Return reason, credits moved and effective time of the postings of a kind."""
        rows = await self.db.fetch(
            """
            select p.reason, p.effective_at, (
                     select sum(e.amount) from kotally.entries e
                      where e.location_id = $1 and e.contact_id = p.contact_id and e.seq = p.seq
                        and e.from_bucket <> 'issued') as moved,
                   p.amount
              from kotally.postings p
              join kotally.contacts c on c.location_id = $1 and c.id = p.contact_id
             where p.location_id = $1 and c.external_id = $2 and p.kind = $3 order by p.seq
            """,
            self.location,
            contact,
            kind,
        )
        return [
            (row["reason"], int(row["moved"] or row["amount"]), row["effective_at"]) for row in rows
        ]

    async def membership(self, id_: Any) -> dict[str, Any]:
        row = await self.db.fetchrow(
            "select * from kotally.memberships where location_id = $1 and id = $2",
            self.location,
            UUID(str(id_)),
        )
        assert row is not None
        return dict(row)

    async def happened(self, contact: str = "ana") -> list[str]:
        rows = await self.db.fetch(
            """
            select h.type from kotally.happenings h
              join kotally.contacts c on c.location_id = $1 and c.id = h.contact_id
             where h.location_id = $1 and c.external_id = $2 order by h.id
            """,
            self.location,
            contact,
        )
        return [row["type"] for row in rows]

    async def counts(self) -> dict[str, int]:
        """Count the rows that an act could have written."""
        tables = ("postings", "lots", "periods", "membership_changes", "happenings", "requests")
        return {
            table: await self.owner.fetchval(
                f"select count(*) from kotally.{table} where location_id = $1", self.location
            )
            for table in tables
        }

    async def assert_books(self) -> None:
        """Demand that the ledger proves itself."""
        proof = await prove(self.owner, self.location)
        assert proof.ok, proof.differences


def on(text: str) -> date:
    """Read a date."""
    return date.fromisoformat(text)

"""The front desk of the demo: what staff and members ask for, each under a key of its own."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from kotally.bookings import classes, placing, settling
from kotally.bookings.wishes import Wish
from kotally.core.ids import new_id
from kotally.db import Database
from kotally.ledger.acts import Key, Outcome, digest
from kotally.ledger.writer import Writer
from kotally.memberships import changes, freezes
from kotally.memberships.changes import Wanted
from kotally.payments import grants, refunds
from kotally.payments.grants import Purchase
from kotally.payments.refunds import Refund

_decode = msgspec.json.Decoder(dict[str, Any]).decode


class Desk:
    """Acts on one studio; a refusal is no fault, and None to whoever asked."""

    def __init__(self, db: Database, writer: Writer, location_id: str) -> None:
        self.db: Database = db
        self.writer: Writer = writer
        self.location_id: str = location_id

    def key(self, operation: str, name: str, request: object = None) -> Key:
        """Make the key of a request; the same name is the same request."""
        request_id = f"{operation}_{name}"
        hash_, body = digest(operation, request_id if request is None else request)
        return Key(request_id, hash_, body, new_id(), "api", "demo")

    async def sell(self, purchase: Purchase) -> dict[str, Any] | None:
        """Take a payment."""
        key = self.key("grant", purchase.external_payment_id, purchase)
        return _done(await grants.grant(self.db, self.writer, purchase, key=key))

    async def refund(self, payment_id: UUID, *, cents: int, name: str) -> dict[str, Any] | None:
        """Give so much of a payment back."""
        wanted = Refund(amount_cents=cents, external_refund_id=name)
        key = self.key("refund", name)
        return _done(
            await refunds.refund(self.db, self.location_id, payment_id, wanted=wanted, key=key)
        )

    async def book(self, wish: Wish) -> UUID | None:
        """Take a place."""
        key = self.key("book", wish.external_ref)
        done = _done(await placing.place(self.db, self.location_id, wish, key=key))
        return None if done is None else UUID(done["booking_id"])

    async def cancel(self, booking_id: UUID) -> None:
        """Give a place up, in time or too late."""
        key = self.key("cancel", str(booking_id))
        await settling.cancel(self.db, self.location_id, booking_id, key=key)

    async def miss(self, booking_id: UUID) -> None:
        """Note that somebody did not come."""
        key = self.key("no_show", str(booking_id))
        await settling.no_show(self.db, self.location_id, booking_id, key=key)

    async def call_off(self, class_ref: str) -> None:
        """Cancel a class for everybody."""
        key = self.key("call_off", class_ref)
        await classes.cancel_class(self.db, self.location_id, class_ref, key=key)

    async def freeze(
        self, membership_id: UUID, *, starts_on: date, resumes_on: date
    ) -> dict[str, Any] | None:
        """Freeze a membership."""
        wish = freezes.Wish(starts_on=starts_on, resumes_on=resumes_on, note="On holiday.")
        key = self.key("freeze", f"{membership_id}_{starts_on}")
        return _done(
            await freezes.freeze(self.db, self.location_id, membership_id, wish=wish, key=key)
        )

    async def resume(self, membership_id: UUID, now: datetime) -> None:
        """Let somebody return early."""
        key = self.key("resume", f"{membership_id}_{now:%Y%m%d}")
        await freezes.resume(self.db, self.location_id, membership_id, key=key)

    async def change(
        self, membership_id: UUID, product_config_id: str, *, paid: bool
    ) -> dict[str, Any] | None:
        """Change the plan: a larger one now, a smaller one with the next period."""
        wanted = Wanted(product_config_id=product_config_id, payment_expected=not paid)
        key = self.key("change", f"{membership_id}_{product_config_id}_{new_id()}")
        return _done(
            await changes.change(self.db, self.location_id, membership_id, wanted=wanted, key=key)
        )


def _done(outcome: Outcome) -> dict[str, Any] | None:
    return _decode(outcome.answer) if outcome.done else None

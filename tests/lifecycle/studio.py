"""
A studio in which everything can happen: every act of the engine by a name and plain arguments.

An act's arguments name things by their place in the order in which they came to be, so that the
same acts can be told to two studios. `How` is the request: its key, and whether it only looks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from kotally.bookings import overdue
from kotally.core.ids import new_id
from kotally.db import Database
from kotally.ledger.acts import Key, Outcome, digest
from kotally.ledger.writer import Writer
from kotally.products import products
from kotally.products.products import Product, Terms
from kotally.products.rules import Rules
from kotally.worker import travel
from kotally.workspaces import clocks
from tests import make

ZONE = ZoneInfo("America/New_York")
START = datetime(2026, 1, 29, 15, tzinfo=UTC)  # the next month is short, then the clocks change
MEMBERS = ("ana", "bob", "cem")
PRICE = 9_900

# What each act adds to the things that later acts can name: the answer's field, and the kind.
NAMED = {
    "payment_id": "payment",
    "entitlement_id": "entitlement",
    "booking_id": "booking",
    "hold_id": "hold",
    "lot_id": "lot",
    "transfer_id": "transfer",
    "closure_id": "closure",
    "cancellation_id": "cancelled class",
    "approval_id": "approval",
}
ATTENDANCE = {
    "late_tiers": [{"hours_before_from": 12, "forfeit_percent": 100, "fee_cents": 500}],
    "no_show_fee_cents": 1_000,
    "free_allowance": 1,
    "penalty": {"threshold": 3, "block_days": 5},
    "max_open_bookings": 6,
    "reschedule_late": "allow",
}
SHARED = {"shareable": True, "guests": True, "visits_per_guest": 2}
ROLLOVER = {"max_per_roll": 4, "max_bank": 6, "lives_months": 2}
ARREARS = {"grace_days": 2, "hold_days": 4, "cancel_after_days": 20, "advance_max": 2}
PACKS: dict[str, dict[str, Any]] = {"ten": {"attendance": ATTENDANCE, "sharing": SHARED}}
PLANS: dict[str, tuple[int, dict[str, Any]]] = {
    "eight": (8, {"rollover": ROLLOVER, "arrears": ARREARS, "attendance": ATTENDANCE}),
    "twelve": (12, {"rollover": ROLLOVER, "freeze": {"covers_packs": True, "fee_cents": 700}}),
    "four": (4, {"renews": "itself", "ending": {"leftover": "keep_days", "keep_days": 9}}),
    "open": (0, {"unlimited": True, "caps": [{"count": 2, "window": "week"}]}),
}


class How(NamedTuple):
    """How an act is asked for."""

    key: Key
    preview: bool = False


def how(request_id: str, by: str = "staff:ann") -> How:
    """Make the request of a name: the same name is the same request."""
    hash_, body = digest("lifecycle", {"request": request_id})
    return How(Key(request_id, hash_, body, new_id(), "api", by))


@dataclass(eq=False)
class Studio:
    """One location; a punctual one is swept at every instant at which something is due."""

    db: Database
    owner: Database
    writer: Writer
    location: str
    ids: dict[str, list[UUID]] = field(default_factory=lambda: defaultdict(list))

    async def opens(self) -> None:
        """Put everything on sale, and meet the members."""
        for name, rules in PACKS.items():
            await self._sells(name, "package", 10, rules=rules)
        for name, (credits_, rules) in PLANS.items():
            await self._sells(name, "membership", credits_, rules=rules)
        for member in MEMBERS:
            await make.contact(self.owner, self.location, member)

    async def _sells(self, name: str, kind: Any, credits_: int, *, rules: dict[str, Any]) -> None:
        terms = Terms(
            name=name,
            credits=credits_,
            expiry_days=30 if kind == "package" else None,
            rules=msgspec.convert(rules, Rules),
        )
        made = await products.create(
            self.db, self.location, type=kind, terms=terms, product_id=name
        )
        assert isinstance(made, Product), made

    def id(self, kind: str, place: int) -> UUID:
        """Return the id of a thing by its place; one that there is not has an id of nothing."""
        known = self.ids[kind]
        return known[place] if place < len(known) else new_id()

    def learn(self, outcome: Outcome) -> dict[str, Any]:
        """Read an answer, and remember what it names."""
        answer = msgspec.json.decode(outcome.answer)
        for name, kind in NAMED.items():
            if outcome.done and answer.get(name):
                self.know(kind, UUID(answer[name]))
        return answer

    @staticmethod
    def read(outcome: Outcome) -> dict[str, Any]:
        return msgspec.json.decode(outcome.answer)

    def know_membership(self, answer: dict[str, Any]) -> None:
        """Remember that what a payment bought is a membership."""
        self.know("membership", UUID(answer["entitlement_id"]))

    def know(self, kind: str, id_: UUID) -> None:
        """Remember a thing, unless it is known."""
        if id_ not in self.ids[kind]:
            self.ids[kind].append(id_)

    async def now(self) -> datetime:
        return await self.db.fetchval("select kotally.location_now($1)", self.location)

    async def waits(self, by: timedelta, *, is_punctual: bool) -> None:
        """Let time pass; a punctual studio does on the way what is due."""
        to = await self.now() + by
        if is_punctual:
            async for happening in travel.advance(self.db, self.location, to):
                assert isinstance(happening, travel.Happening), happening
        else:
            moved = await clocks.set_to(self.db, self.location, to)
            assert isinstance(moved, clocks.Advanced), moved

    async def sweeps(self) -> None:
        """Do all that is due now, by the worker's own passes."""
        while (await travel.run_due(self.db, self.location))[0]:
            pass

    async def reads(self, member: str) -> Any:
        """Read what a member sees, as the API does."""
        await overdue.bring_up_to_date(self.db, self.location, member)
        sql = "select kotally.contact_credits($1, $2, null)"
        return await self.db.fetchval(sql, self.location, member)


Do = Callable[..., Awaitable[Outcome]]


def without_ids(said: Any) -> Any:
    """Leave out what each studio names for itself."""
    if isinstance(said, dict):
        return {name: without_ids(value) for name, value in said.items()}
    if isinstance(said, list):
        return sorted((without_ids(value) for value in said), key=str)
    if isinstance(said, str) and (said.startswith("loc_") or (len(said) == 36 and "-" in said)):
        return "#"
    return said

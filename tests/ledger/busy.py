"""A busy studio: seeded random acts of every kind through the kernel, with the clock moving."""

from __future__ import annotations

import copy
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import UUID

from kotally.db import Database
from kotally.db.connections import Target
from tests import make
from tests.make import Act, Outcome

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Maker(Protocol):
    """What is needed of the maker of databases."""

    async def make(self, template: str) -> Target: ...
    async def drop(self, target: Target) -> None: ...


class Studio:
    """A sandbox location; `work` lets some days pass and does many acts in them."""

    def __init__(self, db: Database, owner: Database, location: str, *, seed: int) -> None:
        self.db = db
        self.owner = owner
        self.location = location
        self.chance = random.Random(seed)
        self.now = START
        self.contacts = [f"member-{number}" for number in range(20)]
        self.holds: list[tuple[str, UUID]] = []
        self.taken: list[tuple[str, str]] = []
        self.codes: set[str] = set()

    async def work(self, *, rounds: int, batch: int = 40) -> None:
        """Do so many batches of so many acts, half a day after each other."""
        await self._do([self._grant(contact) for contact in self.contacts])
        for _ in range(rounds):
            self.now += timedelta(hours=self.chance.randint(1, 24))
            await self.owner.execute(
                "update kotally.locations set clock_at = $2 where id = $1", self.location, self.now
            )
            await self._do([self._act() for _ in range(batch)])
            await self.db.fetchval("select kotally.expire_lots($1, 10)", self.location)

    async def _do(self, acts: list[Act]) -> None:
        repeated = self.chance.sample(acts, k=min(2, len(acts)))
        outcomes = await make.applied(self.db, self.location, [*acts, *repeated])
        for act, outcome in zip(acts, outcomes, strict=False):
            self._note(act, outcome)

    def _note(self, act: Act, outcome: Outcome) -> None:
        self.codes.add(outcome.code)
        if outcome.code == "held":
            self.holds.append((str(act.external_contact_id), UUID(outcome.answer["hold_id"])))
        elif outcome.code == "deducted" and act.external_ref:
            self.taken.append((str(act.external_contact_id), act.external_ref))

    def _act(self) -> Act:
        kind = self.chance.choices(
            ["deduct", "hold", "capture", "release", "restore", "grant"], [50, 15, 8, 6, 14, 7]
        )[0]
        contact = self.chance.choice(self.contacts)
        if kind in {"capture", "release"} and self.holds:
            contact, hold_id = self.holds.pop(self.chance.randrange(len(self.holds)))
            amount = self.chance.choice([None, 1, 2, 4]) if kind == "capture" else None
            return make.act(kind, contact, hold_id=hold_id, amount=amount)
        if kind == "restore" and self.taken:
            contact, ref = self.taken.pop(self.chance.randrange(len(self.taken)))
            return make.restore(self.chance.randint(1, 3), contact, external_ref=ref)
        if kind == "grant":
            return self._grant(contact)
        return self._take(contact, is_hold=kind == "hold")

    def _take(self, contact: str, *, is_hold: bool) -> Act:
        ref = make.name("booking") if self.chance.random() < 0.8 else None
        take = make.hold if is_hold else make.deduct
        return take(
            self.chance.randint(1, 3),
            contact,
            external_ref=ref,
            appointment_at=self.now + timedelta(days=self.chance.randint(-1, 9)),
        )

    def _grant(self, contact: str) -> Act:
        lot: dict[str, object] = {"restore_grace_days": self.chance.choice([0, 7])}
        if self.chance.random() < 0.7:
            lot["expires_at"] = self.now + timedelta(days=self.chance.randint(1, 9))
        return make.grant(self.chance.choice([0, 3, 10, 20]), contact, lot=lot)


async def studio(db: Database, owner: Database, *, seed: int, zone: str) -> Studio:
    """Open a studio."""
    location = await make.location(owner, clock=START, timezone=zone)
    await make.product(owner, location)
    return Studio(db, owner, location, seed=seed)


@asynccontextmanager
async def original(
    clones: Maker, template: str, *, rounds: int = 30
) -> AsyncGenerator[list[Studio]]:
    """Make two studios in one database, to make copies of; a session needs only one original."""
    async with _database(clones, template) as (db, owner):
        studios = [
            await studio(db, owner, seed=1, zone="Europe/Rome"),
            await studio(db, owner, seed=2, zone="Asia/Kolkata"),
        ]
        for each in studios:
            await each.work(rounds=rounds)
        # Only a database to which nobody is connected can be copied.
        await db.close()
        await owner.close()
        yield studios


@asynccontextmanager
async def copied(clones: Maker, studios: list[Studio]) -> AsyncGenerator[list[Studio]]:
    """Give a copy of studios in a database of its own."""
    async with _database(clones, str(studios[0].db.target.database)) as (db, owner):
        made = [copy.copy(studio) for studio in studios]
        for each in made:
            each.db, each.owner = db, owner
        yield made


@asynccontextmanager
async def _database(clones: Maker, template: str) -> AsyncGenerator[tuple[Database, Database]]:
    target = await clones.make(template)
    db, owner = Database(target), Database(target, role=None)
    try:
        yield db, owner
    finally:
        await db.close()
        await owner.close()
        await clones.drop(target)

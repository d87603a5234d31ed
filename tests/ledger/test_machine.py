"""
Every act in any order, with the clock moving, against the model; the books hold after each step.

KOTALLY_TEST_SCALE makes it longer: 200 is 100 000 steps.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from kotally.db import Database
from kotally.db.connections import Target
from tests import make
from tests.ledger.desk import NOON, SCALE, Desk
from tests.ledger.model import ZONE, Hold, Lot, Member
from tests.make import Act, Outcome

EXAMPLES, STEPS = 10, 50
REFUSED = {"NO_ENTITLEMENT", "INSUFFICIENT_CREDITS"}
WINDOW = timedelta(minutes=720)

amounts = st.integers(1, 5)
references = st.sampled_from([None, None, "bk1", "bk2"])
hours_ahead = st.sampled_from([None, None, 6, 13, 30, 100])
which = st.integers(0, 50)


class Machine(RuleBasedStateMachine):
    """One contact at one desk."""

    runner: ClassVar[asyncio.Runner]
    db: ClassVar[Database]
    owner: ClassVar[Database]

    def __init__(self) -> None:
        super().__init__()
        self.now = NOON
        self.member = Member(WINDOW)
        self.holds: dict[UUID, Hold] = {}
        self.done: list[tuple[Act, Outcome]] = []

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    @initialize()
    def open(self) -> None:
        location = self.run(make.location(self.owner, clock=NOON, timezone=str(ZONE)))
        self.desk = Desk(self.db, self.owner, location)
        self.contact_id = self.run(self.desk.contact_id())

    def ahead(self, hours: int | None) -> dict[str, Any]:
        """Write the time of an appointment."""
        return {} if hours is None else {"appointment_at": self.now + timedelta(hours=hours)}

    def act(self, act: Act, expected: str) -> None:
        """Carry out an act and demand what the model says of it."""
        outcome = self.run(self.desk.one(act))
        assert ("REFUSED" if outcome.code in REFUSED else outcome.code) == expected
        if "balance_after" in outcome.answer:
            assert outcome.answer["balance_after"] == self.member.visible(self.now)
        self.done.append((act, outcome))

    @rule(
        credits_=st.integers(1, 6),
        priority=st.sampled_from([90, 100]),
        expires_in=st.sampled_from([None, 1, 20, 50, 200]),
        effective_in=st.sampled_from([-24, -1, 5]),
        grace_days=st.sampled_from([0, 7]),
    )
    def issue(
        self,
        *,
        credits_: int,
        priority: int,
        expires_in: int | None,
        effective_in: int,
        grace_days: int,
    ) -> None:
        expires_at = self.now + timedelta(hours=expires_in) if expires_in else None
        effective_at = self.now + timedelta(hours=effective_in)
        self.member.issue(Lot(0, priority, effective_at, expires_at, grace_days, credits_))
        self.run(
            self.desk.lot(
                credits_,
                priority=priority,
                effective_at=effective_at,
                restore_grace_days=grace_days,
                **({"expires_at": expires_at} if expires_at else {}),
            )
        )

    @rule(hours=st.integers(1, 40))
    def wait(self, hours: int) -> None:
        self.now += timedelta(hours=hours)
        self.run(self.desk.set_clock(self.now))

    @rule(amount=amounts, reference=references, hours=hours_ahead)
    def deduct(self, amount: int, reference: str | None, hours: int | None) -> None:
        self.take(make.deduct(amount, external_ref=reference, **self.ahead(hours)))

    @rule(
        amount=amounts, reference=references, hours=hours_ahead, ttl=st.sampled_from([None, 2, 24])
    )
    def hold(
        self, *, amount: int, reference: str | None, hours: int | None, ttl: int | None
    ) -> None:
        args = {"args": {"ttl_seconds": ttl * 3600}} if ttl else {}
        self.take(make.hold(amount, external_ref=reference, **self.ahead(hours), **args), ttl)

    def take(self, act: Act, ttl: int | None = None) -> None:
        """Place a hold, or take at once."""
        lapses_at = self.now + timedelta(hours=ttl) if ttl else None
        hold = Hold(act.amount or 0, act.external_ref, act.appointment_at, lapses_at)
        self.member.lapse(self.now)
        self.act(act, self.member.take(hold, self.now, is_hold=act.operation == "hold"))
        if hold.held:
            self.holds[act.id] = hold

    @precondition(lambda self: self.holds)
    @rule(number=which, amount=st.one_of(st.none(), st.integers(1, 7)))
    def capture(self, number: int, amount: int | None) -> None:
        hold_id, hold = list(self.holds.items())[-1 - number % len(self.holds)]
        self.member.lapse(self.now)
        expected = self.member.capture(hold, amount or hold.amount, self.now)
        self.act(make.act("capture", hold_id=hold_id, amount=amount), expected)

    @precondition(lambda self: self.holds)
    @rule(number=which)
    def release(self, number: int) -> None:
        hold_id, hold = list(self.holds.items())[-1 - number % len(self.holds)]
        self.member.lapse(self.now)
        expected = self.member.release(hold, self.now)
        self.act(make.act("release", hold_id=hold_id), expected)

    @rule(amount=amounts, reference=references, hours=hours_ahead)
    def restore(self, amount: int, reference: str | None, hours: int | None) -> None:
        at = self.ahead(hours)
        self.member.lapse(self.now)
        expected = self.member.restore(amount, reference, at.get("appointment_at"), self.now)
        self.act(make.restore(amount, external_ref=reference, **at), expected)

    @rule(wanted=st.lists(amounts, min_size=2, max_size=5))
    def batch(self, wanted: list[int]) -> None:
        self.member.lapse(self.now)
        expected = [self.member.take(Hold(amount), self.now, is_hold=False) for amount in wanted]
        outcomes = self.run(self.desk.do(*(make.deduct(amount) for amount in wanted)))
        assert ["REFUSED" if o.code in REFUSED else o.code for o in outcomes] == expected

    @precondition(lambda self: self.done)
    @rule(number=which)
    def repeat(self, number: int) -> None:
        act, first = self.done[-1 - number % len(self.done)]
        self.member.lapse(self.now)
        assert self.run(self.desk.one(act)) == first._replace(replayed=True)

    @rule()
    def sweep(self) -> None:
        self.member.sweep(self.now)
        self.run(self.desk.sweep())

    @rule()
    def sweep_holds(self) -> None:
        self.member.lapse(self.now)
        sql = "select kotally.lapse_holds($1, 100)"
        self.run(self.db.fetchval(sql, self.desk.location))

    @invariant()
    def the_lots_are_those_of_the_model(self) -> None:
        sql = "select * from kotally.lots where location_id = $1"
        rows = self.run(self.db.fetch(sql, self.desk.location))
        columns = ("priority", "effective_at", "expires_at", "available", "expired")
        ours = sorted(tuple(str(row[name]) for name in columns) for row in rows)
        utc = NOON.tzinfo
        theirs = sorted(
            (
                str(lot.priority),
                str(lot.effective_at),
                str(lot.expires_at and lot.expires_at.astimezone(utc)),
                str(lot.available),
                str(lot.expired),
            )
            for lot in self.member.lots
        )
        assert ours == theirs

    @invariant()
    def what_can_be_seen_is_what_is_there(self) -> None:
        """S2.5, S6.5: reads count what has lapsed and leave out what is expired, unswept."""
        lapsed = [
            (lot, hold)
            for hold in self.member.holds
            for lot in hold.held
            if hold.lapses_at and hold.lapses_at <= self.now
        ]
        sql = "select kotally.visible_balance($1, $2, $3)"
        seen = self.run(self.db.fetchval(sql, self.desk.location, self.contact_id, self.now))
        coming = sum(not lot.is_expired(self.now) for lot, _ in lapsed)
        assert seen == self.member.visible(self.now) + coming

    @invariant()
    def the_books_hold(self) -> None:
        self.run(self.desk.assert_books())


@contextmanager
def running(target: Target) -> Iterator[type[Machine]]:
    """Give the machine a loop and connections; Hypothesis drives it without any."""
    with asyncio.Runner() as runner:
        Machine.runner = runner
        Machine.db, Machine.owner = Database(target), Database(target, role=None)
        yield Machine
        runner.run(Machine.db.close())
        runner.run(Machine.owner.close())


@pytest.mark.slow
@pytest.mark.timeout(120 + 30 * SCALE)
def test_any_order_of_acts_agrees_with_the_model(ledger_target: Target) -> None:
    with running(ledger_target) as machine:
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=EXAMPLES * SCALE,
                stateful_step_count=STEPS,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )

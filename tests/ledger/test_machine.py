"""
Every act in any order, with the clock moving, against the model; the books hold after each step.

KOTALLY_TEST_SCALE makes it longer: 200 is 100 000 steps.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
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

# Small lots and larger acts: most acts draw from several lots. Few hours: times often coincide.
amounts = st.integers(1, 5)
references = st.sampled_from([None, None, "bk1", "bk2"])
hours_ahead = st.sampled_from([None, None, None, 6, 12, 14, 100])
which = st.sampled_from([0, 0, 0, 1, 2, 3, 7])  # 0 is the newest
lots = st.fixed_dictionaries(
    {
        "credits_": st.integers(1, 4),
        "priority": st.sampled_from([90, 100]),
        "expires_in": st.sampled_from([None, None, 2, 20, 50, 200]),
        "effective_in": st.sampled_from([-24, -1, -1, 5]),
        "grace_days": st.sampled_from([0, 7]),
    }
)


KINDS = [
    *("issue", "wait", "wait", "deduct", "hold", "hold", "hold", "capture", "capture", "release"),
    *("restore", "restore", "batch", "repeat", "sweep_lots", "sweep_holds"),
]

Draw = Callable[[st.SearchStrategy[Any]], Any]


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

    @initialize(draw=st.data())
    def open(self, draw: st.DataObject) -> None:
        location = self.run(make.location(self.owner, clock=NOON, timezone=str(ZONE)))
        self.desk = Desk(self.db, self.owner, location)
        self.contact_id = self.run(self.desk.contact_id())
        for _ in range(2):
            self.issue(draw.draw)

    def ahead(self, draw: Draw) -> dict[str, Any]:
        """Choose the time of an appointment, or none."""
        hours = draw(hours_ahead)
        return {} if hours is None else {"appointment_at": self.now + timedelta(hours=hours)}

    def act(self, act: Act, expected: str) -> None:
        """Carry out an act and demand what the model says of it."""
        outcome = self.run(self.desk.one(act))
        assert ("REFUSED" if outcome.code in REFUSED else outcome.code) == expected
        if "balance_after" in outcome.answer:
            assert outcome.answer["balance_after"] == self.member.visible(self.now)
        self.done.append((act, outcome))

    @rule(kind=st.sampled_from(KINDS), draw=st.data())
    def step(self, kind: str, draw: st.DataObject) -> None:
        """Do anything; with a rule for each, Hypothesis would favour a few of them in each run."""
        getattr(self, kind)(draw.draw)

    def issue(self, draw: Draw) -> None:
        for lot in draw(st.lists(lots, min_size=1, max_size=3)):
            self.issue_one(**lot)

    def issue_one(
        self,
        *,
        credits_: int,
        priority: int,
        expires_in: int | None,
        effective_in: int,
        grace_days: int,
    ) -> None:
        """Issue a lot; times are in hours from now."""
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

    def wait(self, draw: Draw) -> None:
        self.now += timedelta(hours=draw(st.sampled_from([1, 2, 10, 40])))
        self.run(self.desk.set_clock(self.now))

    def deduct(self, draw: Draw) -> None:
        reference = draw(references)
        self.take(make.deduct(draw(amounts), external_ref=reference, **self.ahead(draw)))

    def hold(self, draw: Draw) -> None:
        ttl = draw(st.sampled_from([None, None, 1, 2, 24]))
        args: dict[str, Any] = {"args": {"ttl_seconds": ttl * 3600}} if ttl else {}
        reference = draw(references)
        self.take(make.hold(draw(amounts), external_ref=reference, **self.ahead(draw), **args), ttl)

    def take(self, act: Act, ttl: int | None = None) -> None:
        """Place a hold, or take at once."""
        lapses_at = self.now + timedelta(hours=ttl) if ttl else None
        hold = Hold(act.amount or 0, act.external_ref, act.appointment_at, lapses_at)
        self.member.lapse(self.now)
        self.act(act, self.member.take(hold, self.now, is_hold=act.operation == "hold"))
        if hold.held:
            self.holds[act.id] = hold

    def chosen(self, draw: Draw) -> tuple[UUID, Hold] | None:
        """Choose a hold, mostly one of the newest."""
        self.member.lapse(self.now)
        return list(self.holds.items())[-1 - draw(which) % len(self.holds)] if self.holds else None

    def capture(self, draw: Draw) -> None:
        if chosen := self.chosen(draw):
            hold_id, hold = chosen
            amount = draw(st.one_of(st.none(), st.integers(1, 7)))
            expected = self.member.capture(hold, amount or hold.amount, self.now)
            self.act(make.act("capture", hold_id=hold_id, amount=amount), expected)

    def release(self, draw: Draw) -> None:
        if chosen := self.chosen(draw):
            hold_id, hold = chosen
            expected = self.member.release(hold, self.now)
            self.act(make.act("release", hold_id=hold_id), expected)

    def restore(self, draw: Draw) -> None:
        amount, reference, at = draw(amounts), draw(references), self.ahead(draw)
        self.member.lapse(self.now)
        expected = self.member.restore(amount, reference, at.get("appointment_at"), self.now)
        self.act(make.restore(amount, external_ref=reference, **at), expected)

    def batch(self, draw: Draw) -> None:
        wanted = draw(st.lists(amounts, min_size=2, max_size=4))
        self.member.lapse(self.now)
        expected = [self.member.take(Hold(amount), self.now, is_hold=False) for amount in wanted]
        outcomes = self.run(self.desk.do(*(make.deduct(amount) for amount in wanted)))
        assert ["REFUSED" if o.code in REFUSED else o.code for o in outcomes] == expected

    def repeat(self, draw: Draw) -> None:
        if self.done:
            act, first = self.done[-1 - draw(which) % len(self.done)]
            self.member.lapse(self.now)
            assert self.run(self.desk.one(act)) == first._replace(replayed=True)

    def sweep_lots(self, _: Draw) -> None:
        self.member.sweep(self.now)
        self.run(self.desk.sweep())

    def sweep_holds(self, _: Draw) -> None:
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
def running(target: Target) -> Generator[type[Machine], None, None]:
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
                suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
            ),
        )

"""
Every act in any order, with the clock moving, in two studios at once.

The one is swept at every instant at which something is due, the other now and then or not for
days: what each says and what each holds must be the same, and be what the model says.

KOTALLY_TEST_SCALE makes it longer: 250 is 100 000 steps. KOTALLY_TEST_SEED names another run.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Coroutine, Generator
from contextlib import contextmanager
from datetime import timedelta
from pprint import pformat
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, note, seed, settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from kotally.db import Database
from kotally.db.connections import Target
from kotally.ledger.acts import Outcome
from kotally.ledger.proofs import prove
from kotally.ledger.writer import Writer
from tests import make
from tests.ledger import books
from tests.ledger.desk import SCALE
from tests.lifecycle import acts, prints
from tests.lifecycle.model import Model
from tests.lifecycle.seen import see
from tests.lifecycle.studio import MEMBERS, PLANS, START, Do, Studio, how, without_ids
from tests.lifecycle.wishes import KINDS, Wishes

EXAMPLES, STEPS = 8, 50
SEED = int(os.environ.get("KOTALLY_TEST_SEED", "1"))
HOURS = [1, 5, 13, 24, 24, 72, 200, 500]
# What is said of a booking comes before what it would have closed as by itself (S2.4): with these
# the late studio is in time, or it would rightly answer otherwise.
OF_BOOKINGS = {
    acts.unbook,
    acts.attend,
    acts.miss,
    acts.correct,
    acts.move,
    acts.call_off,
    acts.call_on,
}
NO_PREVIEW = {acts.pay, acts.spend}


def difference(*said: Any) -> dict[str, Any]:
    """Return what two answers do not have in common, each a code and its facts."""
    one, other = ({"code": said[at]} | without_ids(said[at + 1]) for at in (0, 2))
    names = one.keys() | other.keys()
    return {n: (one.get(n), other.get(n)) for n in names if one.get(n) != other.get(n)}


def demand_none(where: str, found: dict[str, Any]) -> None:
    assert not found, f"{where}\n{pformat(found, width=150)}"


class Machine(RuleBasedStateMachine):
    """Two studios that are told the same."""

    runner: ClassVar[asyncio.Runner]
    db: ClassVar[Database]
    owner: ClassVar[Database]
    writer: ClassVar[Writer]
    told: ClassVar[Counter[str]] = Counter()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    @initialize()
    def open(self) -> None:
        self.now = START
        self.steps = 0
        self.done: list[tuple[Do, str, dict[str, Any], list[Outcome]]] = []
        self.late, self.punctual = self.run(self._opened()), self.run(self._opened())
        self.model = Model()

    async def _opened(self) -> Studio:
        location = await make.location(self.owner, clock=START)
        studio = Studio(self.db, self.owner, self.writer, location)
        await studio.opens()
        return studio

    @rule(
        kind=st.sampled_from([*KINDS, *("wait",) * 14, "sweep", "look", "repeat", "again"]),
        draw=st.data(),
    )
    def step(self, kind: str, draw: st.DataObject) -> None:
        """Do anything."""
        self.steps += 1
        name = f"n{self.steps}"
        if kind in {"wait", "sweep", "look", "repeat", "again"}:
            self.run(getattr(self, kind)(draw.draw))
        else:
            do, said = getattr(Wishes(self.late, draw.draw, self.now), kind)(name)
            preview = do not in NO_PREVIEW and draw.draw(st.sampled_from([True, False]))
            self.run(self.act(do, name, said, preview=preview))
        self.model.agree(self.run(see(self.late)))

    async def act(self, do: Do, name: str, said: dict[str, Any], *, preview: bool) -> None:
        """Tell both studios; what they answer must be the same, and what a preview answered."""
        if do in OF_BOOKINGS:
            for member in MEMBERS:
                await self.late.reads(member)
            # What an act at this very instant has brought about may be due at it, too.
            await self.punctual.sweeps()
        shown = await self._looked(do, name, said) if preview else None
        outcomes = [await do(studio, how(name), **said) for studio in (self.late, self.punctual)]
        late, punctual = (
            studio.learn(out) for studio, out in zip(self._both(), outcomes, strict=True)
        )
        where = f"{self.now:%m-%d %H:%M} {do.__name__} {said} -> {outcomes[0].code}"
        note(where)
        demand_none(where, difference(outcomes[0].code, late, outcomes[1].code, punctual))
        if shown is not None:
            demand_none(f"preview of {where}", difference(*shown, outcomes[0].code, late))
        if outcomes[0].done and do is acts.pay and said["product"] in PLANS:
            for studio, answer in zip(self._both(), (late, punctual), strict=True):
                studio.know_membership(answer)
        self.told[f"{do.__name__} {outcomes[0].code}"] += 1
        self.done.append((do, name, said, outcomes))
        self.model.heard(do.__name__, said, outcomes[0].code, late)

    async def _looked(self, do: Do, name: str, said: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Preview an act: no row of any table may differ afterwards."""
        looking = how(name)._replace(preview=True)
        await do(self.late, looking, **said)  # what was due of a booking is done by whoever asks
        before = await prints.contents(self.late)
        shown = await do(self.late, looking, **said)
        after = await prints.contents(self.late)
        demand_none(f"a preview of {do.__name__} wrote", prints.differences(before, after))
        return shown.code, Studio.read(shown)

    def _both(self) -> tuple[Studio, Studio]:
        return self.late, self.punctual

    async def wait(self, draw: Any) -> None:
        by = timedelta(hours=draw(st.sampled_from(HOURS)))
        await self.late.waits(by, is_punctual=False)
        await self.punctual.waits(by, is_punctual=True)
        self.now += by
        note(f"wait until {self.now:%m-%d %H:%M}")

    async def sweep(self, _: Any) -> None:
        """Let the worker come; before and after, members see the same (S6.5)."""
        before = [await self.late.reads(member) for member in MEMBERS]
        note("sweep")
        await self.late.sweeps()
        after = [await self.late.reads(member) for member in MEMBERS]
        demand_none(
            "before and after a sweep", difference("", {"seen": before}, "", {"seen": after})
        )
        await self._compare()

    async def look(self, draw: Any) -> None:
        """See what the member of a studio sees whose worker did not come."""
        member = draw(st.sampled_from(MEMBERS))
        late, punctual = [await studio.reads(member) for studio in self._both()]
        demand_none("what is seen", difference("", late, "", punctual))

    async def repeat(self, draw: Any) -> None:
        """Send a request again: the first answer, to the letter (S15.1)."""
        if self.done:
            do, name, said, first = draw(st.sampled_from(self.done[-20:]))
            for studio, outcome in zip(self._both(), first, strict=True):
                again = await do(studio, how(name), **said)
                assert (again.code, again.answer) == (outcome.code, outcome.answer)
                assert again.replayed

    async def again(self, draw: Any) -> None:
        """Report a payment once more under another request: it counts once (S15.3)."""
        paid = [said for do, _, said, out in self.done if do is acts.pay and out[0].done]
        if paid:
            said = draw(st.sampled_from(paid))
            for studio in self._both():
                outcome = await acts.pay(studio, how(make.name("again")), **said)
                assert outcome.code == "DUPLICATE_EVENT"

    async def _compare(self) -> None:
        await self.punctual.sweeps()
        late, punctual = [await prints.state(studio) for studio in self._both()]
        demand_none("how they stand", prints.differences(late, punctual))

    def teardown(self) -> None:
        """Let the worker come at last, and prove the books of both."""
        if hasattr(self, "late"):
            self.run(self._ended())

    async def _ended(self) -> None:
        await self.late.sweeps()
        await self._compare()
        for studio in self._both():
            assert await books.faults(self.owner, studio.location) == {}
            proof = await prove(self.owner, studio.location)
            assert proof.ok, proof.differences[:3]


@contextmanager
def running(target: Target) -> Generator[type[Machine], None, None]:
    """Give the machine a loop and connections; Hypothesis drives it without any."""
    with asyncio.Runner() as runner:
        Machine.runner = runner
        Machine.db, Machine.owner = Database(target), Database(target, role=None)
        Machine.writer = Writer(Machine.db)
        runner.run(Machine.writer.start())
        yield Machine
        runner.run(Machine.writer.stop())
        runner.run(Machine.db.close())
        runner.run(Machine.owner.close())


@pytest.mark.slow
@pytest.mark.timeout(120 + 60 * SCALE)
def test_any_order_of_acts_agrees_with_the_model(lifecycle_target: Target) -> None:
    with running(lifecycle_target) as machine:
        run_state_machine_as_test(
            seed(SEED)(machine),
            settings=settings(
                max_examples=EXAMPLES * SCALE,
                stateful_step_count=STEPS,
                deadline=None,
                suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
            ),
        )

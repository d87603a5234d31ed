"""The numbers of a preview are those of the commit (issue 3, Preview everywhere)."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings, strategies as st

from tests import make
from tests.payments.till import Till

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("use"), st.integers(1, 4)),
        st.tuples(st.just("book"), st.integers(1, 3)),
        st.tuples(st.just("refund"), st.integers(1, 9900)),
        st.tuples(st.just("adjust"), st.sampled_from([-3, -1, 2, 5])),
        st.tuples(st.just("give"), st.integers(1, 4)),
        st.tuples(st.just("dispute"), st.sampled_from(["opened", "won", "lost"])),
    ),
    max_size=10,
)
MADE_ANEW = {"lot_id", "transfer_id", "approval_id"}


def plain(answer: dict[str, Any]) -> dict[str, Any]:
    """Leave out the ids that each time are new."""
    return {name: value for name, value in answer.items() if name not in MADE_ANEW}


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS)
async def test_every_preview_is_its_commit(till: Till, steps: list[tuple[str, Any]]) -> None:
    if not await till.db.fetchval(
        "select exists (select from kotally.products p where p.location_id = $1)", till.location
    ):
        await till.sells()
    mine = till.of(make.name("c"))
    bought = await mine.buys()
    friend = make.name("friend")
    await till.of(friend).contact_id()
    for name, value in steps:
        match name:
            case "use":
                await mine.uses(value)
                continue
            case "book":
                await mine.books(make.name("booking"), days=value, units=value)
                continue
            case "refund":
                shown = await mine.refunds(bought, value, preview=True)
                done = await mine.refunds(bought, value)
            case "adjust":
                shown = await mine.adjusts(value, preview=True)
                done = await mine.adjusts(value)
            case "give":
                shown = await mine.gives(value, friend, preview=True)
                done = await mine.gives(value, friend)
            case _:
                shown = await mine.disputed(bought, value, preview=True)
                done = await mine.disputed(bought, value)
        assert (shown.code, plain(shown.answer)) == (done.code, plain(done.answer))

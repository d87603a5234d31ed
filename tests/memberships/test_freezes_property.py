"""A preview of a freeze says what its commit does, and orders around it come to the same."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from kotally.db import Database
from kotally.ledger.writer import Writer
from tests import make
from tests.ledger.desk import SCALE
from tests.memberships.club import JANUARY, Club, ny
from tests.memberships.pausing import Pausing

PLANS = st.fixed_dictionaries(
    {
        "mode": st.sampled_from(["shift", "prorate", "keep"]),
        "covers_packs": st.booleans(),
        "fee_cents": st.sampled_from([0, 500]),
        "fee_per_30_days": st.booleans(),
    }
)


async def opened(db: Database, owner: Database, writer: Writer) -> Club:
    return Club(db, owner, writer, await make.location(owner, clock=JANUARY))


@settings(
    max_examples=12 * SCALE,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    plan=PLANS,
    when=st.tuples(st.integers(0, 70), st.integers(1, 50), st.integers(1, 40), st.integers(1, 49)),
)
async def test_a_preview_is_the_commit(
    club_db: Database,
    club_owner: Database,
    club_writer: Writer,
    plan: dict[str, Any],
    when: tuple[int, int, int, int],
) -> None:
    """Each answer is the same but for the new ids, and a preview writes nothing."""
    start, days, booked, back = when
    club = await opened(club_db, club_owner, club_writer)
    pausing = Pausing(club)
    await club.sells("plan", freeze=plan)
    id_ = (await club.pays("plan"))["entitlement_id"]
    await pausing.pack(ny("2026-02-13T05:00"))
    await club.does(
        "hold", calendar_id="cal", appointment_at=ny("2026-01-02T12:00") + days_(booked)
    )
    first = (JANUARY + days_(start)).date().isoformat()
    last = (JANUARY + days_(start + days)).date().isoformat()

    async def freeze(**more: Any) -> Any:
        return await pausing.freeze(id_, first, last, **more)

    await same(club, freeze)
    await pausing.moves_to((JANUARY + days_(start + min(back, days - 1))).isoformat())

    async def resume(**more: Any) -> Any:
        return await pausing.resume(id_, **more)

    await same(club, resume)
    await pausing.moves_to("2026-06-01T12:00")
    await club.assert_books()


async def same(club: Club, act: Callable[..., Awaitable[Any]]) -> None:
    before = await club.counts()
    preview = await act(preview=True)
    assert await club.counts() == before
    done = await act()
    assert preview.code == done.code
    assert without_ids(preview.answer) == without_ids(done.answer)


def without_ids(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != "freeze_id"}


def days_(number: int) -> timedelta:
    return timedelta(days=number)


# A period that is paid ahead stays what was paid for: there the upgrade is for the one after.
ORDERS = [
    order
    for order in permutations(("freeze", "upgrade", "renewal"))
    if order.index("upgrade") < order.index("renewal")
]


@pytest.mark.parametrize("order", ORDERS)
async def test_upgrade_freeze_and_renewal_in_any_order_come_to_the_same(
    club: Club, order: tuple[str, ...]
) -> None:
    """Asked for on one day, a week before the boundary, in every order: one end state."""
    pausing = Pausing(club)
    await club.sells("eight")
    await club.sells("twelve", 12)
    id_ = (await club.pays("eight"))["entitlement_id"]
    await club.moves_to("2026-01-25T12:00")
    acts: dict[str, Callable[[], Awaitable[Any]]] = {
        "freeze": lambda: pausing.freeze(id_, "2026-01-28", "2026-02-07"),
        "upgrade": lambda: club.changes(id_, "twelve", when="next_period"),
        "renewal": lambda: club.renews(id_),
    }

    for name in order:
        await acts[name]()
    await pausing.moves_to("2026-02-11T06:00")

    standing = await club.membership(id_)
    assert standing["period_number"] == 2
    assert standing["period_ends_at"] == ny("2026-03-11T04:00")
    assert await club.open() == [("included", 12, ny("2026-03-11T04:00"))]

"""Whatever the order in which things are reported, the same things hold."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from uuid import UUID, uuid4

import pytest
from hypothesis import given, strategies as st

from kotally.ledger.plans import Entry
from kotally.memberships.memberships import Lot
from kotally.memberships.rollover import roll
from kotally.products.policies import Rollover
from tests.memberships.club import JANUARY, Club, ny

BOUNDARY = JANUARY + timedelta(days=31)


@pytest.mark.parametrize("order", list(permutations(["pay", "upgrade", "sweep"])))
async def test_upgrade_and_renewal_around_a_boundary(club: Club, order: tuple[str, ...]) -> None:
    """An upgrade at the instant of the boundary is one in the new period, whoever is first."""
    await club.sells("eight", rollover={"max_per_roll": 4})
    await club.sells("twelve", 12, rollover={"max_per_roll": 4})
    member = await club.pays("eight")
    await club.uses(3)
    await club.moves_to("2026-02-01T05:00:00", sweep=False)
    id_ = member["entitlement_id"]
    for step in order:
        if step == "pay":
            await club.pays("eight")
        elif step == "sweep":
            await club.sweeps()
        else:
            await club.changes(id_, "twelve")
    await club.pays("twelve")
    await club.sweeps()

    standing = await club.membership(id_)
    found = (standing["product_config_id"], standing["period_number"], standing["status"])
    assert found == ("twelve", 2, "active")
    # Eight and the whole difference, and four of the five that were left.
    assert await club.available() == 8 + 4 + 4


@pytest.mark.parametrize("copies", [1, 2, 5])
async def test_duplicates_change_nothing(club: Club, copies: int) -> None:
    await club.sells("eight", rollover={})
    await club.pays("eight", payment="inv_1")
    await club.moves_to("2026-02-01T06:00")
    for _ in range(copies):
        await club.pays("eight", payment="inv_2")
        await club.sweeps()

    assert sorted(await club.open()) == [
        ("included", 8, ny("2026-03-01T05:00")),
        ("rollover", 8, ny("2026-03-01T05:00")),
    ]


def lot(available: int, *, rolled: bool, days: int, held: int = 0, **rule: int) -> Lot:
    """Make a lot that ends so many days after the boundary."""
    expires_at = BOUNDARY + timedelta(days=days)
    return Lot(
        id=uuid4(),
        contact_id=UUID(int=1),
        entitlement_id=UUID(int=2),
        product_config_id="pc",
        product_version=1,
        payment_id=None,
        period_number=1,
        lot_class="rollover" if rolled else "included",
        priority=100,
        effective_at=JANUARY,
        expires_at=expires_at,
        due_at=expires_at,
        lives_until=expires_at,
        coverage=None,
        coverage_width=1,
        cost_minor=1_000,
        currency="USD",
        unit_cost=0,
        cancel_window_minutes=None,
        restore_grace_days=7,
        roll_count=1 if rolled else 0,
        rules={} if rolled else {"rollover": rule},
        issued=available + held,
        available=available,
        held=held,
        consumed=0,
        penalty=0,
        is_rolled=False,
    )


@given(
    fresh=st.integers(0, 50),
    held=st.integers(0, 10),
    banked=st.lists(st.integers(0, 20), max_size=4),
    percent=st.integers(0, 100),
    per_roll=st.integers(0, 60),
    bank=st.integers(0, 60),
)
def test_every_credit_is_accounted_for(
    *, fresh: int, held: int, banked: list[int], percent: int, per_roll: int, bank: int
) -> None:
    """S7.2, S7.3, S7.5: what does not roll is forfeited, and the bank holds no more than it may."""
    rule = {"percent": percent, "max_per_roll": per_roll, "max_bank": bank}
    period = lot(fresh, rolled=False, days=0, held=held, **rule)
    old = [lot(amount, rolled=True, days=30 + place) for place, amount in enumerate(banked)]
    ends = BOUNDARY + timedelta(days=90)

    def lifetime(_: Rollover) -> object:
        return ends

    found = roll([period, *old], BOUNDARY, cutoff=BOUNDARY, lifetime=lifetime, number=2)  # pyright: ignore[reportArgumentType] - a plain function
    forfeited = sum(each.amount for each in found.forfeits)
    trimmed = sum(each.amount for each in found.trims)
    kept = sum(banked) - trimmed + found.rolled

    assert found.rolled + forfeited == fresh
    assert found.rolled <= min(fresh * percent // 100, per_roll)
    assert kept <= max(bank, 0)
    assert all(isinstance(entry, Entry) and entry.amount > 0 for entry in found.entries)
    # The soonest expiring is trimmed first: a later lot only when those before it are empty.
    trims = {each.lot_id: each.amount for each in found.trims}
    partial = [place for place, each in enumerate(old) if trims.get(each.id, 0) < each.available]
    touched = [place for place, each in enumerate(old) if trims.get(each.id)]
    assert not touched or not partial or max(touched) <= min(partial)
    assert found.records[0]["room"] >= 0

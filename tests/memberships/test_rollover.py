"""S7: what of a period's credits carries over."""

from __future__ import annotations

from tests.memberships.club import Club, ny

FEBRUARY, MARCH, APRIL = "2026-02-01T05:00", "2026-03-01T05:00", "2026-04-01T04:00"
MAY = "2026-05-01T04:00"
BANK = {"max_per_roll": 4, "max_bank": 6, "lives_months": 2}


async def test_the_bank_is_trimmed_of_what_expires_soonest(club: Club) -> None:
    """T: S7, the first vector."""
    await club.sells("eight", rollover=BANK, renews="itself")
    await club.pays("eight")
    await club.uses(3)
    await club.moves_to(FEBRUARY)

    assert await club.open() == [
        ("included", 8, ny(MARCH)),
        ("rollover", 4, ny(APRIL)),
    ]
    assert await club.moved("forfeit") == [("not_rolled_over", 1, ny(FEBRUARY))]

    await club.moves_to(MARCH)

    assert sorted(await club.open()) == [
        ("included", 8, ny(APRIL)),
        ("rollover", 2, ny(APRIL)),
        ("rollover", 4, ny(MAY)),
    ]
    assert (await club.moved("forfeit"))[1:] == [
        ("not_rolled_over", 4, ny(MARCH)),
        ("bank_trimmed", 2, ny(MARCH)),
    ]


async def test_held_credits_roll_later_as_far_as_there_was_room(club: Club) -> None:
    """T: S7.6, the second vector."""
    await club.sells("eight", rollover={"max_per_roll": 4}, renews="itself")
    await club.pays("eight")
    await club.uses(3)
    held = await club.books("2026-01-31T12:00", 2)
    await club.moves_to("2026-02-01T15:00")

    assert sorted((c, n) for c, n, _ in await club.open()) == [
        ("included", 0),
        ("included", 8),
        ("rollover", 3),
    ]

    await club.releases(held)

    found = sorted((lot["class"], lot["available"]) for lot in await club.lots())
    assert found == [("included", 8), ("restored", 1), ("rollover", 1), ("rollover", 3)]
    rolled = [at for name, _, at in await club.open() if name == "rollover"]
    assert rolled == [ny(MARCH), ny(MARCH)]


async def test_a_roll_over_and_the_grant_are_one_act(club: Club) -> None:
    """S7.1: in the transaction of the next period's grant, by payment too."""
    await club.sells("eight", rollover={"percent": 50})
    first = await club.pays("eight")
    await club.uses(3)
    await club.moves_to("2026-02-01T14:00")

    assert await club.available() == 0

    paid = await club.pays("eight")

    assert (paid.code, paid["credits_granted"], paid["balance_after"]) == ("grant_applied", 8, 10)
    assert paid["entitlement_id"] == first["entitlement_id"]
    assert await club.moved("rollover") == [("rolled_over", 2, ny(FEBRUARY))]
    assert await club.moved("forfeit") == [("not_rolled_over", 3, ny(FEBRUARY))]
    assert (await club.moved("grant"))[1][2] == ny(FEBRUARY)


async def test_rolled_credits_are_used_before_fresh_ones(club: Club) -> None:
    """S7.4: their priority is 90."""
    await club.sells("eight", rollover={"max_per_roll": 2, "lives_months": 3}, renews="itself")
    await club.pays("eight")
    await club.moves_to("2026-02-02T12:00")
    await club.uses(1)

    assert sorted((c, n) for c, n, _ in await club.open()) == [("included", 8), ("rollover", 1)]


async def test_what_has_rolled_as_often_as_it_may_expires(club: Club) -> None:
    """S7.5: with one roll a rolled lot ends as any other; with two it rolls again."""
    await club.sells("once", rollover={"max_rolls": 1}, renews="itself")
    await club.sells("twice", rollover={"max_rolls": 2}, renews="itself")
    for product, contact in (("once", "ana"), ("twice", "bob")):
        await club.pays(product, contact)
        await club.uses(7, contact)
    await club.moves_to("2026-02-02T12:00")
    await club.moves_to("2026-03-02T12:00")

    assert sorted((c, n) for c, n, _ in await club.open("ana")) == [
        ("included", 8),
        ("rollover", 8),
    ]
    assert sorted((c, n) for c, n, _ in await club.open("bob")) == [
        ("included", 8),
        ("rollover", 1),
        ("rollover", 8),
    ]
    assert await club.moved("expire", "ana") == [("expired", 1, ny(MARCH))]


async def test_a_changed_rule_affects_only_lots_issued_afterwards(club: Club) -> None:
    """S7.8: the lot carries the rule of its version."""
    from kotally.products import products
    from kotally.products.products import Changes
    from kotally.products.rules import Rules

    await club.sells("eight", rollover={"max_per_roll": 4}, renews="itself")
    await club.pays("eight")
    rules = Rules(renews="itself")
    await products.edit(club.db, club.location, "eight", changes=Changes(rules=rules))
    await club.moves_to("2026-02-02T12:00")

    assert await club.moved("rollover") == [("rolled_over", 4, ny(FEBRUARY))]


async def test_credits_wait_for_a_payment_that_is_late(club: Club) -> None:
    """S7.7: nothing expires until the roll is decided, and nothing can be spent."""
    await club.sells("eight", rollover={})
    await club.pays("eight")
    await club.uses(3)
    await club.moves_to("2026-02-20T12:00")

    assert await club.available() == 0
    assert [(c, n) for c, n, _ in await club.open()] == [("included", 5)]

    await club.pays("eight")

    assert sorted(await club.open()) == [("included", 8, ny(MARCH)), ("rollover", 5, ny(MARCH))]


async def test_a_sweep_that_comes_twice_or_late_changes_nothing(club: Club) -> None:
    await club.sells("eight", rollover=BANK, renews="itself")
    await club.pays("eight")
    await club.moves_to("2026-04-03T12:00")
    before = await club.counts()
    await club.sweeps()

    assert await club.counts() == before
    assert [at for _, _, at in await club.moved("rollover")] == [
        ny(FEBRUARY),
        ny(MARCH),
        ny(APRIL),
    ]
    assert sum(number for _, number, _ in await club.open()) == 8 + 6


async def test_a_lapsed_hold_rolls_over_though_no_sweep_has_released_it(club: Club) -> None:
    """S2.5, S7.2: at the boundary it counts as released, however late the worker comes."""
    await club.sells("eight", renews="itself", rollover={})
    await club.pays("eight")
    await club.does("hold", 5, calendar_id="cal", args={"ttl_seconds": 3_600})

    await club.moves_to("2026-02-10T12:00")

    assert sorted(await club.open()) == [
        ("included", 8, ny("2026-03-01T05:00")),
        ("rollover", 8, ny("2026-03-01T05:00")),
    ]

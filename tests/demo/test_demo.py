"""`kotally demo`: a believable studio, made by the product's own functions."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from kotally import demo
from kotally.core.dice import Dice
from kotally.db import Database
from kotally.demo.cast import STUDIOS, members
from kotally.ledger import proofs

WEEKS_TRIED = 3


def test_the_same_seed_makes_the_same_members() -> None:
    """Names, habits and joining days follow from the seed alone."""
    first = members(STUDIOS[0], Dice(7, STUDIOS[0].id), days=demo.DAYS)
    again = members(STUDIOS[0], Dice(7, STUDIOS[0].id), days=demo.DAYS)
    other = members(STUDIOS[0], Dice(8, STUDIOS[0].id), days=demo.DAYS)

    assert first == again
    assert first != other
    assert len(first) == STUDIOS[0].members


async def test_weeks_of_a_demo_leave_right_books(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every kind of day is lived on the studio's own clock, and the books prove."""
    monkeypatch.setattr(demo, "DAYS", WEEKS_TRIED * 7)

    said = await demo.build(db, seed=1, quiet=True)

    proof = await proofs.prove(db, None)
    assert proof.ok, proof.differences
    kinds = {
        row["kind"]
        for row in await db.fetch(
            "select distinct kind from kotally.postings where location_id = $1", STUDIOS[0].id
        )
    }
    assert {"grant", "deduct", "restore"} <= kinds
    clock = await db.fetchval("select kotally.location_now($1)", STUDIOS[0].id)
    assert abs((datetime.now(UTC) - clock).total_seconds()) < 2 * 86_400
    assert said.facts["token"].startswith("ktly_")


async def test_a_second_run_finds_the_first(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is made twice; only a new token is shown."""
    monkeypatch.setattr(demo, "DAYS", 1)
    first = await demo.build(db, seed=1, quiet=True)
    postings = await db.fetchval("select count(*) from kotally.postings -- all locations: a count")

    second = await demo.build(db, seed=1, quiet=True)

    assert second.facts["token"] != first.facts["token"]
    assert postings == await db.fetchval(
        "select count(*) from kotally.postings -- all locations: a count"
    )

"""`kotally demo`: a believable studio, made by the product's own functions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import LiteralString

import msgspec
import pytest

from kotally import demo
from kotally.core.dice import Dice
from kotally.db import Database
from kotally.demo import cast, regulars, whims
from kotally.demo.cast import STUDIOS, members
from kotally.ledger import proofs

WEEKS_TRIED = 7


def test_the_same_seed_makes_the_same_members() -> None:
    """Names, habits and joining days follow from the seed alone."""
    first = members(STUDIOS[0], Dice(7, STUDIOS[0].id), days=demo.DAYS)
    again = members(STUDIOS[0], Dice(7, STUDIOS[0].id), days=demo.DAYS)
    other = members(STUDIOS[0], Dice(8, STUDIOS[0].id), days=demo.DAYS)

    assert first == again
    assert first != other
    assert len(first) == STUDIOS[0].members


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let one small studio live seven weeks in which a lot happens."""
    monkeypatch.setattr(demo, "DAYS", WEEKS_TRIED * 7)
    monkeypatch.setattr(demo, "STUDIOS", (msgspec.structs.replace(STUDIOS[0], members=80),))
    monkeypatch.setattr(whims, "FREEZES_PER_THOUSAND", 15)
    monkeypatch.setattr(whims, "CHANGES_PER_THOUSAND", 15)
    monkeypatch.setattr(whims, "REFUNDS_PERCENT", 30)
    monkeypatch.setattr(regulars, "GIVES_UP_PERCENT", 15)
    monkeypatch.setattr(cast, "SHARE_OF_REGULARS", 40)


@pytest.mark.usefixtures("small")
async def test_weeks_of_a_demo_leave_right_books(db: Database) -> None:
    """Every kind of day is lived on the studio's own clock, and the books prove."""
    said = await demo.build(db, seed=1, quiet=True)

    proof = await proofs.prove(db, None)
    assert proof.ok, proof.differences
    assert await _found(db, "select distinct kind from kotally.postings") >= {
        "grant",
        "deduct",
        "restore",
        "hold",
        "capture",
        "release",
        "penalty",
        "rollover",
        "refund",
    }
    assert await _found(db, "select distinct status from kotally.bookings") >= {
        "attended",
        "cancelled",
        "late_cancelled",
        "no_show",
        "studio_cancelled",
    }
    assert "ended" in await _found(db, "select distinct status from kotally.freezes")
    changed = await _found(db, "select distinct kind from kotally.membership_changes")
    assert changed == {"upgrade", "downgrade"}
    clock = await db.fetchval("select kotally.location_now($1)", STUDIOS[0].id)
    assert abs((datetime.now(UTC) - clock).total_seconds()) < 2 * 86_400
    assert said.facts["token"].startswith("ktly_")


async def _found(db: Database, sql: LiteralString) -> set[str]:
    rows = await db.fetch(f"{sql} where location_id = $1", STUDIOS[0].id)
    return {row[0] for row in rows}


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

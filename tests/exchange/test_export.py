"""What is exported is the whole ledger, proved by a program that is not ours."""

from __future__ import annotations

import csv as reader
import io
import re
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from kotally.db import Database
from kotally.exchange import export
from kotally.exchange.export import PIECE_ROWS
from kotally.exchange.journal import commodity, quoted
from kotally.exchange.table import COLUMNS, cell
from kotally.ledger.proofs import UnknownLocation
from tests import make
from tests.ledger.busy import START, Maker, Studio, copied, original

BEAN_CHECK = Path(sys.executable).with_name("bean-check")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def originals(clones: Maker, template: str) -> AsyncIterator[list[Studio]]:
    async with original(clones, template, rounds=12) as studios:
        yield studios


@pytest_asyncio.fixture(loop_scope="session")
async def busy(clones: Maker, originals: list[Studio]) -> AsyncIterator[Studio]:
    async with copied(clones, originals) as studios:
        yield studios[0]


async def written(pieces: AsyncGenerator[str, None]) -> str:
    """Put the pieces together."""
    return "".join([piece async for piece in pieces])


def bean_check(folder: Path, journal: str) -> str:
    """Let beancount check a journal, and return what it says; nothing means that all is well."""
    file = folder / "ledger.beancount"
    file.write_text(journal)
    done = subprocess.run(
        [BEAN_CHECK, "--no-cache", file], capture_output=True, text=True, check=False
    )
    assert (done.returncode == 0) == (done.stderr == ""), done
    return done.stdout + done.stderr


async def test_bean_check_accepts_a_busy_ledger(busy: Studio, tmp_path: Path) -> None:
    journal = await written(export.beancount(busy.db, busy.location))
    postings = await busy.db.fetchval(
        "select count(*) from kotally.postings where location_id = $1", busy.location
    )

    assert bean_check(tmp_path, journal) == ""
    assert len(re.findall(r"^\d{4}-\d\d-\d\d \*", journal, re.MULTILINE)) == postings > 100
    assert len(re.findall(r"^\S+ balance Liabilities:Available", journal, re.MULTILINE)) >= 15


@pytest.mark.parametrize("line", ["leg", "balance"])
async def test_bean_check_names_one_changed_credit(busy: Studio, tmp_path: Path, line: str) -> None:
    journal = await written(export.beancount(busy.db, busy.location))
    pattern = {
        "leg": r"^(  Liabilities:Available:\S+  )(-?\d+)( CREDIT)",
        "balance": r"^(\S+ balance Liabilities:Available:\S+  )(-?\d+)( CREDIT)",
    }[line]
    forged, count = re.subn(
        pattern, lambda m: f"{m[1]}{int(m[2]) + 1}{m[3]}", journal, count=1, flags=re.MULTILINE
    )

    said = bean_check(tmp_path, forged)

    assert count == 1
    assert ("Balance failed" if line == "balance" else "does not balance") in said


async def test_bean_check_names_a_credit_that_moved_elsewhere(busy: Studio, tmp_path: Path) -> None:
    """An entry changed in the database balances still, but the member's figures do not."""
    await busy.owner.execute(
        """
        update kotally.entries set amount = amount + 1
         where (contact_id, seq, line) = (
           select contact_id, seq, line from kotally.entries
            where location_id = $1 and to_bucket = 'consumed' order by 1, 2, 3 limit 1)
        """,
        busy.location,
    )

    said = bean_check(tmp_path, await written(export.beancount(busy.db, busy.location)))

    assert "Balance failed for 'Liabilities:Available:M-" in said


async def test_bean_check_names_a_credit_without_history(busy: Studio, tmp_path: Path) -> None:
    rich = await make.contact(busy.owner, busy.location, "rich")
    await busy.owner.execute(
        "update kotally.balances set available = 1 where location_id = $1 and contact_id = $2",
        busy.location,
        rich,
    )

    said = bean_check(tmp_path, await written(export.beancount(busy.db, busy.location)))

    assert said.count("Balance failed") == 1


async def test_members_of_many_months_have_a_balance_for_each(
    db: Database, owner_db: Database, tmp_path: Path
) -> None:
    location = await make.location(owner_db, clock=START, timezone="Pacific/Auckland")
    await make.product(owner_db, location)
    await make.applied(db, location, [make.grant(10)])
    for months in range(1, 4):
        await owner_db.execute(
            "update kotally.locations set clock_at = $2 where id = $1",
            location,
            START + timedelta(days=31 * months),
        )
        await make.applied(db, location, [make.deduct(months), make.hold(1)])

    journal = await written(export.beancount(db, location))

    assert bean_check(tmp_path, journal) == ""
    available = re.findall(
        r"^(\S+) balance Liabilities:Available:\S+  (-?\d+)", journal, re.MULTILINE
    )
    assert available == [
        ("2026-04-01", "-10"),
        ("2026-05-01", "-8"),
        ("2026-06-01", "-5"),
        ("2026-06-04", "-1"),
    ]
    held = re.findall(r"^(\S+) balance Liabilities:Held:\S+  (-?\d+)", journal, re.MULTILINE)
    assert held == [("2026-06-04", "-3")]


async def test_a_night_that_is_lived_twice_keeps_its_order(
    db: Database, owner_db: Database, tmp_path: Path
) -> None:
    """In Goose Bay the clocks went from 00:01 on 1 November 2009 back to 23:01 in October."""
    midnight = datetime(2009, 11, 1, 3, 0, tzinfo=UTC)
    location = await make.location(owner_db, clock=midnight, timezone="America/Goose_Bay")
    await make.product(owner_db, location)
    for minutes in (0, 5, 70):
        await owner_db.execute(
            "update kotally.locations set clock_at = $2 where id = $1",
            location,
            midnight + timedelta(minutes=minutes),
        )
        await make.applied(db, location, [make.grant(10)])

    journal = await written(export.beancount(db, location))

    assert bean_check(tmp_path, journal) == ""
    assert re.findall(r"^(\S+) \*", journal, re.MULTILINE) == ["2009-11-01"] * 3


async def test_strange_words_are_written_so_that_they_are_read_again(
    db: Database, owner_db: Database, tmp_path: Path
) -> None:
    location = await make.location(owner_db, clock=START)
    await make.product(owner_db, location)
    strange = '=1+1\n2026-01-01 open Assets:X "\\" ; ü\r\x07,"'
    await make.applied(
        db,
        location,
        [make.grant(10, strange), make.deduct(1, strange, external_ref=strange, actor=strange)],
    )

    journal = await written(export.beancount(db, location))
    rows = list(reader.DictReader(io.StringIO(await written(export.csv(db, location)), newline="")))

    assert bean_check(tmp_path, journal) == ""
    assert [row["external_contact_id"] for row in rows] == [f"'{strange}"] * 2
    assert rows[1]["external_ref"] == rows[1]["actor"] == f"'{strange}"


async def test_a_row_of_the_table_says_what_the_posting_says(
    db: Database, owner_db: Database
) -> None:
    location = await make.location(owner_db, clock=START)
    await make.product(owner_db, location)
    soon = START + timedelta(days=30)
    await make.applied(db, location, [make.grant(10), make.grant(2, lot={"expires_at": soon})])
    (taken,) = await make.applied(
        db, location, [make.deduct(3, external_ref="b1", appointment_at=START + timedelta(days=3))]
    )
    await make.applied(db, location, [make.restore(1, external_ref="b1")])

    text = await written(export.csv(db, location))
    rows = list(reader.DictReader(io.StringIO(text, newline="")))

    assert text.splitlines()[0] == ",".join(COLUMNS)
    assert text.count("\r\n") == text.count("\n") == 5
    deduct, restore = rows[2], rows[3]
    assert [row["seq"] for row in rows] == ["1", "2", "3", "4"]
    assert (deduct["type"], deduct["amount"], deduct["balance_after"]) == ("deduct", "-3", "9")
    assert deduct["lot_id"] == taken.answer["slices"][0]["lot_id"]
    assert deduct["product_config_id"] == "pc_1"
    assert deduct["recorded_at"] == "2026-03-01T12:00:00Z"
    assert [entry.split()[1:] for entry in deduct["entries"].split("; ")] == [
        ["available>consumed", "2"],
        ["available>consumed", "1"],
    ]
    assert (restore["reverses"], restore["amount"]) == (deduct["id"], "1")
    assert deduct["reverses"] == deduct["metadata"] == ""


async def test_the_table_holds_every_posting(busy: Studio) -> None:
    text = await written(export.csv(busy.db, busy.location))
    rows = list(reader.DictReader(io.StringIO(text, newline="")))

    assert len(rows) == await busy.db.fetchval(
        "select count(*) from kotally.postings where location_id = $1", busy.location
    )
    assert sum(int(row["amount"]) for row in rows) == await busy.db.fetchval(
        "select sum(available)::bigint from kotally.balances where location_id = $1", busy.location
    )


async def test_exports_come_in_pieces(busy: Studio) -> None:
    for pieces in (
        export.beancount(busy.db, busy.location),
        export.csv(busy.db, busy.location),
    ):
        sizes = [piece.count("\n") async for piece in pieces]
        assert max(sizes) < 20 * PIECE_ROWS


async def test_an_unknown_location_is_not_exported(db: Database) -> None:
    for export_ in (export.beancount, export.csv):
        with pytest.raises(UnknownLocation):
            await written(export_(db, "loc_nowhere"))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("=1", "'=1"),
        ("-1", "'-1"),
        ("@a", "'@a"),
        ("\t=1", "'\t=1"),
        ("\uff1d1", "'\uff1d1"),
        ("a=1", "a=1"),
        (-1, -1),
        (None, ""),
    ],
)
def test_no_cell_is_a_formula(value: object, shown: object) -> None:
    assert cell(value) == shown


def test_each_location_has_a_commodity_of_its_own() -> None:
    names = {commodity(each) for each in ("loc_1", "LOC_1", "loc-1", "a" * 64)}

    assert len(names) == 4
    assert all(re.fullmatch(r"[A-Z][A-Z0-9'._-]{0,22}[A-Z0-9]", each) for each in names)


def test_a_text_is_one_string() -> None:
    assert quoted('a"b\\c\nd\x00') == '"a\\"b\\\\c\\nd\ufffd"'

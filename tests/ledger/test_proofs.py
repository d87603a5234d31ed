"""A proof is green on a busy ledger, and names the first row that somebody tampered with."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import LiteralString
from uuid import UUID

import msgspec
import pytest
import pytest_asyncio

from kotally.db import Database
from kotally.ledger.proofs import (
    DIFFERENCES_MAX,
    DIFFERENCES_PER_CHECK,
    Difference,
    Proof,
    UnknownLocation,
    prove,
)
from tests import make
from tests.ledger.busy import Maker, Studio, copied, original

# Constraints and keys would refuse most of what follows; a superuser can switch them off.
UNCHECKED = """
alter table kotally.postings
  drop constraint postings_refers_to_fkey, drop constraint postings_refer_to_the_past;
alter table kotally.entries
  drop constraint entries_posting_fkey, drop constraint entries_lot_fkey;
alter table kotally.lots
  drop constraint lots_buckets_sum_to_zero, drop constraint lots_balance_fkey;
alter table kotally.holds
  drop constraint holds_end_once, drop constraint holds_closed_are_settled,
  drop constraint holds_give_back_what_was_taken,
  drop constraint holds_live_while_something_is_kept;
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def originals(clones: Maker, template: str) -> AsyncIterator[list[Studio]]:
    async with original(clones, template) as studios:
        yield studios


@pytest_asyncio.fixture(loop_scope="session")
async def studios(clones: Maker, originals: list[Studio]) -> AsyncIterator[list[Studio]]:
    async with copied(clones, originals) as made:
        yield made


@pytest.fixture
def busy(studios: list[Studio]) -> Studio:
    return studios[0]


@pytest_asyncio.fixture(loop_scope="session")
async def intruder(busy: Studio) -> Database:
    """Give somebody who may do everything."""
    await busy.owner.execute(UNCHECKED)
    return busy.owner


class Victim(msgspec.Struct):
    """The contact with the longest history, a posting in the middle of it and its first lot."""

    location: str
    contact: UUID
    seq: int
    last: int
    lot: UUID


@pytest_asyncio.fixture(loop_scope="session")
async def victim(busy: Studio) -> Victim:
    row = await busy.owner.fetchrow(
        "select contact_id, seq from kotally.balances where location_id = $1 order by seq desc",
        busy.location,
    )
    assert row is not None
    seq = await busy.owner.fetchval(
        "select min(seq) from kotally.postings where location_id = $1 and contact_id = $2"
        " and seq > 3 and kind = 'deduct' and amount = -1",
        busy.location,
        row["contact_id"],
    )
    lot = await busy.owner.fetchval(
        "select lot_id from kotally.entries"
        " where location_id = $1 and contact_id = $2 and seq = $3",
        busy.location,
        row["contact_id"],
        seq,
    )
    return Victim(busy.location, row["contact_id"], seq, row["seq"], lot)


async def proved(busy: Studio) -> list[Difference]:
    """Prove the victim's location, which must not be in order."""
    proof = await prove(busy.db, busy.location)
    assert not proof.ok
    return proof.differences


def rules(differences: list[Difference]) -> list[str]:
    """Name what was found, once each, in order."""
    return list(dict.fromkeys(found.check for found in differences))


async def test_a_busy_ledger_is_proved(busy: Studio) -> None:
    proof = await prove(busy.db, busy.location)

    assert proof.differences == []
    assert proof.ok
    assert proof.checked["locations"] == 1
    assert proof.checked["contacts"] == len(busy.contacts)
    assert min(proof.checked[name] for name in ("lots", "postings", "entries", "holds")) > 50
    assert proof.checked["requests"] > 500
    assert {"deducted", "held", "captured", "released", "restored", "grant_applied"} <= busy.codes
    assert {"INSUFFICIENT_CREDITS", "DUPLICATE_EVENT"} & busy.codes


async def test_a_proof_of_all_locations_counts_them_all(studios: list[Studio]) -> None:
    busy, other = studios
    one, two = await prove(busy.db, busy.location), await prove(busy.db, other.location)
    every = await prove(busy.db)

    assert every.ok
    assert every.checked == {name: one.checked[name] + two.checked[name] for name in one.checked}


async def test_an_empty_database_is_in_order(db: Database) -> None:
    proof = await prove(db)

    assert proof == Proof(ok=True, checked=dict.fromkeys(proof.checked, 0), differences=[])


async def test_an_unknown_location_is_not_proved(db: Database) -> None:
    with pytest.raises(UnknownLocation, match="loc_nowhere"):
        await prove(db, "loc_nowhere")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("reason", "'goodwill'"),
        ("actor", "'somebody else'"),
        ("metadata", """'{"forged": true}'"""),
        ("effective_at", "effective_at - interval '1 day'"),
        ("external_ref", "'another booking'"),
        ("correlation_id", "gen_random_uuid()"),
    ],
)
async def test_a_changed_word_breaks_the_chain_at_its_posting(
    busy: Studio, victim: Victim, intruder: Database, column: LiteralString, value: LiteralString
) -> None:
    await intruder.execute(
        f"update kotally.postings set {column} = {value} where contact_id = $1 and seq = $2",
        victim.contact,
        victim.seq,
    )

    found = await proved(busy)

    assert [(d.check, d.contact_id, d.seq) for d in found] == [
        ("posting_chain", victim.contact, victim.seq)
    ]
    assert "changed" in found[0].message


async def test_a_changed_amount_is_named(busy: Studio, victim: Victim, intruder: Database) -> None:
    await intruder.execute(
        "update kotally.postings set amount = amount + 1 where contact_id = $1 and seq = $2",
        victim.contact,
        victim.seq,
    )

    found = await proved(busy)

    assert rules(found) == ["posting_amount", "posting_chain"]
    assert (found[0].contact_id, found[0].seq) == (victim.contact, victim.seq)
    assert int(found[0].found or 0) == int(found[0].expected or 0) + 1
    assert found[0].message.startswith("the posting says 0 credits")


@pytest.mark.parametrize(
    ("column", "rule"),
    [("available_after", "posting_available_after"), ("held_after", "posting_held_after")],
)
async def test_a_changed_running_figure_is_named(
    busy: Studio, victim: Victim, intruder: Database, column: LiteralString, rule: LiteralString
) -> None:
    await intruder.execute(
        f"update kotally.postings set {column} = {column} + 1 where contact_id = $1 and seq = $2",
        victim.contact,
        victim.seq,
    )

    found = await proved(busy)

    assert (found[0].check, found[0].contact_id, found[0].seq) == (rule, victim.contact, victim.seq)


async def test_a_posting_recorded_before_the_one_before_it_is_named(
    busy: Studio, victim: Victim, intruder: Database
) -> None:
    await intruder.execute(
        "update kotally.postings set recorded_at = recorded_at - interval '1 year'"
        " where contact_id = $1 and seq = $2",
        victim.contact,
        victim.seq,
    )

    found = await proved(busy)

    assert rules(found) == ["posting_recorded_at", "posting_chain"]
    assert (found[0].contact_id, found[0].seq) == (victim.contact, victim.seq)


async def test_amounts_swapped_between_entries_are_named(
    busy: Studio, victim: Victim, intruder: Database
) -> None:
    """Two entries of one lot trade amounts: the sums of the lot stay as they were."""
    first, second = await intruder.fetch(
        """
        select seq, line, amount from (
          select distinct on (e.amount) e.seq, e.line, e.amount
            from kotally.entries e
           where e.contact_id = $1 and (e.lot_id, e.from_bucket, e.to_bucket) = (
             select lot_id, from_bucket, to_bucket from kotally.entries
              where contact_id = $1 and from_bucket = 'available' and to_bucket = 'consumed'
              group by 1, 2, 3 having count(distinct amount) > 1 limit 1)
           order by e.amount, e.seq) x
         order by seq limit 2
        """,
        victim.contact,
    )
    for one, other in ((first, second), (second, first)):
        await intruder.execute(
            "update kotally.entries set amount = $4"
            " where contact_id = $1 and seq = $2 and line = $3",
            victim.contact,
            one["seq"],
            one["line"],
            other["amount"],
        )

    found = await proved(busy)

    assert found[0].check == "posting_amount"
    assert (found[0].contact_id, found[0].seq) == (victim.contact, first["seq"])
    assert "lot_bucket" not in rules(found)


async def test_a_removed_posting_is_named(busy: Studio, victim: Victim, intruder: Database) -> None:
    for table in ("entries", "postings"):
        await intruder.execute(
            f"delete from kotally.{table} where contact_id = $1 and seq = $2",
            victim.contact,
            victim.seq,
        )

    found = await proved(busy)

    assert (found[0].check, found[0].contact_id, found[0].seq) == (
        "posting_seq",
        victim.contact,
        victim.seq,
    )
    assert found[0].message == (
        f"posting {victim.seq} is missing: the next one there is {victim.seq + 1}"
    )
    assert {"lot_bucket", "hold_amount", "request_posting"} <= set(rules(found))


async def test_removed_entries_are_named(busy: Studio, victim: Victim, intruder: Database) -> None:
    await intruder.execute(
        "delete from kotally.entries where contact_id = $1 and seq = $2", victim.contact, victim.seq
    )

    found = await proved(busy)

    assert rules(found)[0] == "posting_entries"
    assert (found[0].contact_id, found[0].seq) == (victim.contact, victim.seq)


async def test_entries_without_their_posting_are_named(
    busy: Studio, victim: Victim, intruder: Database
) -> None:
    await intruder.execute(
        "delete from kotally.postings where contact_id = $1 and seq = $2",
        victim.contact,
        victim.last,
    )

    found = await proved(busy)

    assert found[0].check == "entry_posting"
    assert (found[0].contact_id, found[0].seq) == (victim.contact, victim.last)


async def test_a_lot_given_to_somebody_else_is_named(
    busy: Studio, victim: Victim, intruder: Database
) -> None:
    thief = await make.contact(busy.owner, busy.location, "thief")
    await intruder.execute(
        "update kotally.lots set contact_id = $2 where id = $1", victim.lot, thief
    )

    found = await proved(busy)

    assert (found[0].check, found[0].lot_id, found[0].found) == (
        "entry_lot",
        victim.lot,
        str(thief),
    )


async def test_an_invented_credit_in_a_lot_is_named(
    busy: Studio, victim: Victim, intruder: Database
) -> None:
    await intruder.execute(
        "update kotally.lots set available = available + 1, is_open = true where id = $1",
        victim.lot,
    )

    found = await proved(busy)

    assert rules(found) == ["lot_bucket", "balance"]
    assert (found[0].contact_id, found[0].lot_id) == (victim.contact, victim.lot)
    assert "bucket available" in found[0].message


@pytest.mark.parametrize(
    ("change", "figure"),
    [
        ("available = available + 1", "available"),
        ("held = held + 1", "held"),
        ("suspended = suspended + 1", "suspended"),
        ("owed = owed + 1", "owed"),
        ("seq = seq + 1", "seq"),
        ("head = sha256('forged')", "head"),
        ("posted_at = posted_at + interval '1 second'", "posted_at"),
    ],
)
async def test_a_changed_balance_is_named(
    busy: Studio, victim: Victim, intruder: Database, change: LiteralString, figure: LiteralString
) -> None:
    await intruder.execute(
        f"update kotally.balances set {change} where contact_id = $1", victim.contact
    )

    (found,) = await proved(busy)

    assert (found.check, found.contact_id) == ("balance", victim.contact)
    assert found.message.startswith(f"the balance says {figure} ")


async def test_a_removed_balance_is_named(busy: Studio, victim: Victim, intruder: Database) -> None:
    await intruder.execute("delete from kotally.balances where contact_id = $1", victim.contact)

    found = await proved(busy)

    assert rules(found) == ["balance"]
    assert "nothing" in found[0].message


@pytest.mark.parametrize("figure", ["captured", "returned"])
async def test_a_changed_hold_is_named(
    busy: Studio, victim: Victim, intruder: Database, figure: LiteralString
) -> None:
    await intruder.execute(
        f"update kotally.holds set {figure} = {figure} + 1"
        " where contact_id = $1 and placed_seq = $2",
        victim.contact,
        victim.seq,
    )

    (found,) = await proved(busy)

    assert (found.check, found.seq) == (f"hold_{figure}", victim.seq)


async def test_a_removed_hold_is_named(busy: Studio, victim: Victim, intruder: Database) -> None:
    await intruder.execute(
        "delete from kotally.holds where contact_id = $1 and placed_seq = $2",
        victim.contact,
        victim.seq,
    )

    found = await proved(busy)

    assert (found[0].check, found[0].seq) == ("hold_of_posting", victim.seq)


@pytest.mark.parametrize(
    "change",
    ["delete from kotally.requests", "update kotally.requests set code = 'NO_ENTITLEMENT'"],
)
async def test_a_movement_without_its_answer_is_named(
    busy: Studio, victim: Victim, intruder: Database, change: LiteralString
) -> None:
    await intruder.execute(
        change + " where request_id = (select request_id from kotally.postings"
        " where contact_id = $1 and seq = $2)",
        victim.contact,
        victim.seq,
    )

    (found,) = await proved(busy)

    assert (found.check, found.contact_id, found.seq) == (
        "posting_request",
        victim.contact,
        victim.seq,
    )


async def test_a_changed_payment_is_named(busy: Studio, victim: Victim, intruder: Database) -> None:
    payment = await intruder.fetchval(
        "update kotally.payments set credits_granted = credits_granted + 1"
        " where id = (select id from kotally.payments where contact_id = $1 limit 1) returning id",
        victim.contact,
    )

    (found,) = await proved(busy)

    assert (found.check, found.contact_id) == ("payment_granted", victim.contact)
    assert str(payment) in found.message


async def test_what_is_listed_is_bounded_and_every_check_has_its_say(
    busy: Studio, intruder: Database
) -> None:
    await intruder.execute("update kotally.postings set actor = 'forger'")
    await intruder.execute("update kotally.balances set available = available + 1")

    found = await proved(busy)

    assert rules(found) == ["posting_chain", "balance"]
    assert len(found) == 2 * DIFFERENCES_PER_CHECK < DIFFERENCES_MAX


async def test_a_stranger_of_another_location_does_not_spoil_a_proof(
    studios: list[Studio], victim: Victim, intruder: Database
) -> None:
    busy, other = studios
    await intruder.execute(
        "update kotally.balances set available = available + 1 where contact_id = $1",
        victim.contact,
    )

    assert (await prove(busy.db, other.location)).ok
    assert {found.location_id for found in (await prove(busy.db)).differences} == {busy.location}


async def test_a_proof_is_written_as_json(busy: Studio) -> None:
    written = msgspec.json.decode(msgspec.json.encode(await prove(busy.db, busy.location)))

    assert list(written) == ["ok", "checked", "differences"]

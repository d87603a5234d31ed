"""A seal kept elsewhere shows what a proof cannot: a tail cut off, a history written anew."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from typing import LiteralString
from uuid import UUID

import msgspec
import pytest
import pytest_asyncio

from kotally.db import Database
from kotally.ledger.proofs import UnknownLocation, prove
from kotally.ledger.seals import (
    Seal,
    SealUnreadable,
    read_document,
    seal,
    seal_document,
    verify,
)
from tests import make
from tests.ledger.busy import START, Maker, Studio, copied, original

# What somebody who cuts off the last posting has to put right for a proof to be green again.
CUT_OFF: list[LiteralString] = [
    """
    delete from kotally.requests where location_id = $1 and request_id = (
      select request_id from kotally.postings
       where location_id = $1 and contact_id = $2 and seq = $3)
    """,
    "delete from kotally.holds where location_id = $1 and contact_id = $2 and placed_seq = $3",
    """
    update kotally.lots l
       set available = l.available + e.amount, consumed = l.consumed - e.amount, is_open = true
      from kotally.entries e
     where e.location_id = $1 and e.contact_id = $2 and e.seq = $3
       and l.location_id = $1 and l.id = e.lot_id
    """,
    """
    update kotally.balances b
       set seq = p.seq, head = p.chain, available = p.available_after, posted_at = p.recorded_at
      from kotally.postings p
     where p.location_id = $1 and p.contact_id = $2 and p.seq = $3 - 1
       and b.location_id = $1 and b.contact_id = $2
    """,
    "delete from kotally.entries where location_id = $1 and contact_id = $2 and seq = $3",
    "delete from kotally.postings where location_id = $1 and contact_id = $2 and seq = $3",
]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def originals(clones: Maker, template: str) -> AsyncIterator[list[Studio]]:
    async with original(clones, template, rounds=8) as studios:
        yield studios


@pytest_asyncio.fixture(loop_scope="session")
async def busy(clones: Maker, originals: list[Studio]) -> AsyncIterator[Studio]:
    async with copied(clones, originals) as studios:
        yield studios[0]


async def one_more_class(studio: Studio, contact: str = "cut") -> tuple[UUID, int]:
    """Let a new contact buy credits and take one; return it and the number of the last posting."""
    await make.applied(studio.db, studio.location, [make.grant(10, contact)])
    (taken,) = await make.applied(studio.db, studio.location, [make.deduct(1, contact)])
    contact_id = UUID(taken.answer["contact_id"])
    seq = await studio.db.fetchval(
        "select seq from kotally.balances where location_id = $1 and contact_id = $2",
        studio.location,
        contact_id,
    )
    return contact_id, seq


async def cut_off(studio: Studio, contact_id: UUID, seq: int) -> None:
    """Remove the last posting of a contact and every trace of it in the database."""
    async with studio.owner.transaction() as tx:
        for statement in CUT_OFF:
            numbered = "$3" in statement
            await tx.execute(statement, studio.location, contact_id, *([seq] if numbered else []))


async def test_a_fresh_seal_is_kept(busy: Studio) -> None:
    made = await seal(busy.db, busy.location)
    proof = await verify(busy.db, read_document(seal_document(made)))

    assert proof.ok
    assert proof.checked["contacts"] == len(made.heads) > 10
    assert proof.checked["postings"] == await busy.db.fetchval(
        "select count(*) from kotally.postings where location_id = $1", busy.location
    )


async def test_seals_follow_each_other_and_stay_true_while_work_goes_on(busy: Studio) -> None:
    made = []
    for _ in range(3):
        made.append(await seal(busy.db, busy.location))
        await busy.work(rounds=1)

    assert [each.number for each in made] == [1, 2, 3]
    assert [each.previous for each in made] == [None, made[0].root, made[1].root]
    assert [(await verify(busy.db, each)).ok for each in made] == [True, True, True]
    assert (await prove(busy.db, busy.location)).ok


async def test_the_root_can_be_computed_from_plain_lines(busy: Studio) -> None:
    document = msgspec.json.decode(seal_document(await seal(busy.db, busy.location)))
    lines = ["kotally seal 1", busy.location, "1", document["sealed_at"], "-"]
    lines += [f"{contact} {seq} {head}" for contact, seq, head in document["heads"]]

    text = "".join(f"{line}\n" for line in lines)

    assert hashlib.sha256(text.encode()).hexdigest() == document["root"]
    assert document["heads"] == sorted(document["heads"])


async def test_a_tail_cut_off_is_seen_by_the_seal_alone(busy: Studio) -> None:
    contact_id, seq = await one_more_class(busy)
    kept = seal_document(await seal(busy.db, busy.location))
    await cut_off(busy, contact_id, seq)

    proof = await verify(busy.db, read_document(kept))

    assert (await prove(busy.db, busy.location)).ok
    (found,) = proof.differences
    assert (found.check, found.contact_id, found.seq) == ("sealed_tail", contact_id, seq)
    assert found.message == "2 postings were sealed, 1 are there: the end was cut off"


async def test_a_tail_cut_off_and_written_again_is_seen_by_the_seal_alone(busy: Studio) -> None:
    contact_id, seq = await one_more_class(busy)
    kept = seal_document(await seal(busy.db, busy.location))
    await cut_off(busy, contact_id, seq)
    await make.applied(busy.db, busy.location, [make.deduct(2, "cut"), make.deduct(1, "cut")])

    proof = await verify(busy.db, read_document(kept))

    assert (await prove(busy.db, busy.location)).ok
    (found,) = proof.differences
    assert (found.check, found.contact_id, found.seq) == ("sealed_head", contact_id, seq)


async def test_the_first_contact_whose_chain_differs_comes_first(busy: Studio) -> None:
    made = await seal(busy.db, busy.location)
    await busy.owner.execute(
        "update kotally.postings set chain = sha256('forged') where location_id = $1", busy.location
    )

    proof = await verify(busy.db, made)

    assert [found.contact_id for found in proof.differences] == [head[0] for head in made.heads]
    assert {found.check for found in proof.differences} == {"sealed_head"}


@pytest.mark.parametrize("change", ["delete from", "update"])
async def test_a_seal_that_the_ledger_does_not_remember_is_named(
    busy: Studio, change: LiteralString
) -> None:
    made = await seal(busy.db, busy.location)
    setting = "" if change == "delete from" else "set root = sha256('forged')"
    await busy.owner.execute(
        f"{change} kotally.seals {setting} where location_id = $1", busy.location
    )

    (found,) = (await verify(busy.db, made)).differences

    assert (found.check, found.expected) == ("seal_root", made.root)


async def test_a_changed_document_is_named(busy: Studio) -> None:
    made = await seal(busy.db, busy.location)
    forged = msgspec.structs.replace(made, heads=made.heads[1:])

    (found,) = (await verify(busy.db, forged)).differences

    assert (found.check, found.found) == ("seal_document", made.root)


async def test_a_seal_taken_out_of_the_row_is_named_by_a_proof(busy: Studio) -> None:
    for _ in range(3):
        await seal(busy.db, busy.location)
    await busy.owner.execute(
        "delete from kotally.seals where location_id = $1 and number = 2", busy.location
    )

    found = (await prove(busy.db, busy.location)).differences

    assert [each.check for each in found] == ["seal_number", "seal_previous"]


async def test_an_unknown_location_is_not_sealed(db: Database) -> None:
    with pytest.raises(UnknownLocation):
        await seal(db, "loc_nowhere")


@pytest.mark.parametrize(
    "document",
    [b"", b"{}", b"[1]", b"\xff", b'{"location_id": "a", "number": 0}', b"not a seal"],
)
def test_what_is_not_a_seal_is_refused(document: bytes) -> None:
    with pytest.raises(SealUnreadable, match="not a seal"):
        read_document(document)


def test_a_seal_with_a_word_too_many_is_refused() -> None:
    made = Seal(
        location_id="loc_1",
        number=1,
        sealed_at=START,
        root="0" * 64,
        previous=None,
        heads=[],
    )
    written = seal_document(made).replace(b'"heads"', b'"tails"')

    with pytest.raises(SealUnreadable, match="tails"):
        read_document(written)

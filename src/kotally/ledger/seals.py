"""
Seal the heads of all chains of a location, and hold the ledger to a seal kept elsewhere.

A chain proves that no row in it was changed; it cannot prove that its end was not cut off, or all
of it written anew. A seal can, if its document is kept where who can write the database cannot.

The root is the SHA-256 of plain lines, so that anybody can compute it: `kotally seal 1`, the
location, the number, the time and the former root (or `-`), then for each contact, in order of
ids, `<contact> <seq> <head in hex>`; each line ends with a line feed.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Annotated, Final
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from kotally.db import Database, Queries
from kotally.ledger.proofs import (
    DIFFERENCES_MAX,
    Difference,
    Finding,
    Proof,
    UnknownLocation,
    difference,
)

FORM: Final = "kotally seal 1"  # the first line under the root; another form gets another number
HEADS_AT_ONCE: Final = 5_000

Digest = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
Count = Annotated[int, Meta(ge=1, le=2**63 - 1)]


class Seal(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The heads of all chains of a location at one time; as JSON, the document to keep."""

    location_id: str
    number: Count
    sealed_at: datetime
    root: Digest
    previous: Digest | None
    heads: list[tuple[UUID, Count, Digest]]


class SealUnreadable(ValueError):
    """A document is not a seal; says what is wrong with it."""


async def seal(db: Database, location_id: str) -> Seal:
    """Seal a location and remember the root; raise UnknownLocation if there is none of that id."""
    async with db.transaction() as tx:
        # Sealing is done one at a time in a location: numbers have no gaps.
        at = await tx.fetchval(
            "select kotally.location_now(id) from kotally.locations where id = $1 "
            "for no key update",
            location_id,
        )
        if at is None:
            raise UnknownLocation(location_id)
        last = await tx.fetchrow(
            "select number, root from kotally.seals where location_id = $1 "
            "order by number desc limit 1",
            location_id,
        )
        heads = await tx.fetch(
            "select contact_id, seq, encode(head, 'hex') from kotally.balances "
            "where location_id = $1 and seq > 0 order by contact_id",
            location_id,
        )
        made = _rooted(
            Seal(
                location_id=location_id,
                number=last["number"] + 1 if last else 1,
                sealed_at=at.astimezone(UTC),
                root="0" * 64,
                previous=last["root"].hex() if last else None,
                heads=[tuple(head) for head in heads],
            )
        )
        await _remember(tx, made)
    return made


def seal_document(made: Seal) -> bytes:
    """Write a seal as the JSON document to keep elsewhere."""
    return msgspec.json.encode(made) + b"\n"


def read_document(document: bytes) -> Seal:
    """Read a seal that was kept; raise SealUnreadable if it is not one."""
    try:
        return msgspec.json.decode(document, type=Seal)
    except (msgspec.MsgspecError, UnicodeDecodeError) as fault:
        raise SealUnreadable(f"This is not a seal: {fault}.") from fault


async def verify(db: Database, document: Seal) -> Proof:
    """Say where a location's history is no longer what was sealed; differences as in a proof."""
    differences = _forged(document)
    async with db.snapshot() as snapshot:
        differences += await _unknown(snapshot, document)
        for start in range(0, len(document.heads), HEADS_AT_ONCE):
            if len(differences) >= DIFFERENCES_MAX:
                break
            differences += await _moved(snapshot, document, start)
    del differences[DIFFERENCES_MAX:]
    return Proof(
        ok=not differences,
        checked={
            "seals": 1,
            "contacts": len(document.heads),
            "postings": sum(seq for _, seq, _ in document.heads),
        },
        differences=differences,
    )


async def _remember(tx: Queries, made: Seal) -> None:
    await tx.execute(
        """
        insert into kotally.seals
          (location_id, number, sealed_at, contacts, postings, root, previous)
        values ($1, $2, $3, $4, $5, $6, $7)
        """,
        made.location_id,
        made.number,
        made.sealed_at,
        len(made.heads),
        sum(seq for _, seq, _ in made.heads),
        bytes.fromhex(made.root),
        bytes.fromhex(made.previous) if made.previous else None,
    )


def _rooted(made: Seal) -> Seal:
    """Return the seal with the root that its other fields give."""
    at = made.sealed_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    digest = hashlib.sha256()
    for line in (FORM, made.location_id, str(made.number), at, made.previous or "-"):
        digest.update(f"{line}\n".encode())
    for contact_id, seq, head in sorted(made.heads):
        digest.update(f"{contact_id} {seq} {head}\n".encode())
    return msgspec.structs.replace(made, root=digest.hexdigest())


def _forged(document: Seal) -> list[Difference]:
    """Say whether the document was changed since it was written."""
    root = _rooted(document).root
    if root == document.root:
        return []
    finding = Finding(rule="seal_document", expected=root, found=document.root)
    return [difference(document.location_id, finding)]


async def _unknown(queries: Queries, document: Seal) -> list[Difference]:
    """Say whether the ledger remembers another seal of that number, or none."""
    root = await queries.fetchval(
        "select encode(root, 'hex') from kotally.seals where location_id = $1 and number = $2",
        document.location_id,
        document.number,
    )
    if root == document.root:
        return []
    subject = str(document.number)
    finding = Finding(rule="seal_root", subject=subject, expected=document.root, found=root)
    return [difference(document.location_id, finding)]


async def _moved(queries: Queries, document: Seal, start: int) -> list[Difference]:
    """Name the contacts, from a place in the document on, whose sealed posting is another."""
    heads = document.heads[start : start + HEADS_AT_ONCE]
    findings = await queries.rows(
        Finding,
        """
        select s.contact_id, s.seq, s.seq::text as subject,
               case when p.seq is null then 'sealed_tail' else 'sealed_head' end as rule,
               case when p.seq is null then s.seq::text else s.head end as expected,
               case when p.seq is null then l.seq::text else encode(p.chain, 'hex') end as found
          from unnest($2::uuid[], $3::bigint[], $4::text[]) s (contact_id, seq, head)
          left join kotally.postings p
            on p.location_id = $1 and p.contact_id = s.contact_id and p.seq = s.seq
         cross join lateral (
           select coalesce(max(t.seq), 0) as seq
             from kotally.postings t where t.location_id = $1 and t.contact_id = s.contact_id) l
         where encode(p.chain, 'hex') is distinct from s.head
         order by s.contact_id
        """,
        document.location_id,
        *(list(column) for column in zip(*heads, strict=True)),
    )
    return [difference(document.location_id, finding) for finding in findings]

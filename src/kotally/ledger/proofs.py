"""
Prove the books: derive every cached figure again from the entries and say where they differ.

A proof reads one snapshot, one location after the other, and counts in the database: its own
memory does not grow with the ledger. It changes nothing and waits for nobody.
"""

from __future__ import annotations

from typing import Final, LiteralString
from uuid import UUID

import msgspec
from msgspec import Struct

from kotally.db import Database, Queries

DIFFERENCES_MAX: Final = 100  # enough to see a pattern; the first one is what matters
DIFFERENCES_PER_CHECK: Final = 20  # so that one broken figure does not hide the other checks

# In this order, so that a changed row of history comes before the figures that it no longer fits.
CHECKS: Final[tuple[LiteralString, ...]] = (
    "select * from kotally.prove_postings($1, $2)",
    "select * from kotally.prove_entries($1, $2)",
    "select * from kotally.prove_lots($1, $2)",
    "select * from kotally.prove_balances($1, $2)",
    "select * from kotally.prove_holds($1, $2)",
    "select * from kotally.prove_requests($1, $2)",
    "select * from kotally.prove_payments($1, $2)",
    "select * from kotally.prove_seals($1, $2)",
)
COUNTS: Final = "select * from kotally.prove_counts($1)"
COUNTED: Final = (
    "locations",
    "contacts",
    "lots",
    "postings",
    "entries",
    "holds",
    "requests",
    "payments",
    "seals",
)

_HOLD_FIGURE: Final = "hold {subject} says {found}, the entries of its postings come to {expected}"
MESSAGES: Final = {
    "posting_seq": "posting {expected} is missing: the next one there is {found}",
    "posting_entries": "the posting has no entries",
    "posting_amount": "the posting says {found} credits, its entries come to {expected}",
    "posting_available_after": "the posting leaves {found} available, its entries leave {expected}",
    "posting_held_after": "the posting leaves {found} held, its entries leave {expected}",
    "posting_recorded_at": "the posting was recorded at {found}, the one before it at {expected}",
    "posting_chain": "the posting or its entries were changed: its link in the chain is {found}, "
    "what is written gives {expected}",
    "entry_posting": "entry {subject} belongs to posting {expected}, which is not there",
    "entry_lot": "entry {subject} moves credits of a lot of contact {found}",
    "lot_bucket": "the lot's bucket {subject} holds {found}, its entries come to {expected}",
    "balance": "the balance says {subject} {found}, the lots and postings say {expected}",
    "hold_amount": _HOLD_FIGURE,
    "hold_captured": _HOLD_FIGURE,
    "hold_released": _HOLD_FIGURE,
    "hold_penalised": _HOLD_FIGURE,
    "hold_returned": _HOLD_FIGURE,
    "hold_of_posting": "the posting names hold {subject}, which is of contact {found}",
    "posting_request": "request {subject} moved credits, but it was answered with {found}",
    "request_posting": "request {subject} was answered with {expected}, but moved no credits",
    "payment_granted": "payment {subject} says {found} credits, its grants issued {expected}",
    "seal_number": "seal {expected} is missing: the next one there is {found}",
    "seal_previous": "seal {subject} follows root {found}, but the seal before it has {expected}",
    "seal_document": "the document is not what was sealed: its root is {found}, its heads give "
    "{expected}",
    "seal_root": "seal {subject} has root {expected} in the document and {found} in the ledger",
    "sealed_head": "sealed posting {subject} had link {expected} and now has {found}: the history "
    "was changed or cut off and written again",
    "sealed_tail": "{expected} postings were sealed, {found} are there: the end was cut off",
}


class Difference(Struct, frozen=True, kw_only=True):
    """One figure that is not what the entries say; `check` is a key of MESSAGES."""

    check: str
    location_id: str
    contact_id: UUID | None
    lot_id: UUID | None = None
    seq: int | None = None
    expected: str | None
    found: str | None
    message: str


class Proof(Struct, frozen=True, kw_only=True):
    """What a proof came to: the first difference found comes first, and not all are listed."""

    ok: bool
    checked: dict[str, int]
    differences: list[Difference]


class UnknownLocation(LookupError):
    """There is no such location."""

    def __init__(self, location_id: str) -> None:
        super().__init__(f"There is no location {location_id!r}.")


class Finding(Struct, frozen=True, kw_only=True):
    """A row in which a check reports a difference."""

    contact_id: UUID | None = None
    lot_id: UUID | None = None
    seq: int | None = None
    rule: str
    subject: str | None = None
    expected: str | None
    found: str | None


async def prove(db: Database, location_id: str | None = None) -> Proof:
    """Prove the books of one location or of all; raise UnknownLocation for one there is not."""
    checked: dict[str, int] = dict.fromkeys(COUNTED, 0)
    differences: list[Difference] = []
    async with db.snapshot() as snapshot:
        # Each check reads all of a location once. Where the planner does not know a new location
        # yet, it takes it for a few rows and joins row by row: hours instead of seconds.
        await snapshot.execute("set local enable_nestloop = off")
        for each in await locations(snapshot, location_id):
            counts = await snapshot.fetchrow(COUNTS, each)
            assert counts is not None
            for name in COUNTED:
                checked[name] += counts[name]
            differences += await _differences(snapshot, each)
            del differences[DIFFERENCES_MAX:]
    return Proof(ok=not differences, checked=checked, differences=differences)


async def locations(queries: Queries, location_id: str | None) -> list[str]:
    """Return the location asked for, or all; raise UnknownLocation if it is not there."""
    rows = await queries.fetch(
        "select id from kotally.locations where $1::text is null or id = $1 order by id",
        location_id,
    )
    if location_id is not None and not rows:
        raise UnknownLocation(location_id)
    return [row["id"] for row in rows]


def difference(location_id: str, finding: Finding) -> Difference:
    """Put a finding into words."""
    shown = {
        "subject": finding.subject,
        "expected": finding.expected or "nothing",
        "found": finding.found or "nothing",
    }
    fields = msgspec.structs.asdict(finding)
    message = MESSAGES[finding.rule].format(**shown)
    del fields["rule"], fields["subject"]
    return Difference(check=finding.rule, location_id=location_id, message=message, **fields)


async def _differences(queries: Queries, location_id: str) -> list[Difference]:
    return [
        difference(location_id, finding)
        for check in CHECKS
        for finding in await queries.rows(Finding, check, location_id, DIFFERENCES_PER_CHECK)
    ]

"""What a contact holds: entitlements with the status that follows from their lots, and credits."""

from __future__ import annotations

from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

from msgspec import Struct

from kotally.core.paging import Page, page
from kotally.db import BatchedRead, Database, Queries

_SUMMARIES: Final[LiteralString] = """
  select s.ord, s.is_behind, s.answer::text from kotally.contact_summaries($1, $2::text[], null) s
"""


class After(Struct, frozen=True, array_like=True):
    """The last entitlement shown."""

    id: UUID


class Summary(Struct, frozen=True):
    """A contact at one glance, as JSON; `is_behind`: something is due that was not done yet."""

    answer: str | None
    is_behind: bool


def summaries(db: Database) -> BatchedRead:
    """Return the way in which a process reads all its summaries."""
    return BatchedRead(db, _SUMMARIES)


async def summary(read: BatchedRead, location_id: str, reference: str) -> Summary:
    """Read what a contact has, in figures and with the latest of each list."""
    row = await read.ask(location_id, reference)
    return Summary(row["answer"], row["is_behind"])


async def summary_as_of(
    db: Queries, location_id: str, reference: str, *, as_of: datetime
) -> Summary:
    """Read what a contact had, as far as the ledger knew at a time."""
    row = await db.fetchrow(
        """
        select s.is_behind, s.answer::text
          from kotally.contact_summaries($1, array[$2::text], $3) s
        """,
        location_id,
        reference,
        as_of,
    )
    assert row is not None, "every question has its row"
    return Summary(row["answer"], row["is_behind"])


async def credits_of(
    db: Queries, location_id: str, reference: str, *, as_of: datetime | None
) -> str | None:
    """
    Read what a contact can spend and from what, as JSON; None for an unknown contact.

    With `as_of` it is what the ledger knew at that time, judged by the expiries and pauses of
    that time. Whether a sweep has passed changes nothing (S2.5, S6.5).
    """
    return await db.fetchval(
        "select kotally.contact_credits($1, $2, $3)::text", location_id, reference, as_of
    )


async def entitlements(
    db: Queries,
    location_id: str,
    reference: str,
    *,
    as_of: datetime | None = None,
    after: After | None,
    limit: int,
) -> Page[After]:
    """Read a page of a contact's entitlements with their lots, the newest first."""
    rows = await db.fetch(
        """
        select e.id, e.item::text
          from kotally.find_contact($1, $2) c
         cross join lateral kotally.contact_entitlements($1, c.id, $3, $4, $5) e
        """,
        location_id,
        reference,
        as_of,
        after.id if after else None,
        limit + 1,
    )
    return page(rows, limit, item="item", place=lambda row: After(row["id"]))

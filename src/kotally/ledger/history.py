"""A contact's postings as a reader sees them, the newest first."""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta, Struct

from kotally.core.paging import Page, page
from kotally.db import Queries

SEQ_MAX: Final = 2**63 - 1  # before it come all postings


class After(Struct, frozen=True, array_like=True):
    """The number of the last posting shown."""

    seq: Annotated[int, Meta(ge=1, le=SEQ_MAX)] = SEQ_MAX


async def postings(
    db: Queries, location_id: str, reference: str, *, after: After | None, limit: int
) -> Page[After]:
    """Read a page of the ledger of a contact, named by its id in the caller's system or ours."""
    rows = await db.fetch(
        """
        select v.seq, v.item::text from kotally.ledger_items v
         where v.location_id = $1
           and v.contact_id = (select c.id from kotally.find_contact($1, $2) c) and v.seq < $3
         order by v.seq desc limit $4
        """,
        location_id,
        reference,
        (after or After()).seq,
        limit + 1,
    )
    return page(rows, limit, item="item", place=lambda row: After(row["seq"]))

"""What happened to a contact, from every room of the house, the newest first."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final
from uuid import UUID

from msgspec import Meta, Struct

from kotally.core.paging import Page, page
from kotally.db import Queries
from kotally.ledger.history import SEQ_MAX

_LEDGER: Final = 5  # the rank of postings
_EVERYTHING: Final = datetime(9999, 1, 1, tzinfo=UTC)


class After(Struct, frozen=True, array_like=True):
    """The last item shown, and the last posting: postings go by number, the rest by time."""

    at: datetime = _EVERYTHING
    rank: Annotated[int, Meta(ge=0, le=9)] = 9
    place: Annotated[int, Meta(ge=0, le=SEQ_MAX)] = 0
    id: UUID = UUID(int=0)
    seq: Annotated[int, Meta(ge=1, le=SEQ_MAX)] = SEQ_MAX


async def timeline(
    db: Queries, location_id: str, reference: str, *, after: After | None, limit: int
) -> Page[After]:
    """Read a page of what happened to a contact."""
    start = after or After()
    rows = await db.fetch(
        """
        select t.at, t.rank, t.place, t.id, t.item::text
          from kotally.find_contact($1, $2) c
         cross join lateral kotally.contact_timeline($1, c.id, $3, $4, $5, $6, $7, $8) t
        """,
        location_id,
        reference,
        start.at,
        start.rank,
        start.place,
        start.id,
        start.seq,
        limit + 1,
    )
    seqs = [row["place"] for row in rows[:limit] if row["rank"] == _LEDGER]
    seq = min(seqs, default=start.seq)
    return page(
        rows,
        limit,
        item="item",
        place=lambda row: After(row["at"], row["rank"], row["place"], row["id"], seq),
    )

"""The postings of a contact or a location as a reader sees them, the newest first."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final, LiteralString
from uuid import UUID

from msgspec import Meta, Struct

from kotally.core.paging import Page, page
from kotally.db import Queries

SEQ_MAX: Final = 2**63 - 1  # before it come all postings
_LAST: Final = datetime.max.replace(tzinfo=UTC)

OF_LOCATION: Final[LiteralString] = """
    with shown as materialized (
      select p.location_id, p.contact_id, p.seq, p.recorded_at
        from kotally.postings p
       where p.location_id = $1 and p.recorded_at > '-infinity'
         and (p.recorded_at, p.contact_id, p.seq) < ($2, $3, $4)
       order by p.recorded_at desc, p.contact_id desc, p.seq desc limit $5)
    select s.recorded_at, s.contact_id, s.seq,
           left(v.item::text, -1) || ',"contact_id":"' || s.contact_id
           || '","external_contact_id":' || to_json(c.external_id) || '}' as item
      from shown s
      join kotally.ledger_items v
        on v.location_id = s.location_id and v.contact_id = s.contact_id and v.seq = s.seq
      join kotally.contacts c on c.location_id = s.location_id and c.id = s.contact_id
     where s.location_id = $1
     order by s.recorded_at desc, s.contact_id desc, s.seq desc
"""


class After(Struct, frozen=True, array_like=True):
    """The number of the last posting shown."""

    seq: Annotated[int, Meta(ge=1, le=SEQ_MAX)] = SEQ_MAX


class Before(Struct, frozen=True, array_like=True):
    """The last posting shown of a location; its time alone does not tell it from others."""

    recorded_at: Annotated[datetime, Meta(tz=True)] = _LAST
    contact_id: UUID = UUID(int=0)
    seq: Annotated[int, Meta(ge=0, le=SEQ_MAX)] = 0


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


async def of_location(
    db: Queries, location_id: str, *, after: Before | None, limit: int
) -> Page[Before]:
    """Read a page of the ledger of a location, each item with whose it is."""
    place = after or Before()
    rows = await db.fetch(
        OF_LOCATION,
        location_id,
        place.recorded_at,
        place.contact_id,
        place.seq,
        limit + 1,
    )
    return page(
        rows,
        limit,
        item="item",
        place=lambda row: Before(row["recorded_at"], row["contact_id"], row["seq"]),
    )

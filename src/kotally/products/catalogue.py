"""The products of a location as a reader sees them, by id."""

from __future__ import annotations

from msgspec import Struct

from kotally.core.paging import Page, page
from kotally.db import Queries


class After(Struct, frozen=True, array_like=True):
    """The last product shown."""

    id: str


async def products(
    db: Queries, location_id: str, *, archived: bool, after: After | None, limit: int
) -> Page[After]:
    """Read a page of the products that are sold; with the archived ones on wish."""
    rows = await db.fetch(
        """
        select v.id, v.item::text from kotally.product_items v
         where v.location_id = $1 and v.id > $2 and ($3 or v.status = 'active')
         order by v.id limit $4
        """,
        location_id,
        after.id if after else "",
        archived,
        limit + 1,
    )
    return page(rows, limit, item="item", place=lambda row: After(row["id"]))

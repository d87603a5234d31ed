"""A contact's payments as a reader sees them, the newest first."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from kotally.core.paging import Page, page
from kotally.db import Queries


class After(Struct, frozen=True, array_like=True):
    """The last payment shown."""

    recorded_at: datetime
    id: UUID


async def listed(
    db: Queries, location_id: str, reference: str, *, after: After | None, limit: int
) -> Page[After]:
    """Read a page of a contact's payments."""
    rows = await db.fetch(
        """
        select v.recorded_at, v.id, v.item::text from kotally.payment_items v
         where v.location_id = $1
           and v.contact_id = (select c.id from kotally.find_contact($1, $2) c)
           and (v.recorded_at, v.id)
             < (coalesce($3::timestamptz, 'infinity'),
                coalesce($4::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
         order by v.recorded_at desc, v.id desc limit $5
        """,
        location_id,
        reference,
        after.recorded_at if after else None,
        after.id if after else None,
        limit + 1,
    )
    return page(rows, limit, item="item", place=lambda row: After(row["recorded_at"], row["id"]))

"""The contacts of a location as a reader sees them, the newest first."""

from __future__ import annotations

from typing import Final, LiteralString
from uuid import UUID

from msgspec import Struct

from kotally.core.paging import Page, page
from kotally.db import Queries

_LAST: Final = UUID(int=2**128 - 1)
_BEFORE: Final[LiteralString] = """
    select c.id, kotally.contact_item(c)::text as item from kotally.contacts c
     where c.location_id = $1 and c.id < $2
"""
_BY_EMAIL: Final[LiteralString] = " and lower(c.email) = lower($4)"
_BY_EXTERNAL_ID: Final[LiteralString] = " and c.external_id = $4"
_PAGE: Final[LiteralString] = " order by c.id desc limit $3"


class After(Struct, frozen=True, array_like=True):
    """The last contact shown."""

    id: UUID


async def contacts(
    db: Queries,
    location_id: str,
    *,
    email: str | None = None,
    external_id: str | None = None,
    after: After | None,
    limit: int,
) -> Page[After]:
    """Read a page of the contacts, all or those of an e-mail address or an external id."""
    place = (location_id, after.id if after else _LAST, limit + 1)
    # Each filter has an index of its own, so each has a statement of its own.
    if external_id is not None:
        rows = await db.fetch(_BEFORE + _BY_EXTERNAL_ID + _PAGE, *place, external_id)
    elif email is not None:
        rows = await db.fetch(_BEFORE + _BY_EMAIL + _PAGE, *place, email)
    else:
        rows = await db.fetch(_BEFORE + _PAGE, *place)
    return page(rows, limit, item="item", place=lambda row: After(row["id"]))

"""A contact's appointments as a reader sees them: those to come, and those that were."""

from __future__ import annotations

from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

from msgspec import Struct

from kotally.core.paging import Page, page
from kotally.db import Queries

# What is still on: a hold, or a booking by its own word.
ON: Final = ("held", "captured", "booked", "provisional", "unfunded", "waitlisted")


_CONTACT: Final[LiteralString] = "(select c.id from kotally.find_contact($1, $2) c)"
_OWN: Final[LiteralString] = """
    select v.at, v.id, v.item from kotally.appointment_items v
     where v.location_id = $1 and v.contact_id = """
_PAID_BY_OTHERS: Final[LiteralString] = """
    select v.at, v.id, v.item from kotally.shared_uses u
      join kotally.appointment_items v
        on v.location_id = $1 and v.contact_id = u.owner_id and v.id = u.hold_id
     where u.location_id = $1 and u.beneficiary_id = """
_WITHOUT_HOLD: Final[LiteralString] = """
    select v.at, v.id, v.item from kotally.booking_items v
     where v.location_id = $1 and v.contact_id = """
_WITHOUT_HOLD_BY_OTHERS: Final[LiteralString] = """
    select v.at, v.id, v.item from kotally.booking_items v
     where v.location_id = $1 and v.beneficiary_id = """
_SOURCES: Final = (_OWN, _PAID_BY_OTHERS, _WITHOUT_HOLD, _WITHOUT_HOLD_BY_OTHERS)
_ALL: Final[LiteralString] = "select v.at, v.id, v.item::text from ("


def _page_of(wanted: LiteralString, order: LiteralString) -> LiteralString:
    """
    Write the statement that reads a page of all sources in one order.

    Each source is cut to the page by its own index; together they would have to be sorted whole.
    """
    end: LiteralString = " order by " + order + " limit $5"
    rest: LiteralString = _CONTACT + " and " + wanted + end + ")"
    branches: list[LiteralString] = ["(" + source + rest for source in _SOURCES]
    return _ALL + " union all ".join(branches) + ") v" + end


_UPCOMING: Final = _page_of(
    """
    v.at > kotally.location_now($1) and v.status = any ($6)
    and (v.at, v.id) > (coalesce($3::timestamptz, '-infinity'),
                        coalesce($4::uuid, '00000000-0000-0000-0000-000000000000'))
    """,
    "v.at, v.id",
)
_PAST: Final = _page_of(
    """
    (v.at <= kotally.location_now($1) or v.status <> all ($6)) and v.status <> 'replaced'
    and (v.at, v.id) < (coalesce($3::timestamptz, 'infinity'),
                        coalesce($4::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
    """,
    "v.at desc, v.id desc",
)


class Upcoming(Struct, frozen=True, array_like=True):
    """The last appointment shown of those to come."""

    at: datetime
    id: UUID


class Past(Struct, frozen=True, array_like=True):
    """The last appointment shown of those that were."""

    at: datetime
    id: UUID


async def upcoming(
    db: Queries, location_id: str, reference: str, *, after: Upcoming | None, limit: int
) -> Page[Upcoming]:
    """Read a page of the appointments that are still to come and still on, the next one first."""
    rows = await db.fetch(
        _UPCOMING,
        *_arguments(location_id, reference, after=after, limit=limit),
        list(ON),
    )
    return page(rows, limit, item="item", place=lambda row: Upcoming(row["at"], row["id"]))


async def past(
    db: Queries, location_id: str, reference: str, *, after: Past | None, limit: int
) -> Page[Past]:
    """
    Read a page of the appointments that are not to come any more, the latest first.

    Their time has come, or they were given up before it: each appointment is in one of the two
    lists, and one that was moved only where it is now. One without a time counts from when it was
    booked.
    """
    rows = await db.fetch(
        _PAST,
        *_arguments(location_id, reference, after=after, limit=limit),
        list(ON),
    )
    return page(rows, limit, item="item", place=lambda row: Past(row["at"], row["id"]))


def _arguments(
    location_id: str, reference: str, *, after: Upcoming | Past | None, limit: int
) -> tuple[str, str, datetime | None, UUID | None, int]:
    return (
        location_id,
        reference,
        after.at if after else None,
        after.id if after else None,
        limit + 1,
    )

"""Answer lists page by page, whatever they are of."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Generic, Protocol, TypeVar

from msgspec import Struct

from kotally.api import fields
from kotally.api.call import Call, Decided, Invalid, Request
from kotally.core.paging import Page, cursor, place_of

P = TypeVar("P", bound=Struct)


class ListRequest(Request, frozen=True, kw_only=True):
    """Ask for a page of a list."""

    location_id: fields.LocationId
    limit: fields.Limit = fields.PAGE_SIZE
    cursor: fields.Cursor | None = None


class Read(Protocol[P]):
    """Read a page of a list that is known already."""

    def __call__(self, *, after: P | None, limit: int) -> Awaitable[Page[P]]:
        """Read the rows after a place, so many at most."""
        ...


class Listing(Struct, Generic[P], frozen=True):
    """Say how a list is answered: the code, the key of its items, and what its cursors hold."""

    code: str
    key: str
    after: type[P]

    async def answer(self, call: Call[Any], read: Read[P], whose: str) -> Decided | None:
        """
        Answer the page that the request asks for; None when there is nothing on it.

        `whose` says which list of its kind it is: a cursor of another one is refused.
        """
        request = call.request
        listing = f"{self.after.__module__}.{self.after.__name__} {request.location_id} {whose}"
        after = None
        if request.cursor is not None:
            after = place_of(request.cursor, self.after, listing)
            if after is None:
                raise Invalid("cursor", "must be the `next_cursor` of this very list, unchanged")
        found = await read(after=after, limit=request.limit)
        return self._page(call, found, listing) if found.items else None

    def nothing(self, call: Call[Any]) -> Decided:
        """Answer a page with nothing on it."""
        return self._page(call, Page([], None), "")

    def _page(self, call: Call[Any], found: Page[P], listing: str) -> Decided:
        following = f'"{cursor(found.after, listing)}"' if found.after else "null"
        items = ",".join(found.items)
        body = f'{{"{self.key}":[{items}],"next_cursor":{following}}}'
        return Decided(self.code, call.correlation_id, body)

"""Turn the pages of a long list: by the place of the last row, so that new rows disturb nobody."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any, Final, Generic, TypeVar

import msgspec
from msgspec import Struct

DIGEST_BYTES: Final = 8
CURSOR_BYTES_MAX: Final = 300

P = TypeVar("P", bound=Struct)
_encode = msgspec.json.Encoder().encode


class Page(Struct, Generic[P], frozen=True):
    """Hold the rows of a page as JSON, and the place after which the next page begins, if any."""

    items: list[str]
    after: P | None


def page(rows: Sequence[Any], limit: int, *, item: str, place: Callable[[Any], P]) -> Page[P]:
    """Make a page of `limit` rows out of one row more, which shows that there is a next page."""
    shown = rows[:limit]
    return Page([row[item] for row in shown], place(shown[-1]) if len(rows) > limit else None)


def cursor(place: Struct, listing: str) -> str:
    """Write a place as a text that is good for one listing only."""
    payload = _encode(place)
    return urlsafe_b64encode(_digest(payload, listing) + payload).rstrip(b"=").decode()


def place_of(text: str, kind: type[P], listing: str) -> P | None:
    """
    Read a cursor of this listing, or answer None.

    The digest finds slips, not forgers: a forged place shows nothing but the same listing.
    """
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        digest, payload = raw[:DIGEST_BYTES], raw[DIGEST_BYTES : CURSOR_BYTES_MAX + 1]
        if digest != _digest(payload, listing):
            return None
        return msgspec.json.decode(payload, type=kind)
    except ValueError:
        return None


def _digest(payload: bytes, listing: str) -> bytes:
    return blake2b(payload, digest_size=DIGEST_BYTES, key=listing.encode()[:64]).digest()

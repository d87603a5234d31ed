"""What one pass of a sweep came to."""

from __future__ import annotations

from msgspec import Struct


class Swept(Struct, frozen=True):
    """How many due rows were done, and what happened, a line each for people."""

    count: int = 0
    events: list[str] = []

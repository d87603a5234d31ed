"""Expiry: writing down what the predicate has long decided (S6.5)."""

from __future__ import annotations

from typing import Final

from kotally.db import Database
from kotally.ledger.swept import Swept

PASS_SIZE: Final = 2_000


async def expire_due(db: Database, location_id: str, *, limit: int) -> Swept:
    """Post the expiry of lots that are due, as of when they expired."""
    done = 0
    while done < limit:
        size = min(PASS_SIZE, limit - done)
        expired: int = await db.fetchval("select kotally.expire_lots($1, $2)", location_id, size)
        done += expired
        if expired == 0:
            break
    return Swept(done, [f"{done} lots expired"] if done else [])

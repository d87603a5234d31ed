"""Holds: credits set aside for a booking."""

from __future__ import annotations

from uuid import UUID

from kotally.db import Database, Queries
from kotally.ledger.swept import Swept


async def contact_of(db: Queries, location_id: str, hold_id: UUID) -> str | None:
    """Return the external id of the contact a hold belongs to, or None if there is no such hold."""
    return await db.fetchval(
        """
        select c.external_id
          from kotally.holds h
          join kotally.contacts c on c.location_id = h.location_id and c.id = h.contact_id
         where h.location_id = $1 and h.id = $2
        """,
        location_id,
        hold_id,
    )


async def lapse_due(db: Database, location_id: str, *, limit: int) -> Swept:
    """Release holds whose time is over, as of that time (S2.5)."""
    released: int = await db.fetchval("select kotally.lapse_holds($1, $2)", location_id, limit)
    return Swept(released, [f"{released} holds lapsed"] if released else [])

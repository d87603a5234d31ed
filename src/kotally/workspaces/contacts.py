"""Contacts: the people who hold credits, by their id in the caller's system."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from kotally.db import Queries
from kotally.workspaces.workspaces import as_uuid


class Contact(Struct, frozen=True, kw_only=True):
    """One person, in one location."""

    id: UUID
    external_id: str
    email: str | None
    name: str | None
    phone: str | None
    created_at: datetime


async def find(db: Queries, location_id: str, reference: str) -> Contact | None:
    """Find a contact by the id in the caller's system, or by our own uuid: nobody has another's."""
    return await db.one(
        Contact,
        """
        select id, external_id, email, name, phone, created_at from kotally.contacts
         where location_id = $1 and external_id = $2
        union all
        select id, external_id, email, name, phone, created_at from kotally.contacts
         where location_id = $1 and id = $3
         limit 1
        """,
        location_id,
        reference,
        as_uuid(reference),
    )

"""Contacts: the people who hold credits, by their id in the caller's system."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from msgspec import Struct

from kotally.core.ids import new_id
from kotally.db import Queries
from kotally.workspaces.workspaces import as_uuid

EXTERNAL_ID_LENGTH_MAX: Final = 255


class Contact(Struct, frozen=True, kw_only=True):
    """One person, in one location."""

    id: UUID
    external_id: str
    email: str | None
    name: str | None
    phone: str | None
    created_at: datetime


class Hints(Struct, frozen=True, kw_only=True):
    """What a caller happens to know of a person; fills what is empty and overwrites nothing."""

    email: str | None = None
    name: str | None = None
    phone: str | None = None


async def find(db: Queries, location_id: str, reference: str) -> Contact | None:
    """Find a contact by the id in the caller's system, else by our own uuid."""
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


async def ensure(
    db: Queries, location_id: str, external_id: str, *, hints: Hints | None = None
) -> Contact:
    """Return the contact of that id, created if need be, with its empty fields filled in."""
    hints = hints or Hints()
    contact = await db.one(
        Contact,
        """
        insert into kotally.contacts as c (
          location_id, id, external_id, email, name, phone, created_at)
        values ($1, $2, $3, $4, $5, $6, kotally.location_now($1))
        on conflict (location_id, external_id) do update
           set email = coalesce(c.email, excluded.email), name = coalesce(c.name, excluded.name),
               phone = coalesce(c.phone, excluded.phone)
        returning id, external_id, email, name, phone, created_at
        """,
        location_id,
        new_id(),
        external_id,
        hints.email,
        hints.name,
        hints.phone,
    )
    assert contact is not None
    return contact

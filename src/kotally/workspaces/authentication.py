"""
Know an API client by its token.

What was read is kept for two seconds: a deactivated client is out by then, and a busy one costs
one look-up every two seconds instead of one per request.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from hashlib import sha256
from hmac import compare_digest
from uuid import UUID

from msgspec import Struct

from kotally.core.clock import monotonic_ns, now
from kotally.db import Database

KEPT_NS = 2_000_000_000
KEPT_MAX = 10_000
_ACTIVE = "active"


class AuthenticatedClient(Struct, frozen=True, kw_only=True):
    """Be the program that calls, and what its token allows."""

    id: UUID
    workspace_id: UUID
    location_id: str
    name: str
    scopes: frozenset[str]
    location_active: bool
    rate: int


class _Record(Struct, frozen=True, kw_only=True):
    client: AuthenticatedClient
    secret_hash: bytes
    previous_secret_hash: bytes | None
    previous_valid_until: datetime | None
    expires_at: datetime | None


def digest(secret: str) -> bytes:
    """Make what is stored of a token's secret, the second uuid of its text."""
    return sha256(secret.encode()).digest()


class Authenticator:
    """Turn the two halves of a token into a client, or None."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._kept: dict[str, tuple[int, _Record | None]] = {}
        self._asked: dict[str, asyncio.Task[_Record | None]] = {}

    async def __call__(self, client_id: str, secret: str) -> AuthenticatedClient | None:
        """Answer None for every kind of wrong token alike."""
        kept = self._kept.get(client_id)
        if kept is not None and monotonic_ns() - kept[0] < KEPT_NS:
            record = kept[1]
        else:
            record = await self._ask(client_id)
        return record.client if record is not None and _opens(record, secret) else None

    async def _ask(self, client_id: str) -> _Record | None:
        """Look up once, however many ask at the same time; one caller's leaving stops nobody."""
        task = self._asked.get(client_id)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._load(client_id))
            self._asked[client_id] = task
            task.add_done_callback(lambda _: self._asked.pop(client_id, None))
        return await asyncio.shield(task)

    async def _load(self, client_id: str) -> _Record | None:
        row = await self._db.fetchrow(
            """
            select c.id, c.location_id, c.name, c.scopes, c.requests_per_second,
              c.secret_hash, c.previous_secret_hash, c.previous_valid_until, c.expires_at,
              l.workspace_id, l.status
            from kotally.api_clients c
            join kotally.locations l on l.id = c.location_id
            where c.id = $1 and c.deactivated_at is null
            """,
            UUID(client_id),
        )
        record = None
        if row is not None:
            record = _Record(
                client=AuthenticatedClient(
                    id=row["id"],
                    workspace_id=row["workspace_id"],
                    location_id=row["location_id"],
                    name=row["name"],
                    scopes=frozenset(row["scopes"]),
                    location_active=row["status"] == _ACTIVE,
                    rate=row["requests_per_second"],
                ),
                secret_hash=row["secret_hash"],
                previous_secret_hash=row["previous_secret_hash"],
                previous_valid_until=row["previous_valid_until"],
                expires_at=row["expires_at"],
            )
        if len(self._kept) >= KEPT_MAX:
            self._kept.clear()
        self._kept[client_id] = (monotonic_ns(), record)
        return record


def _opens(record: _Record, secret: str) -> bool:
    found = digest(secret)
    fits = compare_digest(found, record.secret_hash)
    if not fits and record.previous_secret_hash is not None:
        fits = compare_digest(found, record.previous_secret_hash) and _is_ahead(
            record.previous_valid_until
        )
    return fits and (record.expires_at is None or _is_ahead(record.expires_at))


def _is_ahead(moment: datetime | None) -> bool:
    return moment is not None and moment > now()

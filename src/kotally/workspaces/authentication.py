"""
Know an API client by its token.

What was read is kept for two seconds: a deactivated client and a secret that was replaced are out
by then, and a busy client costs one look-up every two seconds instead of one per request.

A new secret opens at once: one that does not fit what is kept is looked up anew before it is
refused, at most ten times a second per client, so that guessing costs no look-up per request.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from hmac import compare_digest
from typing import Final, TypeVar
from uuid import UUID

import structlog
from msgspec import Struct

from kotally.core.clock import monotonic_ns, now
from kotally.db import Database, DatabaseUnavailable
from kotally.workspaces.api_clients import digest
from kotally.workspaces.workspaces import as_uuid

K = TypeVar("K")
V = TypeVar("V")

KEPT_NS: Final = 2_000_000_000
DOUBTED_EVERY_NS: Final = 100_000_000
KEPT_MAX: Final = 10_000
STRANGERS_MAX: Final = 10_000  # kept apart: guessing ids pushes no client out
NOTED_EVERY_NS: Final = 60_000_000_000  # how exact "last used" is

_ACTIVE: Final = "active"

_log = structlog.get_logger("kotally.authentication")


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


class Authenticator:
    """Turn the two halves of a token into a client, or None."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._kept: dict[str, tuple[int, _Record]] = {}
        self._doubted: dict[str, int] = {}
        self._strangers: dict[str, int] = {}
        self._asked: dict[str, asyncio.Task[_Record | None]] = {}
        self._noted: dict[UUID, int] = {}
        self._notes: set[asyncio.Task[None]] = set()

    async def __call__(self, client_id: str, secret: str) -> AuthenticatedClient | None:
        """Answer None for every kind of wrong token alike."""
        read_at = monotonic_ns()
        kept = self._kept.get(client_id)
        if kept is not None and read_at - kept[0] < KEPT_NS:
            record = kept[1]
        elif read_at - self._strangers.get(client_id, -KEPT_NS) < KEPT_NS:
            return None
        else:
            record = await self._ask(client_id)
        if record is not None and not _opens(record, secret) and self._may_doubt(client_id):
            record = await self._ask(client_id)
        if record is None or not _opens(record, secret):
            return None
        self._note_use(record.client, read_at)
        return record.client

    def _may_doubt(self, client_id: str) -> bool:
        """
        Allow what was read to be read again for a secret that does not fit it.

        The interval counts from the last doubt and not from the last reading, so the first who
        comes with a new secret is let in however fresh the record is; only while others send wrong
        secrets of the same client can it take the interval.
        """
        at = monotonic_ns()
        if at - self._doubted.get(client_id, -DOUBTED_EVERY_NS) < DOUBTED_EVERY_NS:
            return False
        _make_room(self._doubted, KEPT_MAX)
        self._doubted[client_id] = at
        return True

    async def _ask(self, client_id: str) -> _Record | None:
        """Look up once, however many ask at the same time; one caller's leaving stops nobody."""
        task = self._asked.get(client_id)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._load(client_id))
            self._asked[client_id] = task
            task.add_done_callback(lambda _: self._asked.pop(client_id, None))
        return await asyncio.shield(task)

    async def _load(self, client_id: str) -> _Record | None:
        read_at = monotonic_ns()
        record = await _read(self._db, client_id)
        if record is None:
            self._kept.pop(client_id, None)
            _make_room(self._strangers, STRANGERS_MAX)
            self._strangers[client_id] = read_at
            return None
        _make_room(self._kept, KEPT_MAX)
        self._kept[client_id] = (read_at, record)
        return record

    def _note_use(self, client: AuthenticatedClient, at: int) -> None:
        """Write down that the client was here, at most once a minute, behind its back."""
        if at - self._noted.get(client.id, -NOTED_EVERY_NS) < NOTED_EVERY_NS:
            return
        _make_room(self._noted, KEPT_MAX)
        self._noted[client.id] = at
        task = asyncio.get_running_loop().create_task(_write_use(self._db, client))
        self._notes.add(task)
        task.add_done_callback(self._notes.discard)


async def _read(db: Database, client_id: str) -> _Record | None:
    row = await db.fetchrow(
        """
        select c.id, c.location_id, c.name, c.scopes, c.requests_per_second,
          c.secret_hash, c.previous_secret_hash, c.previous_valid_until, c.expires_at,
          l.workspace_id, l.status
        from kotally.api_clients c
        join kotally.locations l on l.id = c.location_id
        where c.id = $1 and c.deactivated_at is null
        """,
        as_uuid(client_id),
    )
    if row is None:
        return None
    return _Record(
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


async def _write_use(db: Database, client: AuthenticatedClient) -> None:
    """Set the time of last use; several processes write it once a minute between them."""
    try:
        await db.execute(
            """
            update kotally.api_clients set last_used_at = clock_timestamp()
             where location_id = $1 and id = $2
               and (last_used_at is null or last_used_at < clock_timestamp() - interval '1 minute')
            """,
            client.location_id,
            client.id,
        )
    except DatabaseUnavailable as fault:
        # Whoever calls is served all the same; the next minute writes it.
        _log.warning("last use not noted", client_id=client.id, fault=str(fault))


def _make_room(kept: dict[K, V], most: int) -> None:
    """Drop the oldest when full; what is dropped is read again when it is needed."""
    if len(kept) >= most:
        del kept[next(iter(kept))]


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

"""API clients: programs that call, each bound to one location, with a token and its scopes."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from typing import Final, Literal, get_args
from uuid import UUID

from msgspec import Struct

from kotally.core.ids import new_id, secret_uuid
from kotally.db import Queries
from kotally.workspaces.refusals import Refused, invalid, not_found, text_fault

Scope = Literal[
    "grant",
    "check",
    "deduct",
    "restore",
    "summary",
    "hold",
    "membership",
    "adjust",
    "product",
    "clock",
]

SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)
RATE_DEFAULT: Final = 1_000
RATE_MAX: Final = 1_000_000
OVERLAP_HOURS_MAX: Final = 7 * 24
TOKEN_PREFIX: Final = "ktly"  # noqa: S105 - what every token begins with is no secret


class ApiClient(Struct, frozen=True, kw_only=True):
    """A program that may call; nothing of its secret is here."""

    id: UUID
    location_id: str
    name: str
    scopes: list[str]
    requests_per_second: int
    expires_at: datetime | None
    previous_valid_until: datetime | None
    deactivated_at: datetime | None
    last_used_at: datetime | None
    created_at: datetime


class Issued(Struct, frozen=True):
    """A client with its token, which is shown now and never again."""

    client: ApiClient
    token: str


async def create(
    db: Queries,
    location_id: str,
    *,
    name: str,
    scopes: list[str],
    rate: int = RATE_DEFAULT,
    expires_at: datetime | None = None,
) -> Issued | Refused:
    """Create a client of a location; of its secret only the digest is stored."""
    name = name.strip()
    if fault := text_fault("name", name) or scopes_fault(scopes) or _rate_fault(rate):
        return fault
    if expires_at is not None and expires_at.tzinfo is None:
        return invalid("The expiry has no offset; write it like 2027-01-31T00:00:00Z.")
    client_id, secret = new_id(), str(secret_uuid())
    made = await db.one(
        ApiClient,
        """
        insert into kotally.api_clients (
          id, location_id, name, scopes, secret_hash, requests_per_second, expires_at)
        select $1, l.id, $3, $4, $5, $6, $7 from kotally.locations l where l.id = $2
        returning id, location_id, name, scopes, requests_per_second, expires_at,
                  previous_valid_until, deactivated_at, last_used_at, created_at
        """,
        client_id,
        location_id,
        name,
        [scope for scope in SCOPES if scope in scopes],
        digest(secret),
        rate,
        expires_at,
    )
    if made is None:
        return not_found(
            f"There is no location {location_id!r}; `kotally location list` shows all of them."
        )
    return Issued(made, _token(client_id, secret))


async def rotate(db: Queries, client_id: UUID, *, overlap_hours: int = 0) -> Issued | Refused:
    """
    Give a client a new token, which works at once.

    The old one works on for the overlap, 0 to 7 days; without one every process refuses it within
    two seconds.
    """
    if not 0 <= overlap_hours <= OVERLAP_HOURS_MAX:
        return invalid(
            f"The old token can stay valid for 0 to {OVERLAP_HOURS_MAX} hours (7 days), "
            f"not for {overlap_hours}."
        )
    secret = str(secret_uuid())
    changed = await db.one(
        ApiClient,
        """
        update kotally.api_clients
           set previous_secret_hash = case when $3 > 0 then secret_hash end,
               previous_valid_until =
                 case when $3 > 0 then clock_timestamp() + make_interval(hours => $3) end,
               secret_hash = $2
         where id = $1 and deactivated_at is null
        returning id, location_id, name, scopes, requests_per_second, expires_at,
                  previous_valid_until, deactivated_at, last_used_at, created_at
        """,
        client_id,
        digest(secret),
        overlap_hours,
    )
    if changed is None:
        return _unknown(client_id)
    return Issued(changed, _token(client_id, secret))


async def deactivate(db: Queries, client_id: UUID) -> ApiClient | Refused:
    """Shut a client out for good; within two seconds every process obeys. Safe to repeat."""
    changed = await db.one(
        ApiClient,
        """
        update kotally.api_clients
           set deactivated_at = coalesce(deactivated_at, clock_timestamp())
         where id = $1
        returning id, location_id, name, scopes, requests_per_second, expires_at,
                  previous_valid_until, deactivated_at, last_used_at, created_at
        """,
        client_id,
    )
    return changed or _unknown(client_id)


async def listed(db: Queries, location_id: str | None = None) -> list[ApiClient]:
    """List the clients of a location, or all; the oldest first."""
    return await db.rows(
        ApiClient,
        """
        select id, location_id, name, scopes, requests_per_second, expires_at,
               previous_valid_until, deactivated_at, last_used_at, created_at
          from kotally.api_clients where $1::text is null or location_id = $1 order by id
        """,
        location_id,
    )


def digest(secret: str) -> bytes:
    """Make what is stored of a token's secret, the second uuid of its text."""
    return sha256(secret.encode()).digest()


def scopes_fault(scopes: list[str]) -> Refused | None:
    """Refuse no scopes at all, and those that do not exist."""
    known = ", ".join(SCOPES)
    if not scopes:
        return invalid(f"A client needs at least one scope; choose from {known}.")
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown:
        return invalid(f"There is no scope {unknown[0]!r}; choose from {known}.")
    return None


def _rate_fault(rate: int) -> Refused | None:
    if not 1 <= rate <= RATE_MAX:
        return invalid(f"A client may send 1 to {RATE_MAX} requests a second, not {rate}.")
    return None


def _token(client_id: UUID, secret: str) -> str:
    return f"{TOKEN_PREFIX}_{client_id}_{secret}"


def _unknown(client_id: UUID) -> Refused:
    return not_found(
        f"There is no active client {client_id}; `kotally client list` shows all of them."
    )

"""Keep passwords so that nobody who reads the table can sign in."""

from __future__ import annotations

import asyncio
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from kotally.workspaces.refusals import Refused, invalid

LENGTH_MIN: Final = 8
LENGTH_MAX: Final = 1_000  # hashing is slow on purpose: a text without end would keep a core busy

_hasher = PasswordHasher()  # argon2id with the parameters of RFC 9106 for little memory


def password_fault(password: str) -> Refused | None:
    """Refuse a password that is too short or endless."""
    if len(password) < LENGTH_MIN:
        return invalid(f"The password is too short; use at least {LENGTH_MIN} characters.")
    if len(password) > LENGTH_MAX:
        return invalid(f"The password is too long; use at most {LENGTH_MAX} characters.")
    return None


async def hashed(password: str) -> str:
    """Return what is stored of a password; runs beside the event loop, for it takes a while."""
    return await asyncio.to_thread(_hasher.hash, password)


async def fits(password_hash: str, password: str) -> bool:
    """Tell whether this is the password; runs beside the event loop."""
    return await asyncio.to_thread(_fits, password_hash, password)


def _fits(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False

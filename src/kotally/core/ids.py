"""The one home of randomness: row ids, the short ids integrators see, and secrets."""

from __future__ import annotations

import os
import secrets
import threading
import time
from struct import Struct
from uuid import UUID

READABLE = (
    "0123456789abcdefghjkmnpqrstvwxyz"  # 32 signs; no i, l, o, u: hard to misread or to spell
)
PUBLIC_ID_LENGTH = 12  # 60 bits: a billion ids in one table collide with odds below one in two

_COUNTER_MAX = 0xFFF
_COUNTER_SEED = (
    0x7FF  # the counter starts in its lower half, so a millisecond has room for 2048 ids
)
_NS_PER_MS = 1_000_000
_POOL_FORMAT = Struct("=256Q")

_lock = threading.Lock()
_last_ms = 0
_counter = 0
# Random numbers fetched ahead: to ask the system for each costs more than the rest of an id.
_pool: list[int] = []


def _forget_pool() -> None:
    """Let a forked child draw its own numbers."""
    _pool.clear()


os.register_at_fork(after_in_child=_forget_pool)


def new_id() -> UUID:
    """Make a UUIDv7: sorts by time, and within one process strictly by the order of making."""
    with _lock:
        ms, counter = _next_tick()
        tail = _random_64() & 0x3FFF_FFFF_FFFF_FFFF
    return UUID(int=ms << 80 | 0x7 << 76 | counter << 64 | 0b10 << 62 | tail)


def public_id(prefix: str) -> str:
    """Make a short id for people and URLs, such as `loc_7k2m9x4c1d0a`."""
    return f"{prefix}_" + "".join(secrets.choice(READABLE) for _ in range(PUBLIC_ID_LENGTH))


def new_secret() -> str:
    """Make a password or token of 256 bits that is safe in a URL."""
    return secrets.token_urlsafe(32)


def secret_uuid() -> UUID:
    """Make a uuid of 122 random bits (version 4): the secret half of an API client's token."""
    tail = int.from_bytes(os.urandom(16)) & ~(0xF << 76) & ~(0b11 << 62)
    return UUID(int=tail | 0x4 << 76 | 0b10 << 62)


def _next_tick() -> tuple[int, int]:
    """Return the next (millisecond, counter): it only grows, even when the clock goes back."""
    global _last_ms, _counter  # noqa: PLW0603 - the order of ids is a fact about the whole process
    ms = time.time_ns() // _NS_PER_MS
    if ms > _last_ms:
        _last_ms, _counter = ms, _random_64() % _COUNTER_SEED
    elif _counter < _COUNTER_MAX:
        _counter += 1
    else:
        _last_ms, _counter = _last_ms + 1, 0
    return _last_ms, _counter


def _random_64() -> int:
    """Return 64 random bits; the caller holds the lock."""
    if not _pool:
        _pool.extend(_POOL_FORMAT.unpack(os.urandom(_POOL_FORMAT.size)))
    return _pool.pop()

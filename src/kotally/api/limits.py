"""
Bound how fast one caller may ask, with a bucket of tokens per caller.

The buckets live in this process: with several processes each has its own, and a caller gets up
to that many times the rate. What protects the database is the bounded queue of the writer.
"""

from __future__ import annotations

from collections.abc import Hashable

from msgspec import Struct

RATE_DEFAULT = 1_000  # requests a second in the long run, unless the client has its own
RATE_MAX = 1_000_000
BURST_SECONDS = 2  # a bucket holds what the rate gives in this time
BUCKETS_MAX = 10_000

_NS_PER_S = 1_000_000_000


class Allowance(Struct):
    """Say what a caller may still send; `retry_after` is 0 when this request may pass."""

    limit: int
    remaining: int
    reset: int
    retry_after: int = 0


class Limiter:
    """
    Count requests per caller.

    Per caller one number is kept: the time at which its bucket will be full again.
    """

    def __init__(self) -> None:
        self._full_at: dict[Hashable, int] = {}

    def take(self, key: Hashable, rate: int, now: int) -> Allowance:
        """Take one token at the monotonic time `now` in nanoseconds; a rate of 0 is the default."""
        rate = min(rate, RATE_MAX) if rate > 0 else RATE_DEFAULT
        interval, burst = _NS_PER_S // rate, rate * BURST_SECONDS
        full_at = self._full_at.get(key, 0)
        full_at = max(full_at, now)
        over = full_at - now + interval - burst * interval
        if over > 0:
            return Allowance(burst, 0, _seconds(full_at - now), _seconds(over))
        full_at += interval
        if key not in self._full_at and len(self._full_at) >= BUCKETS_MAX:
            self._drop_full(now)
        self._full_at[key] = full_at
        missing = full_at - now
        return Allowance(burst, burst - -(-missing // interval), _seconds(missing))

    def _drop_full(self, now: int) -> None:
        self._full_at = {key: at for key, at in self._full_at.items() if at > now}
        if len(self._full_at) >= BUCKETS_MAX:
            self._full_at.clear()


def _seconds(nanoseconds: int) -> int:
    return -(-nanoseconds // _NS_PER_S)

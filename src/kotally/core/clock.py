"""
The one home of real time.

Acts on a location never ask here: they ask `kotally.location_now`, so that a sandbox location
can have its own clock. This clock is for signature ages, time-outs, logs and ids.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime


def now() -> datetime:
    """Return the current instant in UTC."""
    return datetime.now(UTC)


def monotonic_ns() -> int:
    """Return nanoseconds of a clock that never goes back; only differences mean anything."""
    return time.monotonic_ns()

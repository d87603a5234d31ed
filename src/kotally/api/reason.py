"""Say what a reason code is, and make one."""

from __future__ import annotations

from msgspec import Struct

HTTP_OK = 200


class Reason(Struct, frozen=True):
    """Describe one reason code: its status, its meaning, and the way out."""

    code: str
    status: int
    ok: bool
    meaning: str
    remedy: str
    retryable: bool = False


def done(code: str, meaning: str, remedy: str = "Nothing is left to do.") -> Reason:
    """Make the code of something that was done."""
    return Reason(code, HTTP_OK, ok=True, meaning=meaning, remedy=remedy)


def refused(code: str, meaning: str, remedy: str) -> Reason:
    """Make the code of a business refusal."""
    return Reason(code, HTTP_OK, ok=False, meaning=meaning, remedy=remedy)


def failed(status: int, code: str, meaning: str, *, remedy: str, retryable: bool = False) -> Reason:
    """Make the code of a transport failure."""
    return Reason(code, status, ok=False, meaning=meaning, remedy=remedy, retryable=retryable)

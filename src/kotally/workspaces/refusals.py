"""Say no to an operator: what was refused and what to do instead."""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

Code = Literal["INVALID", "NOT_FOUND", "TAKEN", "NOT_ALLOWED"]

NAME_LENGTH_MAX: Final = 200


class Refused(Struct, frozen=True):
    """Be returned instead of the thing asked for; `message` is one sentence for a person."""

    code: Code
    message: str


def invalid(message: str) -> Refused:
    """Refuse a value that breaks a rule."""
    return Refused("INVALID", message)


def not_found(message: str) -> Refused:
    """Refuse because there is no such thing."""
    return Refused("NOT_FOUND", message)


def text_fault(label: str, text: str, *, longest: int = NAME_LENGTH_MAX) -> Refused | None:
    """Refuse a text that is blank, too long, or holds what no name holds (control signs)."""
    if not text.strip():
        return invalid(f"The {label} is empty; give it one to {longest} characters.")
    if len(text) > longest:
        return invalid(f"The {label} has {len(text)} characters; use at most {longest}.")
    if not text.isprintable():
        return invalid(f"The {label} holds a sign that cannot be printed; leave it out.")
    return None

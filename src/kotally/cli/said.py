"""What a command answers."""

from __future__ import annotations

from typing import Any, NamedTuple


class Said(NamedTuple):
    """
    The answer of a command: `facts` for `--json`, `lines` for people.

    `ok` false means that what was asked was done and the answer is no: exit code 1.
    """

    facts: dict[str, Any]
    lines: list[str]
    ok: bool = True


class Failure(Exception):
    """The command could not be done; the message is one sentence that says what to do."""

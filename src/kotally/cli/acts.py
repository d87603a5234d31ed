"""How a command does an act once, and says what it came to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from kotally.cli.said import Failure, Said

if TYPE_CHECKING:
    from kotally.ledger.acts import Key, Outcome


def fresh_key(operation: str) -> Key:
    """Make the key of an act that an operator types: each time is a new request."""
    from kotally.core.ids import new_id
    from kotally.ledger.acts import Key, digest

    request_id = str(new_id())
    hash_, body = digest(operation, {"request_id": request_id})
    return Key(request_id, hash_, body, new_id(), "cli", "cli")


def said_of(outcome: Outcome, *, preview: bool) -> Said:
    """Say what an act came to, line by line; a refusal leaves the command with its reason."""
    import msgspec

    from kotally.api.answers import REASONS

    answer: dict[str, Any] = msgspec.json.decode(outcome.answer)
    if not outcome.done:
        known = "".join(f" {name}: {value}." for name, value in _shown(answer))
        reason = REASONS.get(outcome.code)
        meaning = f"{reason.meaning} " if reason else ""
        raise Failure(f"{meaning}Refused with {outcome.code}.{known}")
    lines = [f"{'Would be: ' if preview else ''}{outcome.code.replace('_', ' ')}"]
    lines += [f"  {name.replace('_', ' ')}: {value}" for name, value in _shown(answer)]
    return Said({"code": outcome.code, "preview": preview, **answer}, lines)


def _shown(answer: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Give what there is to show to people, name by name: nothing that is empty."""
    import msgspec

    for name, value in answer.items():
        if value is not None and value != []:
            yield name, value if isinstance(value, str) else msgspec.json.encode(value).decode()

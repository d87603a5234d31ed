"""The one home of standard output and standard error."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from kotally.cli.said import Said


def show(said: Said, *, as_json: bool) -> None:
    """Print an answer: one JSON object, or lines for people."""
    if as_json:
        show_object({"ok": said.ok, **said.facts})
    else:
        write("".join(f"{line}\n" for line in said.lines))


def show_object(facts: dict[str, Any]) -> None:
    """Print one JSON object on one line."""
    import msgspec

    write(msgspec.json.encode(_plain(facts)).decode() + "\n")


def show_failure(message: str, *, as_json: bool) -> None:
    """Say why a command failed: on standard error, or as the one JSON object."""
    if as_json:
        show_object({"ok": False, "error": message})
    else:
        warn(message)


def warn(message: str) -> None:
    """Print a sentence on standard error."""
    sys.stderr.write(f"{message}\n")
    sys.stderr.flush()


def write(text: str) -> None:
    """Print text as it is, and at once: UTF-8 whatever the terminal says."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
    sys.stdout.buffer.flush()


def time(at: datetime | None) -> str | None:
    """Write an instant as the API does: UTC with milliseconds."""
    if at is None:
        return None
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """Set rows in columns under their names; what is None stays empty."""
    cells = [[str("" if cell is None else cell) for cell in row] for row in (head, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]


def _plain(value: Any) -> Any:  # noqa: ANN401 - JSON holds any shape
    """Give every instant the one form it has outside."""
    if isinstance(value, datetime):
        return time(value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in cast("list[Any]", value)]
    return value

"""Write postings as CSV that a spreadsheet opens without running anything in it."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct


class Line(Struct, frozen=True, kw_only=True):
    """A posting: what a ledger entry of the API says, whose it is, and all that it moved."""

    id: UUID
    contact_id: UUID
    external_contact_id: str
    seq: int
    type: str
    amount: int
    balance_after: int
    held_after: int
    reason_code: str
    source: str
    actor: str
    entitlement_id: UUID | None
    product_config_id: str | None
    lot_id: UUID | None
    entries: str | None
    external_ref: str | None
    hold_id: UUID | None
    request_id: str
    correlation_id: UUID
    reverses: UUID | None
    effective_at: datetime
    recorded_at: datetime
    metadata: str | None


COLUMNS: Final = Line.__struct_fields__

# A cell that begins so is a formula to some spreadsheet; the wide forms are to Excel in Japanese.
FORMULA_SIGNS: Final = (*"=+-@\t\r\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


class Table:
    """Takes postings; gives text from time to time, the first time with a header."""

    def __init__(self) -> None:
        self.rows: int = 0
        self._text: io.StringIO = io.StringIO()
        self._writer = csv.writer(self._text, lineterminator="\r\n")
        self._writer.writerow(COLUMNS)

    def add(self, line: Line) -> None:
        """Take the next posting."""
        self.rows += 1
        self._writer.writerow(map(cell, msgspec.structs.astuple(line)))

    def take(self) -> str:
        """Return what was written since the last time."""
        text = self._text.getvalue()
        self._text.seek(0)
        self._text.truncate()
        self.rows = 0
        return text


def cell(value: object) -> object:
    """Write a time as UTC, nothing as an empty cell, and a text so that it is no formula."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, str) and value.startswith(FORMULA_SIGNS):
        return f"'{value}"
    return value

"""Movements planned in Python: what a domain act wants the kernel to write."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from msgspec import Struct

Bucket = Literal[
    "issued",
    "owed",
    "available",
    "held",
    "consumed",
    "penalty",
    "expired",
    "forfeited",
    "revoked",
    "suspended",
    "transferred",
]
Kind = Literal[
    "grant",
    "deduct",
    "restore",
    "expire",
    "rollover",
    "forfeit",
    "refund",
    "hold",
    "release",
    "capture",
    "penalty",
    "adjust",
    "transfer",
    "freeze",
]


class Entry(Struct, frozen=True):
    """One balanced movement: `amount` credits of a lot from one bucket to another."""

    lot_id: UUID
    from_bucket: Bucket
    to_bucket: Bucket
    amount: int


class Posting(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    One fact that moves credits of one contact; its fields are those of `kotally.new_posting`.

    A request that writes several numbers them by `part`, so that each is written once.
    `effective_at` None means: when it is recorded.
    """

    contact_id: UUID
    id: UUID
    kind: Kind
    reason: str
    source: str
    actor: str
    request_id: str
    correlation_id: UUID
    entries: list[Entry]
    part: int = 0
    effective_at: datetime | None = None
    external_ref: str | None = None
    hold_id: UUID | None = None
    refers_to: int | None = None
    metadata: dict[str, Any] | None = None


LotFields = dict[str, Any]
"""A new lot by the columns of `kotally.lots`; what is left out keeps the kernel's default."""

_encode = msgspec.json.Encoder().encode


def encoded(rows: list[Posting] | list[LotFields]) -> str:
    """Return what `kotally.post_plan` reads."""
    return _encode(rows).decode()

"""Whether a contact could pay: the decision of a deduction, without making it (S3)."""

from __future__ import annotations

from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

from msgspec import Struct

from kotally.db import Queries
from kotally.ledger.acts import Outcome

_CHECK: Final[LiteralString] = "select * from kotally.check($1, $2, $3, $4, $5, $6, $7, $8)"


class Question(Struct, frozen=True, kw_only=True):
    """What somebody wants to book; `amount` is in units of the calendar, not in credits."""

    external_contact_id: str
    product_config_id: str | None = None
    calendar_id: str | None = None
    amount: int = 1
    appointment_at: datetime | None = None
    explain: bool = False


async def check(
    db: Queries, location_id: str, question: Question, *, correlation_id: UUID
) -> Outcome:
    """
    Answer `eligible` with the funding, or why not, as of now.

    Locks nothing: only a hold guarantees (S3.6).
    """
    row = await db.fetchrow(
        _CHECK,
        location_id,
        question.external_contact_id,
        question.product_config_id,
        question.calendar_id,
        question.amount,
        question.appointment_at,
        question.explain,
        correlation_id,
    )
    assert row is not None, "the kernel answers every check"
    return Outcome(row["code"], row["replayed"], row["correlation_id"], row["answer"])

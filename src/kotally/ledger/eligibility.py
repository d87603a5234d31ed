"""Whether a contact could pay: the decision of a deduction, without making it (S3)."""

from __future__ import annotations

from typing import Final, LiteralString

import msgspec

from kotally.db import BatchedRead, Database
from kotally.ledger.acts import Act, Outcome

_CHECK: Final[LiteralString] = "select * from kotally.check($1, $2::kotally.act[])"


def checks(db: Database) -> BatchedRead:
    """Return the way in which a process asks all its checks."""
    return BatchedRead(db, _CHECK)


async def check(read: BatchedRead, location_id: str, act: Act) -> Outcome:
    """
    Answer `eligible` with the funding, or why not, as of now.

    `STALE` when something is due of the contact that could change the answer. Locks nothing: only a
    hold guarantees (S3.6).
    """
    row = await read.ask(location_id, msgspec.structs.astuple(act))
    return Outcome(row["code"], row["replayed"], row["correlation_id"], row["answer"])

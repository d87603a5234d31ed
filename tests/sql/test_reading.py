"""The latest of a contact's lists is found by an index, whatever else the contact has done."""

from __future__ import annotations

from typing import LiteralString

import pytest

from kotally.db import Database

LATEST: dict[LiteralString, LiteralString] = {
    "holds_appointment_idx": """
      select v.item from kotally.appointment_items v
       where v.location_id = $1 and v.contact_id = $2 and v.placed_at <= $3
       order by v.at desc, v.id desc limit 5
    """,
    "postings_pkey": """
      select v.item from kotally.ledger_items v
       where v.location_id = $1 and v.contact_id = $2 and v.recorded_at <= $3
       order by v.seq desc limit 5
    """,
}


@pytest.mark.parametrize("index", LATEST)
async def test_the_latest_are_read_in_their_order(owner_db: Database, index: LiteralString) -> None:
    """A view whose filter no longer fits its index reads everything, and sorts it."""
    async with owner_db.transaction() as tx:
        # What may be done without is forbidden: a sort is left only where no index gives the order.
        for way in ("enable_seqscan", "enable_sort", "enable_bitmapscan", "enable_hashjoin"):
            await tx.execute(f"set local {way} = off")
        await tx.execute("set local plan_cache_mode = force_generic_plan")
        await tx.execute(f"prepare latest (text, uuid, timestamptz) as {LATEST[index]}")
        rows = await tx.fetch(
            "explain execute latest ('loc', '00000000-0000-0000-0000-000000000000', now())"
        )
        await tx.execute("deallocate latest")
    plan = [row["QUERY PLAN"].strip() for row in rows]
    outermost = next(line for line in plan if "Sort" in line or "Index Scan" in line)

    assert f"Index Scan Backward using {index}" in outermost, "\n".join(plan)

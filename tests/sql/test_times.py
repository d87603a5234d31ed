"""How times are kept, read from the catalogue."""

from __future__ import annotations

from kotally.db import Database


async def test_every_time_is_an_instant(owner_db: Database) -> None:
    """S14.1: UTC instants and local dates; no column holds a time of day without its zone."""
    rows = await owner_db.fetch(
        """
        select c.table_name || '.' || c.column_name as name, c.data_type
          from information_schema.columns c
         where c.table_schema = 'kotally'
           and c.data_type ~ '^(timestamp|time|interval)' and c.data_type !~ 'with time zone'
        """
    )

    assert [(row["name"], row["data_type"]) for row in rows] == []

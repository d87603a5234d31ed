"""
The database: connections, transactions, the migrator and the embedded PostgreSQL.

Names load on first use: the supervisor of the embedded PostgreSQL lives in this package too, and
it must start in a moment and stay small, so it cannot pay for a driver it does not use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kotally.db.batched import BatchedRead
    from kotally.db.database import Database, Queries, Transaction
    from kotally.db.dedicated import Dedicated
    from kotally.db.faults import DatabaseBusy, DatabaseUnavailable
    from kotally.db.opening import opened

__all__ = [
    "BatchedRead",
    "Database",
    "DatabaseBusy",
    "DatabaseUnavailable",
    "Dedicated",
    "Queries",
    "Transaction",
    "opened",
]

_HOMES = {
    "BatchedRead": "kotally.db.batched",
    "Database": "kotally.db.database",
    "DatabaseBusy": "kotally.db.faults",
    "DatabaseUnavailable": "kotally.db.faults",
    "Dedicated": "kotally.db.dedicated",
    "Queries": "kotally.db.database",
    "Transaction": "kotally.db.database",
    "opened": "kotally.db.opening",
}


def __getattr__(name: str) -> object:
    """Import the module an exported name lives in, once."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value

"""Hold what every handler may use."""

from __future__ import annotations

from msgspec import Struct

from kotally.config import Settings
from kotally.db import Database
from kotally.ledger.writer import Writer


class Engine(Struct, frozen=True, kw_only=True):
    """Carry the running parts of one process: the database, the writer, the settings."""

    db: Database
    writer: Writer
    settings: Settings
    openapi: bytes = b"{}"

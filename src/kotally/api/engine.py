"""Hold what every handler may use."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from kotally.config import Settings
from kotally.db import Database


class Engine(Struct, frozen=True, kw_only=True):
    """Carry the running parts of one process: the database, the writer, the settings."""

    db: Database
    writer: Any
    settings: Settings
    openapi: bytes = b"{}"

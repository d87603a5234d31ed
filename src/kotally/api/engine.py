"""Hold what every handler may use."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from kotally.config import Settings
from kotally.db import BatchedRead, Database
from kotally.ledger.writer import Writer
from kotally.workspaces.refusals import Refused


class Passed(Protocol):
    """What happened on a sandbox's way through time: when, by which sweep, in words."""

    @property
    def at(self) -> datetime:
        """Be the sandbox's time."""
        ...

    @property
    def sweep(self) -> str:
        """Be the name of the sweep."""
        ...

    @property
    def line(self) -> str:
        """Be the sentence."""
        ...


# Moves a sandbox's clock through everything that is due; the worker's storey is above this one.
Travel = Callable[[Database, str, datetime], AsyncGenerator[Passed | Refused, None]]


class Engine(Struct, frozen=True, kw_only=True):
    """Carry the running parts of a process: the database, its writer and readers, the settings."""

    db: Database
    writer: Writer
    checks: BatchedRead
    summaries: BatchedRead
    settings: Settings
    openapi: bytes = b"{}"
    travel: Travel | None = None

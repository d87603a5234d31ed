"""Build the web application of one process."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from kotally.api import openapi
from kotally.api.engine import Engine
from kotally.api.routes import ROUTES
from kotally.api.site import Parts, Site
from kotally.config import Settings
from kotally.db import DatabaseUnavailable, opened
from kotally.db.migrator import check
from kotally.ledger import eligibility, sweep_log
from kotally.ledger.writer import Writer, WriterFull
from kotally.memberships import holdings
from kotally.worker.loop import Worker
from kotally.worker.travel import advance
from kotally.workspaces.authentication import Authenticator


def build(settings: Settings, *, migrate: bool = True, counts_file: Path | None = None) -> Site:
    """Build the application; with `migrate` it brings the database up to date at startup."""

    @asynccontextmanager
    async def run() -> AsyncGenerator[Parts, None]:
        async with opened(settings, migrate=migrate) as db:
            writer = Writer(db)
            await writer.start()
            worker = Worker(db, is_busy=lambda: writer.stats.waiting > 0)
            worker.start()
            document = openapi.encoded(ROUTES)
            try:
                yield Parts(
                    engine=Engine(
                        db=db,
                        writer=writer,
                        checks=eligibility.checks(db),
                        summaries=holdings.summaries(db),
                        settings=settings,
                        openapi=document,
                        travel=advance,
                    ),
                    authenticate=Authenticator(db),
                    ready=lambda: check(db.target),
                    unavailable=(DatabaseUnavailable, WriterFull),
                    sweeps=lambda: sweep_log.statuses(db),
                )
            finally:
                await worker.stop()
                await writer.stop()

    return Site(ROUTES, run, counts_file=counts_file)

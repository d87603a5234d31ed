"""`kotally work` and `kotally sweeps`: what happens by itself, and how far it is."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from kotally.cli import screen
from kotally.cli.arguments import Arguments, Commands, command
from kotally.cli.running import on_database
from kotally.cli.said import Said

if TYPE_CHECKING:
    from kotally.db import Database


def declare(commands: Commands) -> None:
    """Declare the commands."""
    command(
        commands,
        "work",
        on_database(_work),
        about="Run one more worker beside those of the servers, until Ctrl-C.",
    )
    command(commands, "sweeps", on_database(_sweeps), about="Show what the sweeps have done.")


async def _work(db: Database, arguments: Arguments) -> Said:
    import asyncio

    from kotally.worker.loop import Worker

    worker = Worker(db)
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    worker.start()
    if not getattr(arguments, "json", False):
        screen.write("Working. Ctrl-C stops.\n")
    await stop.wait()
    await worker.stop()
    return Said({"stopped": True}, ["Stopped; nothing is left half done."])


async def _sweeps(db: Database, arguments: Arguments) -> Said:
    del arguments
    import msgspec

    from kotally.ledger import sweep_log

    found = await sweep_log.statuses(db)
    lines = [
        f"{each.name}: {each.rows_done} rows, {_last(each)}, "
        + (f"{each.lag_seconds} s behind" if each.locations_due else "nothing due")
        + (f", {each.errors} errors, last: {each.last_error}" if each.errors else "")
        for each in found
    ]
    return Said(
        {"sweeps": [msgspec.to_builtins(each) for each in found]},
        lines or ["No sweep has run yet, and nothing is due."],
    )


def _last(status: object) -> str:
    ran_at = getattr(status, "ran_at", None)
    return "never ran" if ran_at is None else f"last ran {ran_at:%Y-%m-%d %H:%M:%S} UTC"

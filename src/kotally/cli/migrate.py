"""`kotally migrate`: bring the database up to date; `kotally serve` does it too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kotally.cli.arguments import Arguments, Commands, command
from kotally.cli.running import settings
from kotally.cli.said import Said

if TYPE_CHECKING:
    from kotally.db.migrator import Applied


def declare(commands: Commands) -> None:
    """Declare the command."""
    command(commands, "migrate", _run, about="Bring the database up to date.")


def _run(_: Arguments) -> Said:
    import uvloop

    applied = uvloop.run(_migrate())
    migrations, texts = len(applied.migrations), len(applied.repeatables)
    line = "The database is up to date."
    if migrations or texts:
        line = f"The database is up to date now: {migrations} migrations, {texts} texts applied."
    return Said({"migrations": applied.migrations, "repeatables": applied.repeatables}, [line])


async def _migrate() -> Applied:
    from kotally.db import migrator
    from kotally.db.opening import reached

    async with reached(settings()) as target:
        return await migrator.migrate(target)

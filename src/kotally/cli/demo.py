"""`kotally demo`: a believable studio to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kotally.cli.arguments import Arguments, Commands, command, whole
from kotally.cli.running import on_database
from kotally.cli.said import Said

if TYPE_CHECKING:
    from kotally.db import Database

SEED = 1


def declare(commands: Commands) -> None:
    """Declare the command."""
    parser = command(
        commands,
        "demo",
        on_database(_demo),
        about="Fill a believable studio, then print where to look.",
    )
    parser.add_argument(
        "--seed", metavar="N", type=whole, default=SEED, help="the same seed, the same studio (1)"
    )


async def _demo(db: Database, arguments: Arguments) -> Said:
    from kotally import demo

    return await demo.build(db, seed=arguments.seed, quiet=getattr(arguments, "json", False))

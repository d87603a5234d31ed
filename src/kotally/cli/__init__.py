"""
The command line: `kotally serve`, and everything an operator does.

A command imports what it needs when it runs, so that `kotally --help` answers at once.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run one command and return the exit code: 0 done, 1 refused or failed, 2 not understood.

    Without a command, help is shown and the code is 2: a script that lost its words must not go on.
    With `--json` exactly one JSON object is printed, also for a failure.
    """
    from kotally.cli.running import run

    return run(arguments)

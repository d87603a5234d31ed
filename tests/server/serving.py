"""Serve in a process of its own, as `kotally serve` does, for tests that stop and kill it."""

from __future__ import annotations

import sys
from pathlib import Path

from kotally.config import Settings
from kotally.server import serve


def main(data: str, processes: str) -> None:
    """Serve on a free port and print the address."""
    settings = Settings(
        data=Path(data), port=0, processes=int(processes), log_level="warning", log_format="json"
    )

    def announce(address: str) -> None:
        sys.stdout.write(address + "\n")
        sys.stdout.flush()

    serve(settings, announce)


if __name__ == "__main__":
    main(*sys.argv[1:])

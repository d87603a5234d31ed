"""
Lock files of a server that is no more.

PostgreSQL takes any living pid for itself: a zombie that nobody reaps or a pid used again would
keep it from starting for ever. We look at what the process is.
"""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

from kotally.db.embedded.layout import Layout


def clear(layout: Layout) -> bool:
    """
    Remove the lock files of dead servers; return False while one of this cluster is still alive.

    Such a one has lost its supervisor and is on its way out: it is told to hurry.
    """
    clean = True
    for path in (layout.cluster / "postmaster.pid", *layout.sockets.glob(".s.PGSQL.*.lock")):
        try:
            pid = int(path.read_text().split("\n", 1)[0])
        except FileNotFoundError:
            continue
        except ValueError:  # cut off while it was written
            path.unlink(missing_ok=True)
            continue
        if _is_server(pid, layout.cluster):
            clean = False
            _tell_to_stop(pid)
        else:
            path.unlink(missing_ok=True)
    return clean


def _is_server(pid: int, cluster: Path) -> bool:
    line = _command_line(pid)
    return b"postgres" in line and os.fsencode(cluster) in line


def _command_line(pid: int) -> bytes:
    """Return a process's command line; empty for none and for a zombie."""
    if Path("/proc/self/cmdline").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return b""
    listing = subprocess.run(
        ["/bin/ps", "-p", str(pid), "-o", "command="], capture_output=True, check=False
    )
    return listing.stdout


def _tell_to_stop(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGINT)
    except ProcessLookupError:
        return

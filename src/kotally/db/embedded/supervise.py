"""
The supervisor: `python -m kotally.db.embedded.supervise DATA [BIN]`.

Keeps one server running for as long as anybody holds the users' lock, and stops it afterwards. It
belongs to none of its users, so any of them may come, go or be killed.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from kotally.db.embedded import account, binaries, cluster, locks, place
from kotally.db.embedded.layout import EmbeddedFailure, Layout, root_of, write_whole
from kotally.db.embedded.server import Server

GRACE_S: Final = 1.0  # a next command within this time finds a warm server
POLL_STARTING_S: Final = 0.01
POLL_READY_S: Final = 0.1
LOCK_TRIES: Final = 50  # a user looks at our lock for a moment to see whether we are here
LOCK_PAUSE_S: Final = 0.01
DESCRIPTORS_MAX: Final = 65_536


def main(arguments: list[str]) -> int:
    """Supervise the server of a data directory; return at once when somebody else does."""
    if os.getpgrp() != os.getpid():
        os.setsid()  # Ctrl-C is meant for our starter
    os.closerange(3, DESCRIPTORS_MAX)  # what our starter had open is not ours to keep open
    root = root_of(Path(arguments[0]))
    chosen = Path(arguments[1]) if len(arguments) > 1 else None
    if not _take_lock(root / "supervisor.lock"):
        return 0
    watch = _Watch(root)
    (root / "address").unlink(missing_ok=True)
    (root / "failure").unlink(missing_ok=True)
    try:
        server = _prepared(root, chosen)
    except (EmbeddedFailure, OSError) as fault:
        write_whole(root / "failure", str(fault))
        _log(f"cannot prepare: {fault}")
        return 1
    while not watch.over():
        server.tend()
        _tell_failure(root, server.failure())
        time.sleep(POLL_READY_S if server.ready else POLL_STARTING_S)
    server.stop()
    return 0


class _Watch:
    """Knows when the last user has gone."""

    def __init__(self, root: Path) -> None:
        self._users: int = locks.open_lock(root / "users.lock")
        self._free_since: float | None = None
        self._hurry: bool = False
        # Whoever stops a whole group of processes stops our users too; their leaving ends us.
        signal.signal(signal.SIGTERM, self._be_quick)
        for ignored in (signal.SIGINT, signal.SIGHUP):
            signal.signal(ignored, signal.SIG_IGN)

    def over(self) -> bool:
        """Return whether nobody has used the server for a while; then nobody can begin to."""
        if not locks.try_alone(self._users):
            self._free_since = None
            return False
        now = time.monotonic()
        self._free_since = now if self._free_since is None else self._free_since
        if self._hurry or now - self._free_since >= GRACE_S:
            return True  # the lock stays ours until we end: a newcomer waits for a clean start
        locks.release(self._users)
        return False

    def _be_quick(self, _signal: int, _frame: object) -> None:
        self._hurry = True


def _prepared(root: Path, chosen: Path | None) -> Server:
    user = account.choose(root, place.current(root) / "server")
    layout: Layout = place.settle(root, user)
    programs = binaries.reachable(binaries.find(chosen), account=user, place=layout.place)
    cluster.ensure(layout, account=user, programs=programs)
    write_whole(root / "address", str(layout.sockets))
    return Server(layout, account=user, programs=programs, log=_log)


def _take_lock(path: Path) -> bool:
    descriptor = locks.open_lock(path)
    for _ in range(LOCK_TRIES):
        if locks.try_alone(descriptor):
            os.ftruncate(descriptor, 0)
            os.write(descriptor, f"{os.getpid()}\n".encode())  # for people; the lock is the proof
            return True
        time.sleep(LOCK_PAUSE_S)
    return False


def _tell_failure(root: Path, failure: str | None) -> None:
    path = root / "failure"
    with suppress(OSError):  # a full disk must not end the supervisor as well
        if failure is None:
            path.unlink(missing_ok=True)
        elif not path.exists():
            write_whole(path, failure)


def _log(line: str) -> None:
    moment = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
    with suppress(OSError):
        os.write(2, f"{moment} UTC supervisor {os.getpid()}: {line}\n".encode())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

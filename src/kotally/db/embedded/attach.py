"""Using the embedded server: hold the users' lock, and see that a supervisor is there."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from kotally.core.clock import monotonic_ns
from kotally.db.embedded import locks
from kotally.db.embedded.layout import EmbeddedFailure, root_of
from kotally.db.embedded.probe import accepts_logins

START_TIMEOUT_S: Final = 600  # longer than any crash recovery we expect
POLL_S: Final = 0.01
REVIVE_PAUSE_S: Final = 1
SPAWNS_MAX: Final = 20  # supervisors that end without a word, before we stop trying
_NS_PER_S: Final = 1_000_000_000


@asynccontextmanager
async def attached(
    directory: Path, *, pg_bin: Path | None = None
) -> AsyncGenerator[Attachment, None]:
    """Hold on to the embedded server of a data directory; it runs as long as anybody does."""
    attachment = Attachment(directory, pg_bin)
    try:
        await attachment.begin()
        yield attachment
    finally:
        attachment.end()


class Attachment:
    """One process's hold on the server."""

    def __init__(self, directory: Path, pg_bin: Path | None) -> None:
        self._data: Path = directory
        self._pg_bin: Path | None = pg_bin
        self._root: Path = root_of(directory)
        self._users: int | None = None
        self._revived_at: int = 0
        self._supervisor: int | None = None  # the one we started, to reap it when it ends

    @property
    def sockets(self) -> Path:
        """The directory of the server's socket."""
        return Path((self._root / "address").read_text())

    @property
    def password(self) -> str:
        """The password of the server's one login."""
        return (self._root / "password").read_text()

    async def begin(self) -> None:
        """Take the users' lock and wait until the server accepts logins."""
        users = self._users = self._open_users_lock()
        deadline = monotonic_ns() + START_TIMEOUT_S * _NS_PER_S
        while not locks.try_shared(users):  # a supervisor is stopping the server
            await _pause(deadline)
        spawns = 0
        while not self._answers():
            if spawns:
                self._raise_failure()
            if spawns > SPAWNS_MAX:
                log = self._root / "supervisor.log"
                raise EmbeddedFailure(f"The supervisor ends at once; {log} may say why.")
            if self._ensure_supervisor():
                spawns += 1
            else:
                self._raise_failure()
            await _pause(deadline)

    async def revive(self) -> None:
        """See that a supervisor is there after a connection failed; waits for nothing."""
        now = monotonic_ns()
        if now - self._revived_at < REVIVE_PAUSE_S * _NS_PER_S:
            return
        self._revived_at = now
        with suppress(OSError):  # a data directory that is gone: the next call tries again
            self._ensure_supervisor()

    def end(self) -> None:
        """Let go; the last one to do so ends the server."""
        if self._users is not None:
            os.close(self._users)
            self._users = None
        self._reap()

    def _open_users_lock(self) -> int:
        try:
            self._data.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._root.mkdir(mode=0o700, exist_ok=True)
            if os.geteuid() == 0:
                owner = self._data.stat()
                os.chown(self._root, owner.st_uid, owner.st_gid)
            return locks.open_lock(self._root / "users.lock")
        except PermissionError as fault:
            raise EmbeddedFailure(
                f"{fault.filename or self._data} belongs to another user. Run Kotally as that "
                "user, or choose another directory in KOTALLY_DATA."
            ) from fault
        except OSError as fault:
            raise EmbeddedFailure(
                f"The data directory {self._data} cannot be made: {fault.strerror}. "
                "Choose another directory in KOTALLY_DATA."
            ) from fault

    def _answers(self) -> bool:
        try:
            return accepts_logins(self.sockets)
        except FileNotFoundError:
            return False

    def _raise_failure(self) -> None:
        try:
            raise EmbeddedFailure((self._root / "failure").read_text())
        except FileNotFoundError:
            return

    def _ensure_supervisor(self) -> bool:
        """Start a supervisor when there is none; return whether one was started."""
        self._reap()
        lock = locks.open_lock(self._root / "supervisor.lock")
        try:
            if self._supervisor is not None or not locks.try_shared(lock):
                return False
            # Nobody can write these while we hold the lock, so what is there is from the past.
            for left in ("address", "failure"):
                (self._root / left).unlink(missing_ok=True)
        finally:
            os.close(lock)
        self._supervisor = self._spawn()
        return True

    def _spawn(self) -> int:
        source = Path(__file__).parents[3]
        command = [sys.executable, "-P", "-m", "kotally.db.embedded.supervise", str(self._data)]
        if self._pg_bin is not None:
            command.append(str(self._pg_bin))
        log = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
        return os.posix_spawn(
            sys.executable,
            command,
            {"PYTHONPATH": str(source), "PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(self._root / "supervisor.log"), log, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
        )

    def _reap(self) -> None:
        if self._supervisor is None:
            return
        try:
            pid, _status = os.waitpid(self._supervisor, os.WNOHANG)
        except ChildProcessError:  # somebody reaped it for us
            pid = self._supervisor
        if pid != 0:
            self._supervisor = None


async def _pause(deadline: int) -> None:
    if monotonic_ns() > deadline:
        raise EmbeddedFailure(f"PostgreSQL was not ready within {START_TIMEOUT_S} s.")
    await asyncio.sleep(POLL_S)

"""The server itself, as a direct child: started, watched, started again, stopped."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from kotally.db.embedded import stale
from kotally.db.embedded.account import ENVIRONMENT, Account
from kotally.db.embedded.layout import Layout
from kotally.db.embedded.probe import accepts_logins

BACKOFF_MIN_S: Final = 0.05
BACKOFF_MAX_S: Final = 1.0
STEADY_AFTER_S: Final = 10  # a server that lived this long is restarted without a pause
FAILURE_AFTER_S: Final = 4  # so long it may fail to start before those who wait are told
STOP_STEPS: Final = ((signal.SIGINT, 60), (signal.SIGQUIT, 10), (signal.SIGKILL, 10))
LOG_MAX_BYTES: Final = 10_000_000
LOG_TAIL_BYTES: Final = 1_500
PR_SET_PDEATHSIG: Final = 1


class Server:
    """A PostgreSQL server of one cluster."""

    def __init__(
        self, layout: Layout, *, account: Account | None, programs: Path, log: Callable[[str], None]
    ) -> None:
        self._layout: Layout = layout
        self._account: Account | None = account
        self._programs: Path = programs
        self._log: Callable[[str], None] = log
        self._child: subprocess.Popen[bytes] | None = None
        self._started_at: float = 0
        self._next_start: float = 0
        self._pause_s: float = BACKOFF_MIN_S
        self._failing_since: float | None = None
        self.ready: bool = False

    def tend(self) -> None:
        """Look after the server once: start it when it is not there, note when it is ready."""
        if self._child is None:
            self._start_when_due()
        elif self._child.poll() is not None:
            self._note_death(self._child.returncode)
        elif not self.ready and accepts_logins(self._layout.sockets):
            self.ready = True
            self._failing_since = None

    def failure(self) -> str | None:
        """Return why the server does not start, once it has failed for a while."""
        since = self._failing_since
        if since is None or time.monotonic() - since < FAILURE_AFTER_S:
            return None
        return f"PostgreSQL does not start. The end of {self._log_path}:\n{self._log_tail()}"

    def stop(self) -> None:
        """Stop the server: fast at first, harder when it does not listen."""
        if self._child is None:
            return
        for how, seconds in STOP_STEPS:
            self._child.send_signal(how)
            try:
                self._child.wait(seconds)
            except subprocess.TimeoutExpired:
                self._log(f"the server did not stop within {seconds} s of {how.name}")
            else:
                break
        self._child = None

    def _start_when_due(self) -> None:
        now = time.monotonic()
        if now < self._next_start:
            return
        if not stale.clear(self._layout):
            self._next_start = now + BACKOFF_MIN_S
            return
        self._started_at = now
        try:
            self._child = self._spawn()
        except OSError as fault:
            self._log(f"cannot start the server: {fault}")
            self._note_death(-1)

    def _note_death(self, status: int) -> None:
        now = time.monotonic()
        self._log(f"the server ended with status {status}")
        if self.ready and now - self._started_at > STEADY_AFTER_S:
            self._pause_s = BACKOFF_MIN_S
        if not self.ready and self._failing_since is None:
            self._failing_since = self._started_at
        self._next_start = now + self._pause_s
        self._pause_s = min(self._pause_s * 2, BACKOFF_MAX_S)
        self._child, self.ready = None, False

    def _spawn(self) -> subprocess.Popen[bytes]:
        layout = self._layout
        must = {
            "listen_addresses": "",
            "port": "5432",
            "unix_socket_directories": str(layout.sockets),
            "unix_socket_permissions": "0700",
            "logging_collector": "off",
            "log_destination": "stderr",
        }
        arguments = [part for name, value in must.items() for part in ("-c", f"{name}={value}")]
        self._turn_log()
        with self._log_path.open("ab") as log:
            return subprocess.Popen(
                [str(self._programs / "postgres"), "-D", str(layout.cluster), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=ENVIRONMENT,
                cwd="/",
                start_new_session=True,
                preexec_fn=self._before_exec(),  # noqa: PLW1509 - the supervisor has one thread
            )

    def _before_exec(self) -> Callable[[], None]:
        account, parent = self._account, os.getpid()
        libc = ctypes.CDLL(None) if sys.platform == "linux" else None

        def prepare() -> None:
            if account is not None:
                account.become()
            if libc is not None:
                # After setuid, which clears it: a fast shutdown when the supervisor dies.
                libc.prctl(PR_SET_PDEATHSIG, signal.SIGINT)
            if os.getppid() != parent:  # it died before the line above
                os._exit(1)

        return prepare

    @property
    def _log_path(self) -> Path:
        return self._layout.root / "server.log"

    def _turn_log(self) -> None:
        path = self._log_path
        if path.exists() and path.stat().st_size > LOG_MAX_BYTES:
            path.replace(path.with_suffix(".log.1"))

    def _log_tail(self) -> str:
        with self._log_path.open("rb") as log:
            log.seek(max(0, self._log_path.stat().st_size - LOG_TAIL_BYTES))
            return log.read().decode(errors="replace").strip()

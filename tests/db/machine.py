"""The stage of the embedded server's tests: a data directory, and processes that use it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

ACTORS = Path(__file__).with_name("actors.py")
WAIT_S = 30


def kill_hard(pid: int) -> None:
    """Kill a process that may just have ended by itself."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def command_of(process: psutil.Process) -> str:
    """Return a command line; empty for one that ended between being listed and being asked."""
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


class Actor:
    """One process; its words are in a file, because a pipe holds back the last of them."""

    def __init__(self, directory: Path, act: str, seconds: float) -> None:
        # Read by position: the offset of the file is the child's.
        self._out = tempfile.TemporaryFile("ab+")  # noqa: SIM115 - lives as long as the actor
        self.process = subprocess.Popen(
            [sys.executable, str(ACTORS), act, str(directory), str(seconds)],
            stdout=self._out,
            stderr=self._out,
            start_new_session=True,
        )

    def _text(self) -> str:
        size = os.fstat(self._out.fileno()).st_size
        return os.pread(self._out.fileno(), size, 0).decode()

    def words(self) -> list[str]:
        """Return every line it said so far."""
        return self._text().splitlines()

    def acknowledged(self) -> int:
        """Return the last number it was sure of."""
        whole = self._text().rpartition("\n")[0]  # the last line may be cut off
        return max((int(line) for line in whole.splitlines() if line.isdecimal()), default=0)

    def wait_for(self, said: Callable[[list[str]], bool]) -> None:
        """Wait until it said what we wait for."""
        deadline = time.monotonic() + WAIT_S
        while not said(self.words()):
            assert self.process.poll() is None, "\n".join(self.words()[-6:])
            assert time.monotonic() < deadline, self.words()[-5:]
            time.sleep(0.01)

    def ended(self) -> list[str]:
        """Wait for its end and return every line it said."""
        self.process.wait(WAIT_S)
        return self.words()

    def end(self) -> None:
        """Kill it and forget its words."""
        self.process.kill()
        self.process.wait()
        self._out.close()


class Machine:
    """A data directory and the processes around it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.root = directory / "postgres"
        self._actors: list[Actor] = []

    def start(self, act: str, seconds: float = 0) -> Actor:
        """Start an actor."""
        self._actors.append(Actor(self.directory, act, seconds))
        return self._actors[-1]

    def beside(self, directory: Path) -> Machine:
        """Give another data directory, whose processes end with ours."""
        other = Machine(directory)
        other._actors = self._actors
        return other

    def server(self) -> int:
        """Return the pid of the postmaster."""
        return int((self.root / "server" / "cluster" / "postmaster.pid").read_text().split()[0])

    def supervisor(self) -> int:
        """Return the pid of the supervisor."""
        return int((self.root / "supervisor.lock").read_text())

    def living(self) -> list[psutil.Process]:
        """Return every server and supervisor of this data directory."""
        found: list[psutil.Process] = []
        for process in psutil.process_iter(["cmdline", "status"]):
            line = process.info["cmdline"] or []
            ours = any(str(self.directory) in part for part in line) and str(ACTORS) not in line
            if ours and process.info["status"] != psutil.STATUS_ZOMBIE:
                found.append(process)
        return found

    def stop(self) -> None:
        """End the supervisor without its pause, now that nobody will come."""
        with suppress(ProcessLookupError):
            os.kill(self.supervisor(), signal.SIGTERM)
        self.wait_until_alone()

    def wait_until_alone(self) -> None:
        """Wait until no server and no supervisor is left."""
        deadline = time.monotonic() + WAIT_S
        while self.living():
            assert time.monotonic() < deadline, self.living()
            time.sleep(0.05)

    def end(self) -> None:
        """Kill what a failed test left and remove the directory."""
        for actor in self._actors:
            actor.end()
        for process in self.living():
            process.kill()
        shutil.rmtree(self.directory, ignore_errors=True)


def empty_directory() -> Path:
    """Make a directory that the server's user can reach, which pytest's own is not."""
    return Path(tempfile.mkdtemp(prefix="kotally-crash-"))

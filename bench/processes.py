"""Start the servers that are measured, ask the system what they use, and stop them by pid."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.error import URLError
from urllib.request import urlopen

import psutil
from msgspec import Struct

READY_S: Final = 60
STOP_S: Final = 40
POLL_S: Final = 0.005


class NotStarted(Exception):
    """The server did not answer; the message holds the end of its log."""


class Used(Struct, frozen=True):
    """Processor time used so far, in microseconds: by the web processes and by PostgreSQL."""

    web: int
    postgres: int

    def since(self, before: Used) -> Used:
        """Return what was used since an earlier look."""
        return Used(self.web - before.web, self.postgres - before.postgres)


class Server:
    """A running `kotally serve`."""

    def __init__(self, process: subprocess.Popen[bytes], *, data: Path, port: int) -> None:
        self.address: str = f"http://127.0.0.1:{port}"
        self._process: subprocess.Popen[bytes] = process
        self._data: Path = data

    def used(self) -> Used:
        """Return the processor time used by the web processes and by the database."""
        return Used(_cpu(self._family()), _cpu(postgres_of(self._data)))

    def resident(self) -> int:
        """Return the resident memory of the largest web process, in bytes."""
        return max(process.memory_info().rss for process in self._family())

    def _family(self) -> list[psutil.Process]:
        """List the web processes; the database's supervisor is a child of the first one too."""
        first = psutil.Process(self._process.pid)
        children = [child for child in first.children() if "spawn_main" in _command(child)]
        return [first, *children]


@contextmanager
def serving(data: Path, *, processes: int = 1) -> Generator[Server, None, None]:
    """Serve a data directory on a free port until the block ends."""
    port = _free_port()
    with (data / "serve.log").open("ab") as log:
        process = _start(data, port, processes=processes, log=log.fileno())
    try:
        await_ok(process, port, log=data / "serve.log")
        yield Server(process, data=data, port=port)
    finally:
        stop(process)


def first_answer(data: Path) -> int:
    """Start `kotally serve` on a directory; return the microseconds until the first 200."""
    port, log = _free_port(), data / "serve.log"
    before = time.perf_counter_ns()
    with log.open("ab") as file:
        process = _start(data, port, processes=1, log=file.fileno())
    try:
        await_ok(process, port, log=log)
        return (time.perf_counter_ns() - before) // 1_000
    finally:
        stop(process)
        await_stopped(data)


def await_ok(process: subprocess.Popen[bytes], port: int, *, log: Path) -> None:
    """Wait for the first 200 of the server, or raise NotStarted."""
    for _ in range(int(READY_S / POLL_S)):
        if process.poll() is not None:
            break
        try:
            with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
                if answer.status == 200:
                    return
        except (URLError, OSError):
            time.sleep(POLL_S)
    raise NotStarted(f"kotally serve does not answer:\n{log.read_text()[-2_000:]}")


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ask a process of ours to finish; end it when it does not."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def await_stopped(data: Path) -> None:
    """Wait until no database runs on the directory any more."""
    for _ in range(STOP_S * 20):
        if not postgres_of(data):
            return
        time.sleep(0.05)


def postgres_of(data: Path) -> list[psutil.Process]:
    """Return the server processes of a data directory's cluster."""
    for process in psutil.process_iter(["cmdline"]):
        words: list[str] = process.info["cmdline"] or []
        if any(word.startswith(str(data)) for word in words) and "-D" in words:
            return [process, *process.children(recursive=True)]
    return []


def anonymous(process: psutil.Process) -> int:
    """Return the memory in bytes that is a process's own: not the cache that all of them share."""
    for line in Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss_Anon:"):
            return int(line.split()[1]) * 1_024
    return 0


def _start(data: Path, port: int, *, processes: int, log: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "kotally", "serve", "--data", str(data), "--port", str(port)]
    # The command's own settings only: what the shell has set for a server of its own is not ours.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("KOTALLY_")}
    return subprocess.Popen(
        [*command, "--processes", str(processes)], stdout=log, stderr=log, env=environment
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:  # it ended between being listed and being asked
        return ""


def _cpu(processes: list[psutil.Process]) -> int:
    total = 0
    for process in processes:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += round((times.user + times.system) * 1_000_000)
    return total

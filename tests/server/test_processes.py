"""The server as processes: start, stop, die, be restarted, leave nothing behind."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import psutil
import pytest

from kotally.server import PortTaken
from kotally.server.process import listening, url
from tests.db.machine import command_of

WAIT_S = 60
Start = Callable[[int], "Running"]


class Running:
    """A server process and its address."""

    def __init__(self, data: Path, processes: int) -> None:
        self.popen = subprocess.Popen(
            [sys.executable, "-m", "tests.server.serving", str(data), str(processes)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.popen.stdout is not None
        self.address = self.popen.stdout.readline().strip()
        assert self.address, self.popen.communicate()[1]

    def get(self, path: str) -> httpx2.Response:
        return httpx2.get(self.address + path, timeout=10)

    def children(self) -> list[psutil.Process]:
        """List the web processes; the tracker and the database's supervisor are others."""
        return [
            child
            for child in psutil.Process(self.popen.pid).children()
            if "spawn_main" in command_of(child)
        ]

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.popen.send_signal(number)
        return self.popen.wait(WAIT_S)


@pytest.fixture
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    data = tmp_path_factory.getbasetemp().parent / f"serve-{time.monotonic_ns()}"
    running: list[Running] = []

    def begin(processes: int) -> Running:
        running.append(Running(data, processes))
        return running[-1]

    yield begin
    for server in running:
        if server.popen.poll() is None:
            server.stop()
        server.popen.communicate()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_one_process_serves_and_ends_in_order(start: Start, number: signal.Signals) -> None:
    server = start(1)

    assert server.get("/readyz").json() == {"ready": True}
    assert server.get("/api/v2/reasons").json()["ok"] is True
    assert server.stop(number) == 0


@pytest.mark.slow
@pytest.mark.crash
def test_a_killed_child_is_replaced_and_all_end_together(start: Start) -> None:
    server = start(2)
    until(lambda: len(server.children()) == 2)
    victim = server.children()[0]
    victim.kill()

    until(lambda: len({child.pid for child in server.children()} - {victim.pid}) == 2)
    until(lambda: server.get("/readyz").status_code == 200)
    children = server.children()
    assert server.stop() == 0
    assert not any(child.is_running() for child in children)


@pytest.mark.slow
@pytest.mark.crash
def test_children_end_when_their_parent_is_killed(start: Start) -> None:
    server = start(2)
    until(lambda: len(server.children()) == 2)
    children = server.children()
    server.popen.kill()
    server.popen.wait()

    until(lambda: not any(child.is_running() for child in children))


def test_a_taken_port_is_told_in_one_sentence() -> None:
    with listening("127.0.0.1", 0) as first:
        first.listen()
        port = first.getsockname()[1]
        with (
            pytest.raises(PortTaken, match=f"Cannot listen on 127.0.0.1:{port}: "),
            listening("127.0.0.1", port),
        ):
            pass


@pytest.mark.parametrize(
    ("host", "shown"),
    [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("::1", "[::1]")],  # noqa: S104 - only shown and bound for a moment
)
def test_the_address_is_one_that_can_be_typed(host: str, shown: str) -> None:
    if ":" in host and not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    with listening(host, 0) as listener:
        assert url(host, listener) == f"http://{shown}:{listener.getsockname()[1]}"


def until(true: Callable[[], bool]) -> None:
    """Wait until it is so."""
    deadline = time.monotonic() + WAIT_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)

"""The lines that the README asks a newcomer to type."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

ROOT = Path(__file__).parents[2]
START_S_MAX = 60
RUN_S_MAX = 60


@pytest.fixture
def serving(data_directory: Path) -> Iterator[dict[str, str]]:
    """Serve as `make serve` does; gives the environment in which to type."""
    port = _free_port()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("KOTALLY_")},
        "KOTALLY_DATA": str(data_directory),
        "KOTALLY_PORT": str(port),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    server = subprocess.Popen(
        [sys.executable, "-m", "kotally", "serve"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_until_ready(f"http://127.0.0.1:{port}/readyz")
        yield environment
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=START_S_MAX)


def test_the_quickstart_runs_as_it_stands(serving: dict[str, str]) -> None:
    """A newcomer who copies the block from the README sees each step answered as the text says."""
    done = subprocess.run(
        ["bash", "-euc", _block()],
        cwd=ROOT,
        env=serving,
        capture_output=True,
        text=True,
        timeout=RUN_S_MAX,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    answers = [
        msgspec.json.decode(line) for line in done.stdout.splitlines() if line[:5] == '{"ok"'
    ]
    assert [answer["reason_code"] for answer in answers] == [
        "grant_applied",
        "eligible",
        "deducted",
        "deducted",
        "restored",
        "deducted",
        "CANCELLATION_WINDOW_EXPIRED",
        "summary_loaded",
        "ledger_loaded",
        "timeline_loaded",
    ]
    assert answers[2] == answers[3]
    assert answers[7]["summary"]["credits_available"] == 9
    assert [entry["type"] for entry in answers[8]["entries"]] == [
        "deduct",
        "restore",
        "deduct",
        "grant",
    ]
    assert "The books are right." in done.stdout
    assert re.search(r"^\d{4}-\d\d-\d\d balance ", done.stdout, re.MULTILINE)


def _block() -> str:
    readme = (ROOT / "README.md").read_text()
    found = re.search(r"quickstart: begin -->\n```bash\n(.*?)```", readme, re.DOTALL)
    assert found is not None
    return found[1]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_until_ready(url: str) -> None:
    deadline = time.monotonic() + START_S_MAX
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=1):  # noqa: S310 - a server of this test
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise TimeoutError(url)

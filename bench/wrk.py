"""Drive load with wrk and read what it says."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path
from typing import Final, Literal

import msgspec
from msgspec import Struct

SCRIPT: Final = Path(__file__).with_name("load.lua")
CONNECTIONS: Final = 64
GRACE_S: Final = 30
MISSING: Final = (
    "wrk is not installed. On Debian or Ubuntu: apt-get install wrk; on macOS: brew install wrk."
)

Kind = Literal["deduct", "batch", "check", "summary"]


class WrkFailed(Exception):
    """The load could not be driven; the message says why."""


class Load(Struct, frozen=True, kw_only=True):
    """What is sent: a kind of request, about one contact or about many of one name."""

    kind: Kind
    location: str
    name: str
    contacts: int = 1
    per_request: int = 1
    connections: int = CONNECTIONS


class Result(Struct, frozen=True, kw_only=True):
    """What came of a load; times in microseconds."""

    requests: int
    micros: int
    p50: int
    p99: int
    most: int
    failed: int

    def per_second(self, per_request: int = 1) -> float:
        """Return the operations done in a second."""
        return self.requests * per_request * 1_000_000 / self.micros


def demand() -> None:
    """Raise WrkFailed unless wrk is there."""
    if shutil.which("wrk") is None:
        raise WrkFailed(MISSING)


def drive(address: str, token: str, load: Load, *, seconds: int) -> Result:
    """Send a load for so many seconds over connections that stay open."""
    seed = str(time.time_ns())
    arguments = [load.kind, token, load.location, load.name, str(load.contacts), seed]
    command = ["wrk", "-t1", f"-c{load.connections}", f"-d{seconds}s", "--timeout", "10s"]
    command += ["-s", str(SCRIPT), address, "--", *arguments, str(load.per_request)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=seconds + GRACE_S
    )
    line = next((line for line in done.stdout.splitlines() if line.startswith("RESULT ")), None)
    if done.returncode != 0 or line is None:
        raise WrkFailed(f"wrk ended with {done.returncode}: {done.stdout}{done.stderr}")
    return msgspec.json.decode(line.removeprefix("RESULT "), type=Result)

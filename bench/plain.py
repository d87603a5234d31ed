"""
The base of the ratios: the kernel's function, one act a transaction, by plain connections.

Run in a process of its own, so that it has a core as the web process has:
`python -m bench.plain DATA LOCATION NAME CONTACTS SECONDS` prints one line of JSON.
"""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

import asyncpg
import msgspec
import uvloop

from bench.fill import deduction
from bench.wrk import Result
from kotally.config import Settings
from kotally.core.ids import new_id
from kotally.db.connections import connect
from kotally.db.opening import reached

CONNECTIONS: Final = 16
APPLY: Final = "select code from kotally.apply($1, $2::kotally.act[])"


def drive(data: Path, location: str, *, name: str, contacts: int, seconds: int) -> Result:
    """Run the base in its own process and return what it did."""
    arguments = [str(data), location, name, str(contacts), str(seconds)]
    done = subprocess.run(
        [sys.executable, "-m", "bench.plain", *arguments],
        capture_output=True,
        text=True,
        check=True,
        timeout=seconds + 60,
    )
    return msgspec.json.decode(done.stdout, type=Result)


async def measure(data: Path, location: str, *, name: str, contacts: int, seconds: int) -> Result:
    """Deduct over sixteen connections for so long."""
    micros: list[int] = []
    async with reached(Settings(data=data)) as target:
        lines = [await connect(target) for _ in range(CONNECTIONS)]
        started = time.perf_counter_ns()
        until = started + seconds * 1_000_000_000
        callers = [
            _deduct(line, location, name=name, contacts=contacts, until=until, micros=micros)
            for line in lines
        ]
        await asyncio.gather(*callers)
        took = time.perf_counter_ns() - started
        for line in lines:
            await line.close()
    micros.sort()
    count = len(micros)
    return Result(
        requests=count,
        micros=took // 1_000,
        p50=micros[count // 2],
        p99=micros[count * 99 // 100],
        most=micros[-1],
        failed=0,
    )


async def _deduct(
    line: asyncpg.Connection,
    location: str,
    *,
    name: str,
    contacts: int,
    until: int,
    micros: list[int],
) -> None:
    statement = await line.prepare(APPLY)
    while (before := time.perf_counter_ns()) < until:
        contact = name if contacts == 1 else f"{name}{random.randrange(contacts)}"
        made: Any = deduction(location, contact, f"base-{new_id()}")
        code = await statement.fetchval(location, [msgspec.structs.astuple(made)])
        assert code == "deducted", code
        micros.append((time.perf_counter_ns() - before) // 1_000)


def main() -> None:
    """Measure as the arguments say."""
    data, location, name, contacts, seconds = sys.argv[1:]
    result = uvloop.run(
        measure(Path(data), location, name=name, contacts=int(contacts), seconds=int(seconds))
    )
    print(msgspec.json.encode(result).decode())


if __name__ == "__main__":
    main()

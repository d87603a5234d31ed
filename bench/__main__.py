"""
`make bench`: measure against the targets, and prove the books.

It makes its own data directory, database and servers, and stops them all. A figure counts only when
the books prove after the load. `--seconds` shortens or lengthens each load; `--only` names the
parts to run.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from bench import fill, rows, sweeps, wrk
from bench.processes import first_answer, serving
from bench.rows import Bench, Row
from kotally.config import Settings
from kotally.db import opened
from kotally.ledger import proofs

PARTS: Final = ("start", "deducts", "reads", "memory", "sweeps")
SECONDS: Final = 5
HISTORY: Final = 50  # postings for each of 20 000 members: a million in the location
DEEP_HISTORY: Final = 10_000
SHORT_HISTORY: Final = 5


def main() -> int:
    """Run the parts asked for and print the table; 1 when a proof fails."""
    arguments = _arguments()
    wrk.demand()
    data = Path(tempfile.mkdtemp(prefix="kotally-bench-"))
    data.chmod(0o755)
    try:
        return _run(data, arguments.only or list(PARTS), seconds=arguments.seconds)
    finally:
        shutil.rmtree(data, ignore_errors=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--seconds", type=int, default=SECONDS, help="length of each load")
    parser.add_argument("--only", action="append", choices=PARTS, help="run only this part")
    return parser.parse_args()


def _run(data: Path, parts: list[str], *, seconds: int) -> int:
    found: list[Row] = []
    if "start" in parts:
        found += rows.starts(lambda: first_answer(data))
        _print(found)
    loads = [part for part in ("deducts", "reads", "memory") if part in parts]
    proved = True
    if loads:
        _say("filling: 20 000 members, 1 000 000 postings …")
        big, empty = asyncio.run(_fill(data))
        with serving(data) as server:
            bench = Bench(server=server, data=data, big=big, empty=empty, seconds=seconds)
            for part in loads:
                fresh: list[Row] = getattr(rows, part)(bench)
                _print(fresh)
        proved = asyncio.run(_prove(data))
    if "sweeps" in parts:
        _print(sweeps.beside(data, seconds=seconds))
        _print(asyncio.run(sweeps.measure(data)))
        proved = asyncio.run(_prove(data)) and proved
    return 0 if proved else 1


async def _fill(data: Path) -> tuple[fill.Studio, fill.Studio]:
    settings = Settings(data=data)
    async with opened(settings) as db, opened(settings, role=None) as owner:
        workspace_id = await fill.workspace(db)
        big = await fill.studio(db, "loc_big", workspace_id=workspace_id)
        empty = await fill.studio(db, "loc_empty", workspace_id=workspace_id)
        ids = await fill.members(owner, big.location_id, rows.MEMBERS)
        await fill.settle(owner)
        await fill.history(owner, big.location_id, ids, each=HISTORY)
        for name in ("hot", fill.DEEP):
            await fill.members(owner, big.location_id, 1, name=name)
        await fill.members(owner, empty.location_id, 1)
        await fill.settle(owner)
        # Enough for its lists to be as long as those of the other: the answers have one size.
        await fill.deductions(db, empty.location_id, "m", count=SHORT_HISTORY)
        await fill.deductions(db, big.location_id, fill.DEEP, count=DEEP_HISTORY)
        await fill.settle(owner)
    return big, empty


async def _prove(data: Path) -> bool:
    """Derive every figure anew; without this the table is void."""
    async with opened(Settings(data=data)) as db:
        proof = await proofs.prove(db)
    counted = ", ".join(f"{count} {what}" for what, count in proof.checked.items())
    _say(f"proved: {counted}" if proof.ok else f"VOID, the books differ: {proof.differences[:3]}")
    return proof.ok


def _print(found: Iterable[Row]) -> None:
    for row in found:
        base = f" | {row.base}" if row.base else ""
        ratio = f" | ratio {row.ratio}" if row.ratio else ""
        verdict = "met" if row.met else "NOT MET"
        _say(f"{row.what:62} {row.figure}{base}{ratio} | limit {row.limit} | {verdict}")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

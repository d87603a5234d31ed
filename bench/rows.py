"""The rows of the table: what is measured, against which base, and where the limit is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Final

from msgspec import Struct

from bench import plain
from bench.fill import DEEP, Studio
from bench.processes import Server
from bench.wrk import CONNECTIONS, Kind, Load, Result, drive

RUNS: Final = 3
MEMBERS: Final = 20_000
BATCH: Final = 100
BATCH_CONNECTIONS: Final = 16  # so that all their acts find room in the writer's queue
PGLEDGER: Final = 3_440  # deducts a second, its best on this kind of machine (design, ledger 8)
MEMORY_REQUESTS: Final = 100_000
MIB: Final = 1_048_576


class Row(Struct, frozen=True, kw_only=True):
    """One line of the table; `verdict` compares the figure with the limit as it was measured."""

    what: str
    figure: str
    base: str
    ratio: str
    limit: str
    met: bool


class Bench(Struct, frozen=True, kw_only=True):
    """What the loads run against: a filled location, an empty one, and one server."""

    server: Server
    data: Path
    big: Studio
    empty: Studio
    seconds: int


def deducts(bench: Bench) -> list[Row]:
    """Measure deductions spread over the members and on one member, against plain connections."""
    bases, spreads, hots = list[Result](), list[Result](), list[Result]()
    # In turn, so that a slow minute of the machine is slow for all of them.
    for _ in range(RUNS):
        bases.append(
            plain.drive(
                bench.data, bench.big.location_id, name="m", contacts=MEMBERS, seconds=bench.seconds
            )
        )
        spreads.append(_load(bench, "deduct", contacts=MEMBERS))
        hots.append(_load(bench, "deduct", name="hot"))
    base, spread, hot = _rate(bases), _rate(spreads), _rate(hots)
    p99 = _p99(spreads)
    return [
        Row(
            what="deducts/s over HTTP, 64 connections, 20 000 members",
            figure=_spread(spreads),
            base=f"{_spread(bases)} plain, 16 connections",
            ratio=f"{spread / base:.2f}",
            limit="≥ 1.3",
            met=spread / base >= 1.3,
        ),
        _latency("  its p99", p99),
        Row(
            what="the same, all on one member",
            figure=_spread(hots),
            base=f"{spread:.0f} spread",
            ratio=f"{hot / spread:.2f}",
            limit="≥ 0.8",
            met=hot / spread >= 0.8,
        ),
        Row(
            what="deducts/s against pgledger's measured best",
            figure=f"{spread:.0f}",
            base=str(PGLEDGER),
            ratio=f"{spread / PGLEDGER:.2f}",
            limit="≥ 2.5",
            met=spread / PGLEDGER >= 2.5,
        ),
        _batches(bench, base),
    ]


def reads(bench: Bench) -> list[Row]:
    """Measure checks and summaries in a location of a million postings, and in an empty one."""
    kinds: tuple[tuple[Kind, str], ...] = (
        ("check", "check-eligibility/s"),
        ("summary", "summary/s"),
    )
    return [row for kind, what in kinds for row in _read(bench, kind, what)]


def memory(bench: Bench) -> list[Row]:
    """Measure the web process before and after a hundred thousand requests."""
    before, sent = bench.server.resident(), 0
    half = before
    while sent < MEMORY_REQUESTS:
        sent += _load(bench, "check", contacts=MEMBERS).requests
        half = bench.server.resident() if sent < MEMORY_REQUESTS / 2 else half
    after = bench.server.resident()
    return [
        Row(
            what=f"resident memory of the web process after {sent} more requests",
            figure=f"{after / MIB:.0f} MiB",
            base=f"{before / MIB:.0f} before, {half / MIB:.0f} half way",
            ratio=f"{after / before:.2f}",
            limit="≤ 150 MB, flat",
            met=after <= 150_000_000 and after <= 1.1 * before,
        )
    ]


def starts(first_answer: Callable[[], int]) -> list[Row]:
    """Measure `kotally serve` to its first 200: once on new data, then on what that made."""
    new = first_answer()
    again = [first_answer() for _ in range(RUNS)]
    return [
        _start("kotally serve to first 200, new data", [new], limit_ms=4_000),
        _start("the same, existing data", again, limit_ms=2_000),
    ]


def _batches(bench: Bench, base: float) -> Row:
    runs = [
        _load(
            bench,
            "batch",
            contacts=MEMBERS,
            per_request=BATCH,
            connections=BATCH_CONNECTIONS,
        )
        for _ in range(RUNS)
    ]
    rate = _rate(runs) * BATCH
    return Row(
        what=f"/batch of {BATCH}, operations/s",
        figure=f"{rate:.0f}",
        base=f"{base:.0f} plain",
        ratio=f"{rate / base:.2f}",
        limit="≥ 2.5",
        met=rate / base >= 2.5,
    )


def _read(bench: Bench, kind: Kind, what: str) -> list[Row]:
    bigs, empties, deeps = list[Result](), list[Result](), list[Result]()
    for _ in range(RUNS):
        bigs.append(_load(bench, kind, contacts=MEMBERS))
        empties.append(_load(bench, kind, studio=bench.empty, name="m"))
        deeps.append(_load(bench, kind, name=DEEP))
    rate, ratio = _rate(bigs), _rate(empties) / _rate(deeps)
    return [
        Row(
            what=what,
            figure=_spread(bigs),
            base="",
            ratio="",
            limit="≥ 3 000",
            met=rate >= 3_000,
        ),
        _latency("  p99, contact with 10 000 entries, location with 1 000 000", _p99(deeps)),
        Row(
            what="  the same contact against one of five entries, alone",
            figure=f"{_rate(deeps):.0f}",
            base=f"{_rate(empties):.0f}",
            ratio=f"{ratio:.2f}",
            limit="≤ 1.3",
            met=ratio <= 1.3,
        ),
    ]


def _load(
    bench: Bench,
    kind: Kind,
    *,
    studio: Studio | None = None,
    name: str = "m",
    contacts: int = 1,
    per_request: int = 1,
    connections: int = CONNECTIONS,
) -> Result:
    chosen = studio or bench.big
    load = Load(
        kind=kind,
        location=chosen.location_id,
        name=name,
        contacts=contacts,
        per_request=per_request,
        connections=connections,
    )
    result = drive(bench.server.address, chosen.token, load, seconds=bench.seconds)
    assert result.failed == 0, f"{kind}: {result.failed} requests failed"
    return result


def _latency(what: str, micros: float) -> Row:
    return Row(
        what=what,
        figure=f"{micros / 1_000:.1f} ms",
        base="",
        ratio="",
        limit="≤ 20 ms",
        met=micros <= 20_000,
    )


def _start(what: str, micros: list[int], *, limit_ms: int) -> Row:
    middle = median(micros) / 1_000
    shown = f" ({min(micros) / 1_000:.0f} to {max(micros) / 1_000:.0f})" if len(micros) > 1 else ""
    return Row(
        what=what,
        figure=f"{middle:.0f} ms{shown}",
        base="",
        ratio="",
        limit=f"≤ {limit_ms} ms",
        met=middle <= limit_ms,
    )


def _rate(runs: list[Result]) -> float:
    return median(run.per_second() for run in runs)


def _p99(runs: list[Result]) -> float:
    return median(run.p99 for run in runs)


def _spread(runs: list[Result]) -> str:
    rates = sorted(run.per_second() for run in runs)
    return f"{median(rates):.0f} ({rates[0]:.0f} to {rates[-1]:.0f})"

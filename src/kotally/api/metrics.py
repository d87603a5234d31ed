"""Count requests cheaply, and show the counts of all web processes as Prometheus metrics."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator

from msgspec import Struct, field
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from kotally.ledger.writer import WriterStats

BOUNDS_US = (
    500, 1_000, 2_500, 5_000, 10_000, 20_000, 50_000, 100_000, 250_000, 1_000_000, 5_000_000,
)  # fmt: skip
_US_PER_S = 1_000_000

Key = tuple[str, str, int]


class RequestMetrics:
    """Hold one histogram per method, route and status; labels never come from the caller."""

    def __init__(self) -> None:
        self.series: dict[Key, list[int]] = {}
        self.in_flight: int = 0

    def observe(self, method: str, route: str, *, status: int, micros: int) -> None:
        """Count one request that took so many microseconds."""
        key = (method, route, status)
        row = self.series.get(key)
        if row is None:
            # One count for each bound, one above all bounds, and the sum.
            row = self.series[key] = [0] * (len(BOUNDS_US) + 2)
        row[bisect_left(BOUNDS_US, micros)] += 1
        row[-1] += micros


class Snapshot(Struct, kw_only=True):
    """Hold what one process has counted; the sum of all is what Prometheus gets."""

    series: list[tuple[Key, list[int]]] = field(default_factory=list[tuple[Key, list[int]]])
    in_flight: int = 0
    writer: WriterStats = field(default_factory=WriterStats)


def snapshot(metrics: RequestMetrics, writer: WriterStats) -> Snapshot:
    """Take what this process has counted so far."""
    return Snapshot(series=list(metrics.series.items()), in_flight=metrics.in_flight, writer=writer)


def total(snapshots: Iterable[Snapshot]) -> Snapshot:
    """Add the counts of several processes."""
    series: dict[Key, list[int]] = {}
    whole = Snapshot()
    for part in snapshots:
        whole.in_flight += part.in_flight
        whole.writer.batches += part.writer.batches
        whole.writer.acts += part.writer.acts
        whole.writer.redone += part.writer.redone
        whole.writer.waiting += part.writer.waiting
        for key, row in part.series:
            mine = series.get(key, [0] * len(row))
            series[key] = [a + b for a, b in zip(mine, row, strict=True)]
    whole.series = sorted(series.items())
    return whole


def families(whole: Snapshot) -> Iterator[Metric]:
    """Show the counts in the form of the Prometheus library."""
    yield _requests(whole)
    yield GaugeMetricFamily(
        "kotally_http_in_flight", "Requests being handled now.", value=whole.in_flight
    )
    writer = whole.writer
    for name, text, count in (
        ("kotally_writer_batches", "Batches the writer has committed.", writer.batches),
        ("kotally_writer_acts", "Acts in these batches.", writer.acts),
        ("kotally_writer_redone", "Acts redone one by one after a batch failed.", writer.redone),
    ):
        yield CounterMetricFamily(name, text, value=count)
    yield GaugeMetricFamily(
        "kotally_writer_waiting", "Acts waiting for the writer now.", value=writer.waiting
    )


def _requests(whole: Snapshot) -> Metric:
    family = HistogramMetricFamily(
        "kotally_http_request_seconds",
        "Requests by method, route and status, and how long they took.",
        labels=["method", "route", "status"],
    )
    for (method, route, status), row in whole.series:
        below, buckets = 0, list[tuple[str, float]]()
        for bound, count in zip(BOUNDS_US, row, strict=False):
            below += count
            buckets.append((str(bound / _US_PER_S), below))
        buckets.append(("+Inf", below + row[-2]))
        family.add_metric([method, route, str(status)], buckets, row[-1] / _US_PER_S)
    return family

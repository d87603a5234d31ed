"""Count requests cheaply, and show the counts as Prometheus metrics."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

BOUNDS_US = (
    500, 1_000, 2_500, 5_000, 10_000, 20_000, 50_000, 100_000, 250_000, 1_000_000, 5_000_000,
)  # fmt: skip
_US_PER_S = 1_000_000

Series = dict[tuple[str, str, int], list[int]]


class RequestMetrics(Collector):
    """Hold one histogram per method, route and status; labels never come from the caller."""

    def __init__(self) -> None:
        self.series: Series = {}
        self.in_flight = 0

    def observe(self, method: str, route: str, *, status: int, micros: int) -> None:
        """Count one request that took so many microseconds."""
        key = (method, route, status)
        row = self.series.get(key)
        if row is None:
            # One count for each bound, one above all bounds, and the sum.
            row = self.series[key] = [0] * (len(BOUNDS_US) + 2)
        row[bisect_left(BOUNDS_US, micros)] += 1
        row[-1] += micros

    def collect(self) -> Iterator[Metric]:
        """Give the counts in the form of the Prometheus library."""
        yield from families(self.series)
        yield GaugeMetricFamily(
            "kotally_http_in_flight", "Requests being handled now.", value=self.in_flight
        )


def merge(into: Series, other: Series) -> None:
    """Add the counts of another process."""
    for key, row in other.items():
        mine = into.get(key)
        into[key] = list(row) if mine is None else [a + b for a, b in zip(mine, row, strict=True)]


def families(series: Series) -> Iterator[Metric]:
    """Show the counts as a histogram; its `_count` is the number of requests."""
    family = HistogramMetricFamily(
        "kotally_http_request_seconds",
        "Requests by method, route and status, and how long they took.",
        labels=["method", "route", "status"],
    )
    for (method, route, status), row in sorted(series.items()):
        total, buckets = 0, list[tuple[str, float]]()
        for bound, count in zip(BOUNDS_US, row, strict=False):
            total += count
            buckets.append((str(bound / _US_PER_S), total))
        buckets.append(("+Inf", total + row[-2]))
        family.add_metric([method, route, str(status)], buckets, row[-1] / _US_PER_S)
    yield family

"""Show what the sweeps have done, and how far they are behind, as Prometheus metrics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from kotally.ledger.sweep_log import SweepStatus


class _Sweeps(Collector):
    """Be what was read a moment ago."""

    def __init__(self, statuses: Sequence[SweepStatus]) -> None:
        self._statuses = statuses

    def collect(self) -> Iterator[Metric]:
        """Yield one family a figure, labelled by the sweep."""
        figures = (
            (CounterMetricFamily, "rows", "Rows a sweep has done.", "rows_done"),
            (CounterMetricFamily, "errors", "Passes of a sweep that failed.", "errors"),
            (GaugeMetricFamily, "locations_due", "Locations with work waiting.", "locations_due"),
            (GaugeMetricFamily, "lag_seconds", "Age of the most overdue row.", "lag_seconds"),
        )
        for kind, name, text, field in figures:
            family = kind(f"kotally_sweep_{name}", text, labels=["sweep"])
            for status in self._statuses:
                family.add_metric([status.name], getattr(status, field))
            yield family


def exposed(statuses: Iterable[SweepStatus]) -> bytes:
    """Return the metrics as text."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Sweeps(list(statuses)))
    return generate_latest(registry)

"""What the service counts, as Prometheus reads it."""

from collections.abc import Callable, Iterator, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from app.track_records import TrackRecord


class Realised(Collector):
    """What forecasts were worth once their observations came, read when it is asked for.

    Args:
        read: The records of the versions that were compared lately.
    """

    def __init__(self, read: Callable[[], Sequence[TrackRecord]]) -> None:
        self._read = read

    def describe(self) -> list[GaugeMetricFamily]:
        """The metrics without their values."""
        return list(_families().values())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The metrics of all versions."""
        families = _families()
        for one in self._read():
            version = [one.name, str(one.number)]
            families["points"].add_metric(version, one.num_scored)
            families["error"].add_metric(version, one.mean_absolute_error)
            families["drifted"].add_metric(version, float(one.has_drifted))
            for coverage in one.coverage:
                families["coverage"].add_metric([*version, coverage.kind, f"{coverage.level:g}"], coverage.realised)
        yield from families.values()


def _families() -> dict[str, GaugeMetricFamily]:
    version = ["model", "version"]
    names = {
        "coverage": ("Share of observations that a quantile or an interval covered.", [*version, "kind", "level"]),
        "points": ("Observations that forecasts were compared with.", version),
        "error": ("Mean absolute error of the means.", version),
        "drifted": ("1 if an interval covers less than it promises.", version),
    }
    return {name: GaugeMetricFamily(f"longshot_realised_{name}", text, labels=on) for name, (text, on) in names.items()}


class Metrics:
    """The counters of one application.

    Args:
        read_records: What `Realised` reads.
    """

    def __init__(self, read_records: Callable[[], Sequence[TrackRecord]]) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "longshot_requests", "Requests answered.", ["method", "route", "status"], registry=self._registry
        )
        self.seconds = Histogram(
            "longshot_request_seconds", "Time to answer a request.", ["route"], registry=self._registry
        )
        self.points = Counter("longshot_forecast_points", "Points forecast.", registry=self._registry)
        self.refusals = Counter("longshot_forecast_refusals", "Series refused.", registry=self._registry)
        self.ready = Gauge("longshot_ready", "1 if the last readiness check passed.", registry=self._registry)
        self._registry.register(Realised(read_records))

        self.batches = Histogram(
            "longshot_batch_requests",
            "Forecast requests answered together.",
            buckets=(1, 2, 4, 8, 16, 32, 64),
            registry=self._registry,
        )
        self.queue = Histogram(
            "longshot_queue_seconds", "Time that a forecast request waited for a thread.", registry=self._registry
        )

    def count_batch(self, waited: Sequence[float]) -> None:
        """Counts requests that were taken together, by the seconds that each had waited."""
        self.batches.observe(len(waited))
        for seconds in waited:
            self.queue.observe(seconds)

    def expose(self) -> bytes:
        """All of them in Prometheus's text format."""
        return generate_latest(self._registry)

"""What is not counted as it happens, but read when Prometheus asks: track records, loaded versions, jobs."""

from collections.abc import Callable, Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from app.forecasting import LoadedVersions
from app.jobs.census import JobCensus
from app.stores.track_records import TrackRecord


class Realised(Collector):
    """What forecasts were worth once their observations came.

    Args:
        read: The records of the versions that were compared lately.
    """

    def __init__(self, read: Callable[[], Sequence[TrackRecord]]) -> None:
        self._read = read

    def describe(self) -> list[GaugeMetricFamily]:
        """The metrics without their values."""
        return list(_realised().values())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The metrics of all versions."""
        families = _realised()
        for one in self._read():
            version = [one.name, str(one.number)]
            families["points"].add_metric(version, one.num_scored)
            families["error"].add_metric(version, one.mean_absolute_error)
            families["drifted"].add_metric(version, float(one.has_drifted))
            for coverage in one.coverage:
                families["coverage"].add_metric([*version, coverage.kind, f"{coverage.level:g}"], coverage.realised)
        yield from families.values()


class Loaded(Collector):
    """The versions in memory.

    Args:
        loaded: They.
    """

    def __init__(self, loaded: LoadedVersions) -> None:
        self._loaded = loaded

    def describe(self) -> list[Metric]:
        """The metrics without their values."""
        return [
            GaugeMetricFamily("longshot_loaded_versions", "Versions in memory."),
            GaugeMetricFamily("longshot_loaded_bytes", "Memory of the versions in memory."),
            CounterMetricFamily("longshot_version_lookups", "Versions looked up in memory.", labels=["found"]),
        ]

    def collect(self) -> Iterator[Metric]:
        """The metrics."""
        versions, num_bytes, lookups = self.describe()
        assert isinstance(versions, GaugeMetricFamily)
        assert isinstance(num_bytes, GaugeMetricFamily)
        assert isinstance(lookups, CounterMetricFamily)
        versions.add_metric([], len(self._loaded))
        num_bytes.add_metric([], self._loaded.num_bytes)
        lookups.add_metric(["yes"], self._loaded.num_found)
        lookups.add_metric(["no"], self._loaded.num_missed)
        yield from (versions, num_bytes, lookups)


class JobStates(Collector):
    """Jobs by state and age, and what trainings have done.

    Args:
        read: Counts all jobs.
    """

    def __init__(self, read: Callable[[], JobCensus]) -> None:
        self._read = read

    def describe(self) -> list[Metric]:
        """The metrics without their values."""
        which = ["kind", "state"]
        return [
            GaugeMetricFamily("longshot_jobs", "Jobs by kind and state.", labels=which),
            GaugeMetricFamily("longshot_oldest_job_seconds", "Age of the oldest job that has not ended.", labels=which),
            CounterMetricFamily("longshot_training_epochs", "Epochs trained."),
        ]

    def collect(self) -> Iterator[Metric]:
        """The metrics."""
        jobs, oldest, epochs = self.describe()
        assert isinstance(jobs, GaugeMetricFamily)
        assert isinstance(oldest, GaugeMetricFamily)
        assert isinstance(epochs, CounterMetricFamily)
        census = self._read()
        for one in census.counts:
            jobs.add_metric([one.kind, one.state], one.number)
            if one.oldest_seconds is not None:
                oldest.add_metric([one.kind, one.state], one.oldest_seconds)
        epochs.add_metric([], census.num_epochs)
        yield from (jobs, oldest, epochs)


def _realised() -> dict[str, GaugeMetricFamily]:
    version = ["model", "version"]
    names = {
        "coverage": ("Share of observations that a quantile or an interval covered.", [*version, "kind", "level"]),
        "points": ("Observations that forecasts were compared with.", version),
        "error": ("Mean absolute error of the means.", version),
        "drifted": ("1 if an interval covers less than it promises.", version),
    }
    return {name: GaugeMetricFamily(f"longshot_realised_{name}", text, labels=on) for name, (text, on) in names.items()}

"""What the service counts, as Prometheus reads it."""

from collections.abc import Iterable, Sequence
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.registry import Collector

from app.forecasting import Answer, Refusal
from model import ItemForecast

PHASES: Final = ("parse", "load", "forecast", "write")
"""What a forecast consists of: a body becomes a question, a version is found, it computes, an answer becomes bytes."""

_PHASE_SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)


class Metrics:
    """The counters of one application.

    Args:
        collectors: What is read when it is asked for, beside what is counted here.
    """

    def __init__(self, collectors: Iterable[Collector] = ()) -> None:
        self._registry = registry = CollectorRegistry()
        self.requests = Counter(
            "longshot_requests", "Requests answered.", ["method", "route", "status"], registry=registry
        )
        self.seconds = Histogram("longshot_request_seconds", "Time to answer a request.", ["route"], registry=registry)
        self.ready = Gauge("longshot_ready", "1 if the last readiness check passed.", registry=registry)
        self._points = Counter("longshot_forecast_points", "Points forecast.", registry=registry)
        self._refusals = Counter("longshot_forecast_refusals", "Series refused.", registry=registry)
        self._evaluations = Counter("longshot_forecast_evaluations", "Evaluations of vector fields.", registry=registry)
        self._uncalibrated = Counter(
            "longshot_forecast_past_calibrated", "Series forecast past the calibrated lead time.", registry=registry
        )
        phases = Histogram(
            "longshot_forecast_seconds",
            "Time of a forecast, by phase.",
            ["phase"],
            buckets=_PHASE_SECONDS,
            registry=registry,
        )
        self._phases = {name: phases.labels(name) for name in PHASES}
        self._batches = Histogram(
            "longshot_batch_requests",
            "Forecast requests answered together.",
            buckets=(1, 2, 4, 8, 16, 32, 64),
            registry=registry,
        )
        self._queue = Histogram(
            "longshot_queue_seconds", "Time that a forecast request waited for a thread.", registry=registry
        )
        for one in collectors:
            registry.register(one)

    def count_batch(self, waited: Sequence[float]) -> None:
        """Counts requests that were taken together, by the seconds that each had waited."""
        self._batches.observe(len(waited))
        for seconds in waited:
            self._queue.observe(seconds)

    def count_answer(self, answer: Answer) -> None:
        """Counts a forecast that was answered, and where its time went between the question and the answer."""
        self._points.inc(answer.points_out)
        self._evaluations.inc(answer.function_evaluations)
        self._refusals.inc(sum(isinstance(one, Refusal) for one in answer.items))
        self._uncalibrated.inc(sum(map(_is_past_calibration, answer.items)))
        self._phases["load"].observe(answer.load_seconds)
        self._phases["forecast"].observe(answer.forecast_seconds)

    def count_bytes(self, *, parse_seconds: float, write_seconds: float) -> None:
        """Counts what a forecast took to be read, and its answer to be written."""
        self._phases["parse"].observe(parse_seconds)
        self._phases["write"].observe(write_seconds)

    def expose(self) -> bytes:
        """All of them in Prometheus's text format."""
        return generate_latest(self._registry)


def _is_past_calibration(item: ItemForecast | Refusal) -> bool:
    return isinstance(item, ItemForecast) and any(one.code == "past_calibrated_lead" for one in item.notices)

"""What the service counts, as Prometheus reads it."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest


class Metrics:
    """The counters of one application."""

    def __init__(self) -> None:
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

    def expose(self) -> bytes:
        """All of them in Prometheus's text format."""
        return generate_latest(self._registry)

"""What the routes answer from: the stores and use cases of one process."""

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from app.batching import Batches
from app.bench import Bench
from app.errands import Errands
from app.forecasting import Answer, Forecasting, LoadedVersions, Prepared, Question
from app.hindsight import Hindsight
from app.jobs.census import take_census
from app.jobs.events import JobEvents
from app.jobs.jobs import Jobs
from app.memory import Tidying
from app.routes.collectors import JobStates, Loaded, Realised
from app.routes.metrics import Metrics
from app.settings import Settings
from app.stores.adaptive_intervals import AdaptiveIntervals
from app.stores.artifacts import ArtifactStore
from app.stores.audit_log import AuditLog
from app.stores.database import Database, migrate
from app.stores.datasets import Datasets
from app.stores.kept_forecasts import KeptForecasts
from app.stores.keyring import Keyring
from app.stores.registry import Registry
from app.stores.track_records import TrackRecords
from app.web.rate_limits import RateLimits

WorkerAlive = Callable[[Database], bool]
"""Whether a worker has lately said that it lives."""

_MAX_WAITING = 128


@dataclass(frozen=True)
class Resources:
    """The stores and use cases of one process."""

    settings: Settings
    database: Database
    registry: Registry
    datasets: Datasets
    jobs: Jobs
    forecasting: Forecasting
    bench: Bench
    forecasts: Batches[Question | Prepared, Answer]
    keyring: Keyring
    rate_limits: RateLimits
    audit_log: AuditLog
    metrics: Metrics
    worker_alive: WorkerAlive
    job_events: JobEvents
    hindsight: Hindsight
    kept_forecasts: KeptForecasts
    track_records: TrackRecords
    adaptive_intervals: AdaptiveIntervals
    errands: Errands = field(default_factory=Errands)
    tidying: Tidying = field(default_factory=Tidying)
    leaving: threading.Event = field(default_factory=threading.Event)

    def close(self) -> None:
        """Lets go of threads and connections."""
        self.bench.close()
        self.errands.close()
        self.hindsight.write()
        self.kept_forecasts.close()
        self.keyring.close()
        self.jobs.close()
        self.database.close()


def open_resources(settings: Settings, worker_alive: WorkerAlive) -> Resources:
    """Makes the home folder, brings the database up to date, and opens everything on them.

    Raises:
        OperationError: The home folder, the database or the counter of rate limits cannot be used.
    """
    settings.make_home()
    rate_limits = RateLimits(
        settings.rate_limit_storage,
        max_requests=settings.max_requests_per_minute,
        max_points=settings.max_points_per_minute,
    )
    database = Database(settings.database_url)
    migrate(database)
    artifacts = ArtifactStore(settings.artifacts_path)
    registry = Registry(database, artifacts)
    track_records = TrackRecords(database, window_days=settings.drift_window_days, tolerance=settings.drift_tolerance)
    adaptive_intervals = AdaptiveIntervals(
        database, rate=settings.adaptive_rate, window_days=settings.drift_window_days
    )
    loaded = LoadedVersions(settings.max_loaded_bytes)
    metrics = Metrics((Realised(track_records.all), Loaded(loaded), JobStates(lambda: take_census(database))))
    forecasting = Forecasting(
        registry,
        loaded,
        max_steps=settings.max_horizon_steps,
        max_values=settings.max_forecast_values,
        serve_levels=adaptive_intervals.served,
    )
    bench = Bench(
        num_threads=max(2, os.cpu_count() or 2),
        max_waiting=_MAX_WAITING,
        timeout_seconds=settings.forecast_timeout_seconds,
    )
    return Resources(
        settings=settings,
        database=database,
        registry=registry,
        datasets=Datasets(database, artifacts),
        jobs=Jobs(database, settings.jobs_url),
        forecasting=forecasting,
        bench=bench,
        forecasts=Batches(bench, forecasting.answer_each, metrics.count_batch),
        keyring=Keyring(database),
        rate_limits=rate_limits,
        audit_log=AuditLog(database),
        metrics=metrics,
        worker_alive=worker_alive,
        job_events=JobEvents(database),
        hindsight=Hindsight(database, max_values=settings.max_remembered_values),
        kept_forecasts=KeptForecasts(database, max_values=settings.max_kept_values, days=settings.kept_days),
        track_records=track_records,
        adaptive_intervals=adaptive_intervals,
    )


def resources_of(request: Request) -> Resources:
    """The resources of the application that a request came to."""
    found = request.app.state.resources
    assert isinstance(found, Resources)
    return found


async def _resources(request: Request) -> Resources:
    # Not a plain function: those wait for a thread.
    return resources_of(request)


Service = Annotated[Resources, Depends(_resources)]
"""The same, as a dependency."""

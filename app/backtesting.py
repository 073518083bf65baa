"""Use case: submit a backtest of a version, and run one."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from app.errors import LimitExceeded
from app.jobs.jobs import Jobs
from app.jobs.ledger import JobLedger
from app.jobs.values import BacktestJob, BacktestRequest, JobNotice
from app.stores.datasets import Datasets
from app.stores.registry import Registry
from model import BacktestReport, Cutoffs, Forecaster, Panel, TrainingConfig, backtest, check_backtest

_LEAST_PROGRESS: Final = 0.01
_LEAST_SECONDS: Final = 1.0
"""How much has to have happened before it is noted again."""


@dataclass(frozen=True)
class BacktestLimits:
    """How large a backtest may be."""

    max_cutoffs: int
    max_steps: int

    def check(self, panel: Panel, cutoffs: Cutoffs) -> None:
        """Refuses one that is larger.

        Raises:
            LimitExceeded
        """
        num_forecasts = len(panel) * cutoffs.count
        if num_forecasts > self.max_cutoffs:
            raise LimitExceeded("forecasts to make", num_forecasts, self.max_cutoffs, "LONGSHOT_MAX_CUTOFFS")
        if cutoffs.horizon > self.max_steps:
            raise LimitExceeded("steps ahead", cutoffs.horizon, self.max_steps, "LONGSHOT_MAX_HORIZON_STEPS")


def submit(
    jobs: Jobs,
    registry: Registry,
    datasets: Datasets,
    request: BacktestRequest,
    *,
    limits: BacktestLimits,
    idempotency_key: str | None = None,
) -> tuple[BacktestJob, int]:
    """Queues a backtest on a stored dataset; store an inline panel with `datasets.add` first.

    Returns:
        The job, and how many steps it will forecast at most.

    Raises:
        ModelNotFound, VersionNotFound, DatasetNotFound, IdempotencyMismatch
        LimitExceeded: It is too large.
        SeriesTooShort: No series is long enough for a single cutoff.
    """
    config = registry.version(request.model_name, request.version).config
    panel = datasets.panel(request.dataset_id)
    cutoffs = cutoffs_of(request, config)
    limits.check(panel, cutoffs)
    check_backtest(panel, config, cutoffs)
    job = jobs.submit(request, idempotency_key=idempotency_key)
    return job, len(panel) * cutoffs.count * cutoffs.horizon


def run_backtest(
    job: BacktestJob, registry: Registry, datasets: Datasets, ledger: JobLedger, *, should_stop: Callable[[], bool]
) -> BacktestReport:
    """Does what a backtest asks; called again after a crash, it starts anew and comes to the same.

    Args:
        job: The job.
        registry: Where the version is.
        datasets: Where the panel is.
        ledger: Where its progress is noted.
        should_stop: Asked before each forecast.

    Raises:
        TrainingCancelled: `should_stop` said so.
        ForecastingError: The version or the dataset is gone or damaged.
    """
    request = job.request
    version = registry.version(request.model_name, request.version)
    panel = datasets.panel(request.dataset_id, digest=job.dataset_digest)
    cutoffs = cutoffs_of(request, version.config)
    forecaster = Forecaster.load(registry.checkpoint_path(version))
    report = backtest(forecaster, panel, cutoffs, on_forecast=_Progress(ledger, job.id).record, should_stop=should_stop)
    ledger.record_notices(job.id, find_notices(report, len(panel) * cutoffs.count))
    return report


def cutoffs_of(request: BacktestRequest, config: TrainingConfig) -> Cutoffs:
    """From where a backtest forecasts: what was left out follows from the version."""
    return Cutoffs(config.horizon if request.horizon is None else request.horizon, request.num_cutoffs, request.stride)


def find_notices(report: BacktestReport, num_asked: int) -> tuple[JobNotice, ...]:
    """What one should know before believing a report."""
    notices = []
    if report.overlaps_training:
        detail = "The version has seen some of what it was asked to forecast."
        notices.append(JobNotice("overlaps_training", detail, "Take later data, or a version trained on less."))
    if report.num_forecasts < num_asked:
        detail = f"{num_asked - report.num_forecasts} of {num_asked} forecasts were left out: a series had less than "
        detail += "three observations before the cutoff, nothing but one value, or nothing after it."
        notices.append(JobNotice("cutoffs_skipped", detail, "Ask for fewer cutoffs, or for a shorter stride."))
    return tuple(notices)


class _Progress:
    """Notes how far a backtest is, not more often than anybody looks.

    Args:
        ledger: Where it is noted.
        job_id: The job.
    """

    def __init__(self, ledger: JobLedger, job_id: str) -> None:
        self._ledger = ledger
        self._job_id = job_id
        self._started = self._noted = time.monotonic()
        self._progress = 0.0

    def record(self, num_done: int, num_asked: int) -> None:
        """So many forecasts of so many are done."""
        progress, moment = num_done / num_asked, time.monotonic()
        if progress - self._progress < _LEAST_PROGRESS or moment - self._noted < _LEAST_SECONDS:
            return
        self._progress, self._noted = progress, moment
        self._ledger.record_progress(self._job_id, progress, (moment - self._started) * (1 / progress - 1))

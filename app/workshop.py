"""One job at a time, from its ticket to its end on record."""

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NoReturn

import structlog
from sqlalchemy.exc import SQLAlchemyError

from app.backtesting import run_backtest
from app.jobs.jobs import Jobs
from app.jobs.ledger import JobLedger
from app.jobs.queue import job_of
from app.jobs.values import BacktestJob, Job, JobFailure, TrainingJob
from app.stores.audit_log import AuditLog
from app.stores.database import Database
from app.stores.datasets import Datasets
from app.stores.registry import Registry
from app.telemetry import log_context
from app.training import Outcome
from app.training_jobs import changes_of, run_job
from model import ForecastingError, TrainingCancelled

_CANCEL_CHECK_SECONDS: Final = 1.0
_log = structlog.get_logger()


@dataclass(frozen=True, eq=False)
class Workshop:
    """What the jobs of a worker share.

    Attributes:
        database: Where everything is on record.
        datasets: Where their panels are.
        registry: Where versions are.
        jobs: What there is to do.
        ledger: Where it is noted how that goes.
        folder: Where trainings keep what they need to go on.
        leaving: Set once the worker is to end.
        idle: Set while no job is in work.
        niceness: How far a job stands back from everything else for a core.
    """

    database: Database
    datasets: Datasets
    registry: Registry
    jobs: Jobs
    ledger: JobLedger
    folder: Path
    leaving: threading.Event
    idle: threading.Event = field(default_factory=threading.Event)
    niceness: int = 0

    def work(self, ticket: str) -> None:
        """Does the job of a ticket; the one place where what goes wrong in it ends."""
        self.idle.clear()
        stand_back(self.niceness)
        with log_context(job_id=job_of(ticket)):
            try:
                self._attempt(ticket)
            except SQLAlchemyError:
                # To return would end the workflow of a job whose end is not on record: a restart repeats it instead.
                _log.exception("the database does not take what became of the job")
                os._exit(1)
        self.idle.set()

    def _attempt(self, ticket: str) -> None:
        job_id = job_of(ticket)
        try:
            self._run(ticket)
        except ForecastingError as error:
            _log.warning("the job has failed", code=error.code, detail=error.detail)
            self.ledger.fail(job_id, JobFailure(error.code, error.detail, error.hint))
        except SQLAlchemyError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a job does, the worker lives on
            _log.exception("the job has failed unexpectedly")
            detail = f"The worker met an unexpected {type(error).__name__}."
            self.ledger.fail(job_id, JobFailure("internal_error", detail, "The log of the worker has the details."))

    def _run(self, ticket: str) -> None:
        job = self.ledger.start(ticket)
        if job is None:
            return
        _log.info("the job starts", kind=type(job).__name__, attempt=job.attempts, progress=round(job.progress, 3))
        try:
            self._do(job)
        except TrainingCancelled:
            if self.leaving.is_set():
                self._hand_over(job)
            self.ledger.end_cancelled(job.id)
            _log.info("the job is cancelled")

    def _do(self, job: Job) -> None:
        stop = self._stop_signal(job)
        if isinstance(job, TrainingJob):
            outcome = run_job(job, self.registry, self.datasets, self.ledger, folder=self.folder, should_stop=stop)
            self._finish_training(job, outcome)
        elif isinstance(job, BacktestJob):
            report = run_backtest(job, self.registry, self.datasets, self.ledger, should_stop=stop)
            self.ledger.succeed_with_report(job.id, report)
            _log.info("the job has succeeded", num_forecasts=report.num_forecasts)

    def _finish_training(self, job: TrainingJob, outcome: Outcome) -> None:
        log, actor = AuditLog(self.database), f"job:{job.id}"
        for change in changes_of(outcome, actor):
            log.enter(change)
        self.ledger.succeed(job.id, outcome.version.number, outcome.decision)
        _log.info("the job has succeeded", version=str(outcome.version), decision=outcome.decision)

    def _stop_signal(self, job: Job) -> Callable[[], bool]:
        """Whether to stop, asked before every batch; the database is asked once a second."""
        asked_at = 0.0

        def should_stop() -> bool:
            nonlocal asked_at
            if self.leaving.is_set():
                return True
            if time.monotonic() - asked_at < _CANCEL_CHECK_SECONDS:
                return False
            asked_at = time.monotonic()
            return self.ledger.cancel_requested(job.id)

        return should_stop

    def _hand_over(self, job: Job) -> NoReturn:
        """Leaves a job for the next worker: to return would tell the workflow that it is done."""
        self.ledger.suspend(job.id)
        _log.info("the job is left for the next worker")
        self.idle.set()
        while True:
            time.sleep(60)


def stand_back(niceness: int) -> None:
    """Lowers the priority of this thread, and of those that it starts, below that of the process.

    On Linux each thread has its own, so the others still say in time that the worker lives.
    """
    lowered = min(19, os.getpriority(os.PRIO_PROCESS, os.getpid()) + niceness)
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), lowered)

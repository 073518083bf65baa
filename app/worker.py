"""The process that runs training jobs."""

import fcntl
import os
import signal
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final, NoReturn

import sqlalchemy as sa
import structlog
from sqlalchemy.exc import SQLAlchemyError

from app.artifacts import ArtifactStore
from app.audit_log import AuditLog, Change
from app.database import Database, WorkerRow, migrate, now
from app.datasets import Datasets
from app.errors import WorkerAlreadyRunning
from app.job_ledger import JobLedger
from app.job_queue import job_of, run_workflows
from app.job_values import Job, JobFailure
from app.jobs import Jobs
from app.registry import Registry
from app.settings import Settings
from app.telemetry import configure_logging, log_context
from app.training import run_job
from model import ForecastingError, TrainingCancelled, limit_threads

HEARTBEAT_SECONDS: Final = 2.0
"""How often a worker says that it lives, and looks for jobs that a crash kept from being queued."""

_CANCEL_CHECK_SECONDS: Final = 1.0
_log = structlog.get_logger()


def run_worker(settings: Settings, *, supervised: bool = False) -> NoReturn:
    """Runs queued jobs until SIGTERM or SIGINT, then ends the process; a job in work is left for the next worker.

    Args:
        settings: Where to work.
        supervised: Whether to end as well once standard input ends, as it does when the supervisor dies.

    Raises:
        HomeUnusable, DatabaseTooNew
        WorkerAlreadyRunning: Another worker keeps the home folder for itself.
    """
    limit_threads(settings.training_threads)
    settings.make_home()
    leaving = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: leaving.set())
    if supervised:
        threading.Thread(target=_watch_supervisor, args=(leaving,), daemon=True).start()
    with _only_worker(settings.home, leaving, settings.shutdown_seconds):
        workshop = _open(settings, leaving)
        worker_id = _worker_id(settings.home)
        if not leaving.is_set():
            run_workflows(settings.jobs_url, worker_id=worker_id, work=workshop.work)
            _log.info("the worker is ready", home=str(settings.home), threads=settings.training_threads)
        _beat_until_leaving(workshop, worker_id)
        _leave(workshop, worker_id, settings.shutdown_seconds)


def worker_alive(database: Database, *, within_seconds: float = 15.0) -> bool:
    """Whether a worker has lately said that it lives."""
    query = sa.select(sa.func.count()).where(WorkerRow.seen_at >= now() - timedelta(seconds=within_seconds))
    with database.reading() as session:
        return bool(session.scalar(query))


@dataclass(frozen=True, eq=False)
class _Workshop:
    """What the jobs of a worker share."""

    database: Database
    datasets: Datasets
    registry: Registry
    jobs: Jobs
    ledger: JobLedger
    folder: Path
    leaving: threading.Event
    idle: threading.Event = field(default_factory=threading.Event)

    def work(self, ticket: str) -> None:
        """Does the job of a ticket; the one place where what goes wrong in it ends."""
        self.idle.clear()
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
        _log.info("the job starts", model=job.request.model_name, attempt=job.attempts, epoch=job.epoch)
        try:
            outcome = run_job(
                job, self.registry, self.datasets, self.ledger, folder=self.folder, should_stop=self._stop_signal(job)
            )
        except TrainingCancelled:
            if self.leaving.is_set():
                self._hand_over(job)
            self.ledger.end_cancelled(job.id)
            _log.info("the job is cancelled")
            return
        subject = f"/v1/models/{outcome.version.name}/versions/{outcome.version.number}"
        change = Change(f"job:{job.id}", "version.trained", subject, {"decision": outcome.decision})
        AuditLog(self.database).enter(change)
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


def _open(settings: Settings, leaving: threading.Event) -> _Workshop:
    database = Database(settings.database_url)
    migrate(database)
    artifacts = ArtifactStore(settings.artifacts_path)
    artifacts.sweep()
    workshop = _Workshop(
        database=database,
        datasets=Datasets(database, artifacts),
        registry=Registry(database, artifacts),
        jobs=Jobs(database, settings.jobs_url),
        ledger=JobLedger(database),
        folder=settings.training_path,
        leaving=leaving,
    )
    workshop.idle.set()
    return workshop


def _beat_until_leaving(workshop: _Workshop, worker_id: str) -> None:
    started_at = now()
    while not workshop.leaving.is_set():
        try:
            with workshop.database.writing() as session:
                session.merge(WorkerRow(id=worker_id, pid=os.getpid(), started_at=started_at, seen_at=now()))
            workshop.jobs.enqueue_forgotten()
        except SQLAlchemyError as error:
            _log.warning("the database does not answer", error=str(error))
        workshop.leaving.wait(HEARTBEAT_SECONDS)


def _leave(workshop: _Workshop, worker_id: str, seconds: float) -> NoReturn:
    _log.info("the worker stops")
    in_time = workshop.idle.wait(seconds)
    with workshop.database.writing() as session:
        session.execute(sa.delete(WorkerRow).where(WorkerRow.id == worker_id))
    # A job that was handed over still has its thread, for which an ordinary exit would wait for ever.
    sys.stderr.flush()
    os._exit(0 if in_time else 1)


@contextmanager
def _only_worker(home: Path, leaving: threading.Event, seconds: float) -> Iterator[None]:
    """Holds the lock of the home folder, for which it waits a while: the worker before may be about to end."""
    with (home / "worker.lock").open("a+") as lock:
        until = time.monotonic() + seconds
        while not _locked(lock.fileno()):
            if leaving.wait(0.2) or time.monotonic() > until:
                raise WorkerAlreadyRunning(str(home), (home / "worker.lock").read_text().strip())
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _worker_id(home: Path) -> str:
    """The name of this home's worker, the same after every restart, so that it goes on with its own jobs."""
    file = home / "worker.id"
    if not file.exists():
        file.write_text(f"worker-{uuid.uuid4().hex[:12]}")
    return file.read_text().strip()


def _watch_supervisor(leaving: threading.Event) -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    leaving.set()


def main() -> None:
    """Runs a worker as the environment says."""
    try:
        settings = Settings.from_environment()
        configure_logging(settings.log_format, settings.log_level)
        run_worker(settings, supervised="--supervised" in sys.argv[1:])
    except ForecastingError as error:
        sys.exit(f"longshot worker: {error}")


if __name__ == "__main__":
    main()

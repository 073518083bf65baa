"""The process that does jobs: trainings and backtests."""

import fcntl
import os
import signal
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final, NoReturn

import sqlalchemy as sa
import structlog
from sqlalchemy.exc import SQLAlchemyError

from app.errors import WorkerAlreadyRunning
from app.jobs.jobs import Jobs
from app.jobs.ledger import JobLedger
from app.jobs.queue import run_workflows
from app.settings import Settings
from app.stores.artifacts import ArtifactStore
from app.stores.database import Database, migrate, now
from app.stores.datasets import Datasets
from app.stores.registry import Registry
from app.stores.tables import WorkerRow
from app.telemetry import configure_logging
from app.workshop import Workshop
from model import ForecastingError, limit_threads

HEARTBEAT_SECONDS: Final = 2.0
"""How often a worker says that it lives, and looks for jobs that a crash kept from being queued."""

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


def _open(settings: Settings, leaving: threading.Event) -> Workshop:
    database = Database(settings.database_url)
    migrate(database)
    artifacts = ArtifactStore(settings.artifacts_path)
    artifacts.sweep()
    workshop = Workshop(
        database=database,
        datasets=Datasets(database, artifacts),
        registry=Registry(database, artifacts),
        jobs=Jobs(database, settings.jobs_url),
        ledger=JobLedger(database),
        folder=settings.training_path,
        niceness=settings.job_niceness,
        leaving=leaving,
    )
    workshop.idle.set()
    return workshop


def _beat_until_leaving(workshop: Workshop, worker_id: str) -> None:
    started_at = now()
    while not workshop.leaving.is_set():
        try:
            with workshop.database.writing() as session:
                session.merge(WorkerRow(id=worker_id, pid=os.getpid(), started_at=started_at, seen_at=now()))
            workshop.jobs.enqueue_forgotten()
        except SQLAlchemyError as error:
            _log.warning("the database does not answer", error=str(error))
        workshop.leaving.wait(HEARTBEAT_SECONDS)


def _leave(workshop: Workshop, worker_id: str, seconds: float) -> NoReturn:
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

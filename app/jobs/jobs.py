"""Jobs for those who want them done: submit, follow, cancel, resume."""

import hashlib
import json
import uuid
from dataclasses import asdict
from typing import Any, Final, overload

import sqlalchemy as sa
import structlog
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from app.errors import IdempotencyMismatch, JobNotCancellable, JobNotResumable
from app.jobs.events import add_event
from app.jobs.queue import JobQueue
from app.jobs.rows import LIVE, JobFilter, enter, find_row, read_job, read_jobs, ticket_of
from app.jobs.values import AnyJob, BacktestJob, BacktestRequest, Job, JobRequest, TrainingJob, TrainingRequest
from app.stores.database import Database, Page, now
from app.stores.tables import DatasetRow, JobRow

_ALL: Final = JobFilter()
_RESUMABLE: Final = ("cancelled", "failed")
_log = structlog.get_logger()


class Jobs:
    """The jobs, as the service and its users see them.

    Args:
        database: Where they are kept.
        jobs_url: The database of the workflows that run them.
    """

    def __init__(self, database: Database, jobs_url: str) -> None:
        self._database = database
        self._queue = JobQueue(jobs_url)

    @overload
    def submit(
        self, request: TrainingRequest, *, idempotency_key: str | None = None, as_asked: TrainingRequest | None = None
    ) -> TrainingJob: ...
    @overload
    def submit(self, request: BacktestRequest, *, idempotency_key: str | None = None) -> BacktestJob: ...
    def submit(
        self, request: JobRequest, *, idempotency_key: str | None = None, as_asked: JobRequest | None = None
    ) -> Job:
        """Queues a job; a key used before gives back the job it was used for.

        Args:
            request: What to do.
            idempotency_key: Of the caller.
            as_asked: What the key stands for, where the request says more exactly what was meant.

        Raises:
            IdempotencyMismatch: The key was used for another request.
        """
        digest = _digest(as_asked or request)
        try:
            job_id = self._insert(request, digest, idempotency_key)
        except IntegrityError:
            # Another process has just used the same key.
            job_id = self._insert(request, digest, idempotency_key)
        self._enqueue(job_id, job_id)
        return self.get(job_id)

    @overload
    def get(self, job_id: str) -> Job: ...
    @overload
    def get(self, job_id: str, kind: type[AnyJob]) -> AnyJob: ...
    def get(self, job_id: str, kind: type[Job] = Job) -> Job:
        """The job of an id.

        Raises:
            JobNotFound: There is none, or it is of another kind.
        """
        return read_job(self._database, job_id, kind)

    def list(
        self, kind: type[AnyJob], *, limit: int = 50, cursor: str | None = None, only: JobFilter = _ALL
    ) -> Page[AnyJob]:
        """The jobs of a kind, newest first, without their losses and reports.

        Raises:
            CursorInvalid
        """
        return read_jobs(self._database, kind, only, limit=limit, cursor=cursor)

    @overload
    def cancel(self, job_id: str) -> Job: ...
    @overload
    def cancel(self, job_id: str, kind: type[AnyJob]) -> AnyJob: ...
    def cancel(self, job_id: str, kind: type[Job] = Job) -> Job:
        """Asks a job to stop: a queued one at once, a running one before it goes on to its next batch or forecast.

        Raises:
            JobNotFound: There is none, or it is of another kind.
            JobNotCancellable: It has ended.
        """
        with self._database.writing() as session:
            row = find_row(session, job_id, kind, lock=True)
            if row.state not in LIVE:
                raise JobNotCancellable(job_id, row.state)
            row.cancel_requested = True
            if row.state == "queued":
                enter(session, row, "cancelled", finished_at=now())
        return self.get(job_id, kind)

    def resume(self, job_id: str) -> TrainingJob:
        """Queues a training that was cancelled or has failed once more, to go on from its last epoch.

        Raises:
            JobNotFound
            JobNotResumable: It has succeeded, or has not ended.
        """
        with self._database.writing() as session:
            row = find_row(session, job_id, TrainingJob, lock=True)
            if row.state not in _RESUMABLE:
                raise JobNotResumable(job_id, f"its state is {row.state}")
            row.num_resumptions += 1
            row.stalled_attempts, row.cancel_requested, row.error = 0, False, None
            enter(session, row, "queued", finished_at=None)
            ticket = ticket_of(row)
        self._enqueue(job_id, ticket)
        return self.get(job_id, TrainingJob)

    def close(self) -> None:
        """Closes the connection to the queue."""
        self._queue.close()

    def enqueue_forgotten(self) -> None:
        """Queues the jobs that a crash kept from being queued; one that is queued already stays as it is."""
        with self._database.reading() as session:
            live = session.scalars(sa.select(JobRow).where(JobRow.state.in_(LIVE)).order_by(JobRow.sequence)).all()
            tickets = [ticket_of(row) for row in live]
        for ticket in tickets:
            self._queue.enqueue(ticket)

    def _enqueue(self, job_id: str, ticket: str) -> None:
        try:
            self._queue.enqueue(ticket)
        except SQLAlchemyError as error:
            _log.warning("the job is kept, and queued once the worker sees it", job_id=job_id, error=str(error))

    def _insert(self, request: JobRequest, digest: str, key: str | None) -> str:
        with self._database.writing() as session:
            earlier = key and session.scalar(sa.select(JobRow).where(JobRow.idempotency_key == key))
            if earlier:
                if earlier.request_digest != digest:
                    raise IdempotencyMismatch(str(key))
                return earlier.id
            # Locked, so that no append gives up this revision before the job that needs it is there.
            dataset = sa.select(DatasetRow.digest).where(DatasetRow.id == request.dataset_id).with_for_update()
            row = _new_row(request, digest, key, session.scalar(dataset))
            session.add(row)
            add_event(session, row)
            return row.id


def _new_row(request: JobRequest, digest: str, key: str | None, dataset_digest: str | None) -> JobRow:
    return JobRow(
        id=f"job_{uuid.uuid4().hex}",
        state="queued",
        model_name=request.model_name,
        dataset_id=request.dataset_id,
        dataset_digest=dataset_digest,
        idempotency_key=key,
        request_digest=digest,
        cancel_requested=False,
        num_resumptions=0,
        epoch=0,
        progress=0.0,
        attempts=0,
        stalled_attempts=0,
        created_at=now(),
        **_asked(request),
    )


def _asked(request: JobRequest) -> dict[str, Any]:
    if isinstance(request, TrainingRequest):
        return {"kind": "train", "options": asdict(request.options), "policy": request.policy}
    names = ("reference", "horizon", "num_cutoffs", "stride")
    options = {name: getattr(request, name) for name in names}
    return {"kind": "backtest", "options": options, "policy": "none", "version": request.version}


def _digest(request: JobRequest) -> str:
    """What an idempotency key stands for: what was asked, not which version that meant at the time."""
    asked = {name: value for name, value in asdict(request).items() if name != "version"}
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()

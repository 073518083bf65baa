"""Jobs for those who want them done: submit, follow, cancel, resume."""

import hashlib
import json
import uuid
from dataclasses import asdict
from typing import Final

import sqlalchemy as sa
import structlog
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from app.database import Database, DatasetRow, JobRow, Page, now
from app.errors import IdempotencyMismatch, JobNotCancellable, JobNotResumable
from app.job_events import add_event
from app.job_queue import JobQueue
from app.job_rows import LIVE, enter, find_row, read_job, read_jobs, ticket_of
from app.job_values import Job, JobState, TrainingRequest

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

    def submit(self, request: TrainingRequest, *, idempotency_key: str | None = None) -> Job:
        """Queues a training; a key used before gives back the job it was used for.

        Raises:
            IdempotencyMismatch: The key was used for another request.
        """
        try:
            job_id = self._insert(request, idempotency_key)
        except IntegrityError:
            # Another process has just used the same key.
            job_id = self._insert(request, idempotency_key)
        self._enqueue(job_id, job_id)
        return self.get(job_id)

    def get(self, job_id: str) -> Job:
        """The job of an id.

        Raises:
            JobNotFound
        """
        return read_job(self._database, job_id)

    def list(self, *, limit: int = 50, cursor: str | None = None, state: JobState | None = None) -> Page[Job]:
        """The jobs, newest first, without their losses.

        Raises:
            CursorInvalid
        """
        return read_jobs(self._database, limit=limit, cursor=cursor, state=state)

    def cancel(self, job_id: str) -> Job:
        """Asks a job to stop: a queued one at once, a running one at its next batch.

        Raises:
            JobNotFound
            JobNotCancellable: It has ended.
        """
        with self._database.writing() as session:
            row = find_row(session, job_id, lock=True)
            if row.state not in LIVE:
                raise JobNotCancellable(job_id, row.state)
            row.cancel_requested = True
            if row.state == "queued":
                enter(session, row, "cancelled", finished_at=now())
        return self.get(job_id)

    def resume(self, job_id: str) -> Job:
        """Queues a job that was cancelled or has failed once more, to go on from its last epoch.

        Raises:
            JobNotFound
            JobNotResumable: It has succeeded, or has not ended.
        """
        with self._database.writing() as session:
            row = find_row(session, job_id, lock=True)
            if row.state not in _RESUMABLE:
                raise JobNotResumable(job_id, f"its state is {row.state}")
            row.num_resumptions += 1
            row.stalled_attempts, row.cancel_requested, row.error = 0, False, None
            enter(session, row, "queued", finished_at=None)
            ticket = ticket_of(row)
        self._enqueue(job_id, ticket)
        return self.get(job_id)

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

    def _insert(self, request: TrainingRequest, key: str | None) -> str:
        digest = _digest(request)
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


def _new_row(request: TrainingRequest, digest: str, key: str | None, dataset_digest: str | None) -> JobRow:
    return JobRow(
        id=f"job_{uuid.uuid4().hex}",
        state="queued",
        model_name=request.model_name,
        dataset_id=request.dataset_id,
        dataset_digest=dataset_digest,
        options=asdict(request.options),
        policy=request.policy,
        idempotency_key=key,
        request_digest=digest,
        cancel_requested=False,
        num_resumptions=0,
        epoch=0,
        attempts=0,
        stalled_attempts=0,
        created_at=now(),
    )


def _digest(request: TrainingRequest) -> str:
    return hashlib.sha256(json.dumps(asdict(request), sort_keys=True).encode()).hexdigest()

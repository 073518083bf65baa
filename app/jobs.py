"""Training jobs as durable workflows."""

import hashlib
import json
import threading
import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final, Literal, cast

import sqlalchemy as sa
import structlog
from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session

from app.database import Database, DatasetRow, EpochRow, JobRow, Page, now, read_cursor
from app.errors import IdempotencyMismatch, JobAbandoned, JobNotCancellable, JobNotFound, JobNotResumable
from app.job_events import add_event
from model import Progress, TrainingOptions

JobState = Literal["queued", "running", "succeeded", "failed", "cancelled"]
PromotionPolicy = Literal["register", "promote_if_better", "promote"]
"""What happens to the alias `production` after a training: nothing, a comparison, or a move in any case."""

MAX_STALLED_ATTEMPTS: Final = 3
"""How often a worker may die in a job without finishing an epoch before the job is given up."""

_QUEUE: Final = "training"
_WORKFLOW: Final = "training_job"
_LIVE: Final = ("queued", "running")
_RESUMABLE: Final = ("cancelled", "failed")
_log = structlog.get_logger()


@dataclass(frozen=True)
class Loss:
    """The losses after one epoch."""

    epoch: int
    train: float
    validation: float


@dataclass(frozen=True)
class JobFailure:
    """Why a job failed: a stable code, what was found, and what to do."""

    code: str
    detail: str
    hint: str


@dataclass(frozen=True)
class JobNotice:
    """Something about the data of a job that its user should know."""

    code: str
    detail: str
    hint: str
    item_id: str | None = None


@dataclass(frozen=True)
class TrainingRequest:
    """What a training job is asked to do."""

    model_name: str
    dataset_id: str
    options: TrainingOptions
    policy: PromotionPolicy = "promote_if_better"


@dataclass(frozen=True)
class Job:
    """A training job as it stands.

    Attributes:
        id: `job_…`.
        state: queued → running → succeeded, failed or cancelled.
        request: What it was asked to do.
        dataset_digest: Of the revision of its dataset that it trains on: the present one when it was submitted.
        cancel_requested: Whether it is going to stop.
        epoch: Epochs done.
        num_epochs: Epochs at most; None until training has started.
        progress: From 0 to 1.
        eta_seconds: Expected until the last epoch; None where nobody knows.
        losses: Of each epoch done.
        failure: Why it failed.
        notices: What was found in its data, the worst first.
        version: The number of the version it registered.
        decision: What became of the alias, and why, in a sentence.
        attempts: How often a worker has started it.
        created_at: When it was submitted.
        started_at: When a worker first started it.
        finished_at: When it ended.
    """

    id: str
    state: JobState
    request: TrainingRequest
    dataset_digest: str | None
    cancel_requested: bool
    epoch: int
    num_epochs: int | None
    progress: float
    eta_seconds: float | None
    losses: tuple[Loss, ...]
    failure: JobFailure | None
    notices: tuple[JobNotice, ...]
    version: int | None
    decision: str | None
    attempts: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class Jobs:
    """The training jobs: what the service and the user know of them.

    Args:
        database: Where they are kept.
        jobs_url: The database of the workflows that run them.
    """

    def __init__(self, database: Database, jobs_url: str) -> None:
        self._database = database
        self._workflows = _Workflows(jobs_url)

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
        losses = sa.select(EpochRow).where(EpochRow.job_id == job_id).order_by(EpochRow.epoch)
        with self._database.reading() as session:
            return _to_job(_row(session, job_id), session.scalars(losses).all())

    def list(self, *, limit: int = 50, cursor: str | None = None, state: JobState | None = None) -> Page[Job]:
        """The jobs, newest first, without their losses.

        Raises:
            CursorInvalid
        """
        query = sa.select(JobRow).order_by(JobRow.sequence.desc()).limit(limit + 1)
        before = read_cursor(cursor)
        if before is not None:
            query = query.where(JobRow.sequence < before)
        if state is not None:
            query = query.where(JobRow.state == state)
        with self._database.reading() as session:
            rows = session.scalars(query).all()
        more = str(rows[limit - 1].sequence) if len(rows) > limit else None
        return Page(tuple(_to_job(row, ()) for row in rows[:limit]), more)

    def cancel(self, job_id: str) -> Job:
        """Asks a job to stop: a queued one at once, a running one at its next batch.

        Raises:
            JobNotFound
            JobNotCancellable: It has ended.
        """
        with self._database.writing() as session:
            row = _row(session, job_id, lock=True)
            if row.state not in _LIVE:
                raise JobNotCancellable(job_id, row.state)
            row.cancel_requested = True
            if row.state == "queued":
                _enter(session, row, "cancelled", finished_at=now())
        return self.get(job_id)

    def resume(self, job_id: str) -> Job:
        """Queues a job that was cancelled or has failed once more, to go on from its last epoch.

        Raises:
            JobNotFound
            JobNotResumable: It has succeeded, or has not ended.
        """
        with self._database.writing() as session:
            row = _row(session, job_id, lock=True)
            if row.state not in _RESUMABLE:
                raise JobNotResumable(job_id, f"its state is {row.state}")
            row.num_resumptions += 1
            row.stalled_attempts, row.cancel_requested, row.error = 0, False, None
            _enter(session, row, "queued", finished_at=None)
            ticket = _ticket(row)
        self._enqueue(job_id, ticket)
        return self.get(job_id)

    def close(self) -> None:
        """Closes the connection to the workflows."""
        self._workflows.close()

    def start(self, ticket: str) -> Job | None:
        """Notes that a worker starts a job; None if there is nothing to do, because it has ended or was cancelled.

        Args:
            ticket: What the queue holds for the job; one from before the job was resumed is void.

        Raises:
            JobAbandoned: Its worker died too often without getting any further.
        """
        job_id = job_of(ticket)
        with self._database.writing() as session:
            row = _row(session, job_id, lock=True)
            if row.state not in _LIVE or ticket != _ticket(row):
                return None
            if row.cancel_requested:
                _enter(session, row, "cancelled", finished_at=now())
                return None
            if row.stalled_attempts >= MAX_STALLED_ATTEMPTS:
                raise JobAbandoned(job_id, row.stalled_attempts)
            row.attempts += 1
            row.stalled_attempts += 1
            if row.state != "running":
                _enter(session, row, "running", started_at=row.started_at or now())
        return self.get(job_id)

    def record_epoch(self, job_id: str, progress: Progress) -> None:
        """Notes the losses of an epoch; an epoch that a resumed training repeats replaces the earlier one."""
        with self._database.writing() as session:
            row = _row(session, job_id, lock=True)
            row.epoch, row.num_epochs, row.eta_seconds = progress.epoch, progress.num_epochs, progress.eta_seconds
            row.stalled_attempts = 0
            losses = progress.train_loss, progress.validation_loss
            earlier = session.get(EpochRow, (job_id, progress.epoch))
            if earlier is None or (earlier.train_loss, earlier.validation_loss) != losses:
                session.merge(
                    EpochRow(job_id=job_id, epoch=progress.epoch, train_loss=losses[0], validation_loss=losses[1])
                )
                add_event(session, row, losses=losses)

    def record_notices(self, job_id: str, notices: Sequence[JobNotice]) -> None:
        """Notes what was found in the data of a job."""
        self._update(job_id, notices=[asdict(one) for one in notices])

    def cancel_requested(self, job_id: str) -> bool:
        """Whether a job was asked to stop."""
        query = sa.select(JobRow.cancel_requested).where(JobRow.id == job_id)
        with self._database.reading() as session:
            return bool(session.scalar(query))

    def suspend(self, job_id: str) -> None:
        """Notes that a worker leaves a job on purpose, for the next one to go on with."""
        self._update(job_id, stalled_attempts=0, eta_seconds=None)

    def succeed(self, job_id: str, version: int, decision: str) -> None:
        """Notes that a job has registered its version."""
        self._end(job_id, "succeeded", version=version, decision=decision)

    def fail(self, job_id: str, failure: JobFailure) -> None:
        """Notes why a job has failed."""
        self._end(job_id, "failed", error=asdict(failure))

    def end_cancelled(self, job_id: str) -> None:
        """Notes that a job has stopped because it was asked to."""
        self._end(job_id, "cancelled")

    def enqueue_forgotten(self) -> None:
        """Queues the jobs that a crash kept from being queued; one that is queued already stays as it is."""
        with self._database.reading() as session:
            live = session.scalars(sa.select(JobRow).where(JobRow.state.in_(_LIVE)).order_by(JobRow.sequence)).all()
            tickets = [_ticket(row) for row in live]
        for ticket in tickets:
            self._workflows.enqueue(ticket)

    def _enqueue(self, job_id: str, ticket: str) -> None:
        try:
            self._workflows.enqueue(ticket)
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

    def _end(self, job_id: str, state: JobState, **values: object) -> None:
        with self._database.writing() as session:
            row = session.scalar(sa.select(JobRow).where(JobRow.id == job_id).with_for_update())
            if row is not None and row.state in _LIVE:
                _enter(session, row, state, eta_seconds=None, finished_at=now(), **values)

    def _update(self, job_id: str, **values: object) -> None:
        ended = sa.update(JobRow).where(JobRow.id == job_id, JobRow.state.in_(_LIVE)).values(**values)
        with self._database.writing() as session:
            session.execute(ended)


class _Workflows:
    """The client side of the workflows; connects when first used."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client: DBOSClient | None = None
        self._connecting = threading.Lock()
        self._queued: set[str] = set()

    def enqueue(self, ticket: str) -> None:
        """Queues the workflow of a job; does nothing if it is there already."""
        if ticket in self._queued:
            return
        with self._connecting:
            if self._client is None:
                DBOS.migrate(self._url)
                self._client = DBOSClient(
                    system_database_url=self._url,
                    serializer=DBOSPortableJSONSerializer(),
                    application_name="longshot",
                    retry_connection_errors=False,
                )
        self._client.enqueue(
            {"workflow_name": _WORKFLOW, "queue_name": _QUEUE, "workflow_id": ticket, "app_version": "1"}, ticket
        )
        self._queued.add(ticket)

    def close(self) -> None:
        with self._connecting:
            if self._client is not None:
                self._client.destroy()
                self._client = None


def run_workflows(jobs_url: str, *, worker_id: str, work: Callable[[str], None]) -> None:
    """Starts to run queued jobs on a thread, one at a time, those first that an earlier process of this worker left.

    Args:
        jobs_url: The database of the workflows.
        worker_id: The same for every process that may go on with the same jobs.
        work: Does the job of a ticket; it is called again with that ticket if the process dies before it returns.
    """
    DBOS(
        config={
            "name": "longshot",
            "system_database_url": jobs_url,
            "executor_id": worker_id,
            # A constant: a new release goes on with the jobs of the one before.
            "application_version": "1",
            "serializer": DBOSPortableJSONSerializer(),
            "log_level": "WARNING",
        }
    )

    # The jobs count their attempts themselves, and only those that got no further.
    @DBOS.workflow(name=_WORKFLOW, max_recovery_attempts=1_000_000)
    def training_job(ticket: str) -> None:
        work(ticket)

    DBOS.launch()
    DBOS.register_queue(_QUEUE, worker_concurrency=1, polling_interval_sec=0.5)


def job_of(ticket: str) -> str:
    """The id of the job that a ticket of the queue stands for."""
    return ticket.partition(".")[0]


def _ticket(row: JobRow) -> str:
    """What the queue holds for a job: a workflow runs once, so that each resumption needs another."""
    return f"{row.id}.{row.num_resumptions}" if row.num_resumptions else row.id


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


def _enter(session: Session, row: JobRow, state: JobState, **values: object) -> None:
    """Brings a job, whose row is locked, into another state."""
    for name, value in {"state": state, **values}.items():
        setattr(row, name, value)
    add_event(session, row)


def _digest(request: TrainingRequest) -> str:
    return hashlib.sha256(json.dumps(asdict(request), sort_keys=True).encode()).hexdigest()


def _row(session: Session, job_id: str, *, lock: bool = False) -> JobRow:
    query = sa.select(JobRow).where(JobRow.id == job_id)
    row = session.scalar(query.with_for_update() if lock else query)
    if row is None:
        raise JobNotFound(job_id)
    return row


def _to_job(row: JobRow, losses: Sequence[EpochRow]) -> Job:
    policy = cast(PromotionPolicy, row.policy)
    return Job(
        id=row.id,
        state=cast(JobState, row.state),
        request=TrainingRequest(row.model_name, row.dataset_id, TrainingOptions(**row.options), policy),
        dataset_digest=row.dataset_digest,
        cancel_requested=row.cancel_requested,
        epoch=row.epoch,
        num_epochs=row.num_epochs,
        progress=1.0 if row.state == "succeeded" else row.epoch / (row.num_epochs or 1),
        eta_seconds=row.eta_seconds,
        losses=tuple(Loss(one.epoch, one.train_loss, one.validation_loss) for one in losses),
        failure=None if row.error is None else JobFailure(**row.error),
        notices=tuple(JobNotice(**one) for one in row.notices or ()),
        version=row.version,
        decision=row.decision,
        attempts=row.attempts,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )

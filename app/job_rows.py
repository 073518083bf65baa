"""Jobs as rows of the database: found, read as values, brought into another state."""

from collections.abc import Sequence
from typing import Final, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.database import Database, EpochRow, JobRow, Page, read_cursor
from app.errors import JobNotFound
from app.job_events import add_event
from app.job_values import Job, JobFailure, JobNotice, JobState, Loss, PromotionPolicy, TrainingRequest
from model import TrainingOptions

LIVE: Final = ("queued", "running")
"""The states of a job that has not ended."""


def find_row(session: Session, job_id: str, *, lock: bool = False) -> JobRow:
    """The row of a job.

    Raises:
        JobNotFound
    """
    query = sa.select(JobRow).where(JobRow.id == job_id)
    row = session.scalar(query.with_for_update() if lock else query)
    if row is None:
        raise JobNotFound(job_id)
    return row


def enter(session: Session, row: JobRow, state: JobState, **values: object) -> None:
    """Brings a job, whose row is locked, into another state."""
    for name, value in {"state": state, **values}.items():
        setattr(row, name, value)
    add_event(session, row)


def ticket_of(row: JobRow) -> str:
    """What the queue holds for a job: a workflow runs once, so that each resumption needs another."""
    return f"{row.id}.{row.num_resumptions}" if row.num_resumptions else row.id


def read_job(database: Database, job_id: str) -> Job:
    """The job of an id.

    Raises:
        JobNotFound
    """
    losses = sa.select(EpochRow).where(EpochRow.job_id == job_id).order_by(EpochRow.epoch)
    with database.reading() as session:
        return _to_job(find_row(session, job_id), session.scalars(losses).all())


def read_jobs(database: Database, *, limit: int, cursor: str | None, state: JobState | None) -> Page[Job]:
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
    with database.reading() as session:
        rows = session.scalars(query).all()
    more = str(rows[limit - 1].sequence) if len(rows) > limit else None
    return Page(tuple(_to_job(row, ()) for row in rows[:limit]), more)


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

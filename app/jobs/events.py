"""What happens to a job, kept in order, for those who follow it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.errors import JobNotFound
from app.stores.database import Database, now
from app.stores.tables import JobEventRow, JobRow

EventKind = Literal["state", "epoch", "progress", "decision"]
JobKind = Literal["train", "backtest"]

_MOST_AT_ONCE = 500


@dataclass(frozen=True)
class JobEvent:
    """One thing that happened to a job: another state, the end of an epoch, other progress, or a decision.

    Attributes:
        number: 1, 2, … within the job, without a gap.
        at: When.
        kind: What happened.
        state: Of the job since then.
        epoch: Epochs done by then.
        num_epochs: Epochs at most; None until training has started.
        progress: From 0 to 1.
        eta_seconds: Expected until the job ends, at most; None where nobody knows.
        train_loss: After the epoch that ended; None where the state has changed.
        validation_loss: Likewise.
        version: The number of the version, once it is registered; of a backtest, that of the version examined.
        detail: What became of the alias, or why the job failed.
    """

    number: int
    at: datetime
    kind: EventKind
    state: str
    epoch: int
    num_epochs: int | None
    progress: float
    eta_seconds: float | None
    train_loss: float | None
    validation_loss: float | None
    version: int | None
    detail: str | None


@dataclass(frozen=True)
class NewEvents:
    """What happened to a job since an event.

    Attributes:
        items: In order; the first of them, where there are very many.
        is_last: Whether nothing more will happen unless the job is resumed.
    """

    items: tuple[JobEvent, ...]
    is_last: bool


class JobEvents:
    """The events of every job.

    Args:
        database: Where they are kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def since(self, job_id: str, number: int, kind: JobKind | None = None) -> NewEvents:
        """What happened to a job, of a kind or of any, after the event of a number; 0 for all.

        Raises:
            JobNotFound
        """
        query = sa.select(JobEventRow).where(JobEventRow.job_id == job_id, JobEventRow.number > number)
        with self._database.reading() as session:
            finished = session.execute(
                sa.select(JobRow.finished_at, JobRow.kind).where(JobRow.id == job_id)
            ).one_or_none()
            if finished is None or kind not in (None, finished.kind):
                raise JobNotFound(job_id)
            rows = session.scalars(query.order_by(JobEventRow.number).limit(_MOST_AT_ONCE)).all()
        # The job was looked at first: what happened since then is told next time.
        return NewEvents(tuple(map(_to_event, rows)), finished[0] is not None and len(rows) < _MOST_AT_ONCE)


def add_event(
    session: Session, job: JobRow, kind: EventKind = "state", *, losses: tuple[float, float] | None = None
) -> None:
    """Keeps what has just happened to a job, whose row the session has locked.

    Args:
        session: Writes the change itself too: both are kept or neither.
        job: As it is now.
        kind: What happened.
        losses: Training and validation loss, if an epoch ended.
    """
    session.flush()
    last = session.scalar(sa.select(sa.func.max(JobEventRow.number)).where(JobEventRow.job_id == job.id))
    failure = job.error["detail"] if job.error else None
    session.add(
        JobEventRow(
            job_id=job.id,
            number=1 + (last or 0),
            at=now(),
            kind=kind,
            state=job.state,
            epoch=job.epoch,
            num_epochs=job.num_epochs,
            progress=1.0 if job.state == "succeeded" else job.progress,
            eta_seconds=job.eta_seconds,
            train_loss=losses and losses[0],
            validation_loss=losses and losses[1],
            version=job.version,
            detail=job.decision or failure,
        )
    )


def _to_event(row: JobEventRow) -> JobEvent:
    return JobEvent(**{name: getattr(row, name) for name in JobEvent.__dataclass_fields__})

"""Jobs as rows of the database: found, read as values, brought into another state."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, cast, overload

import sqlalchemy as sa
from sqlalchemy.orm import Session, defer

from app.errors import JobNotFound
from app.jobs.events import JobKind, add_event
from app.jobs.values import (
    AnyJob,
    BacktestJob,
    BacktestRequest,
    Job,
    JobFailure,
    JobNotice,
    JobState,
    Loss,
    PromotionPolicy,
    TrainingJob,
    TrainingRequest,
)
from app.stores.database import Database, Page, read_cursor
from app.stores.tables import EpochRow, JobRow
from model import BacktestReport, TrainingOptions

LIVE: Final = ("queued", "running")
"""The states of a job that has not ended."""

KINDS: Final[Mapping[type[Job], JobKind]] = {TrainingJob: "train", BacktestJob: "backtest"}


@dataclass(frozen=True)
class JobFilter:
    """Which jobs are meant: those for which all that is given holds."""

    state: JobState | None = None
    model_name: str | None = None
    version: int | None = None


def find_row(session: Session, job_id: str, kind: type[Job] = Job, *, lock: bool = False) -> JobRow:
    """The row of a job.

    Raises:
        JobNotFound: There is none, or it is of another kind.
    """
    query = sa.select(JobRow).where(JobRow.id == job_id)
    row = session.scalar(query.with_for_update() if lock else query)
    if row is None or KINDS.get(kind, row.kind) != row.kind:
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


@overload
def read_job(database: Database, job_id: str) -> Job: ...
@overload
def read_job(database: Database, job_id: str, kind: type[AnyJob]) -> AnyJob: ...
def read_job(database: Database, job_id: str, kind: type[Job] = Job) -> Job:
    """The job of an id.

    Raises:
        JobNotFound: There is none, or it is of another kind.
    """
    losses = sa.select(EpochRow).where(EpochRow.job_id == job_id).order_by(EpochRow.epoch)
    with database.reading() as session:
        row = find_row(session, job_id, kind)
        return _to_job(row, session.scalars(losses).all(), row.report)


def read_jobs(
    database: Database, kind: type[AnyJob], only: JobFilter, *, limit: int, cursor: str | None
) -> Page[AnyJob]:
    """The jobs of a kind, newest first, without their losses and reports.

    Raises:
        CursorInvalid
    """
    wanted = {name: value for name, value in asdict(only).items() if value is not None}
    if kind in KINDS:
        wanted["kind"] = KINDS[kind]
    query = sa.select(JobRow).filter_by(**wanted).order_by(JobRow.sequence.desc()).limit(limit + 1)
    before = read_cursor(cursor)
    if before is not None:
        query = query.where(JobRow.sequence < before)
    with database.reading() as session:
        rows = session.scalars(query.options(defer(JobRow.report))).all()
    more = str(rows[limit - 1].sequence) if len(rows) > limit else None
    return Page(tuple(cast(AnyJob, _to_job(row, (), None)) for row in rows[:limit]), more)


def _to_job(row: JobRow, losses: Sequence[EpochRow], report: str | None) -> Job:
    if row.kind == "backtest":
        return BacktestJob(
            **_common(row),
            request=BacktestRequest(
                model_name=row.model_name, version=row.version or 0, dataset_id=row.dataset_id, **row.options
            ),
            report=None if report is None else BacktestReport.from_json(json.loads(report)),
        )
    policy = cast(PromotionPolicy, row.policy)
    return TrainingJob(
        **_common(row),
        request=TrainingRequest(row.model_name, row.dataset_id, TrainingOptions(**row.options), policy),
        epoch=row.epoch,
        num_epochs=row.num_epochs,
        losses=tuple(Loss(one.epoch, one.train_loss, one.validation_loss) for one in losses),
        version=row.version,
        decision=row.decision,
    )


def _common(row: JobRow) -> dict[str, Any]:
    """What jobs of every kind have."""
    same = ("id", "state", "dataset_digest", "cancel_requested", "eta_seconds", "attempts")
    moments = ("created_at", "started_at", "finished_at")
    return {name: getattr(row, name) for name in (*same, *moments)} | {
        "progress": 1.0 if row.state == "succeeded" else row.progress,
        "failure": None if row.error is None else JobFailure(**row.error),
        "notices": tuple(JobNotice(**one) for one in row.notices or ()),
    }

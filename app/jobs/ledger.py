"""What a worker notes of the jobs it does: that one starts, how far it is, how it ends."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

import sqlalchemy as sa

from app.errors import JobAbandoned
from app.jobs.events import add_event
from app.jobs.queue import job_of
from app.jobs.rows import LIVE, enter, find_row, read_job, ticket_of
from app.jobs.values import Job, JobFailure, JobNotice, JobState
from app.stores.database import Database, now
from app.stores.tables import EpochRow, JobRow
from model import BacktestReport, Progress

MAX_STALLED_ATTEMPTS: Final = 3
"""How often a worker may die in a job without getting any further before the job is given up."""


class JobLedger:
    """How the jobs go on, as their worker tells.

    Args:
        database: Where they are kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def start(self, ticket: str) -> Job | None:
        """Notes that a worker starts a job; None if there is nothing to do, because it has ended or was cancelled.

        Args:
            ticket: What the queue holds for the job; one from before the job was resumed is void.

        Raises:
            JobAbandoned: Its worker died too often without getting any further.
        """
        job_id = job_of(ticket)
        with self._database.writing() as session:
            row = find_row(session, job_id, lock=True)
            if row.state not in LIVE or ticket != ticket_of(row):
                return None
            if row.cancel_requested:
                enter(session, row, "cancelled", finished_at=now())
                return None
            if row.stalled_attempts >= MAX_STALLED_ATTEMPTS:
                raise JobAbandoned(job_id, row.stalled_attempts)
            row.attempts += 1
            row.stalled_attempts += 1
            if row.state != "running":
                enter(session, row, "running", started_at=row.started_at or now())
        return read_job(self._database, job_id)

    def record_epoch(self, job_id: str, progress: Progress) -> None:
        """Notes the losses of an epoch; an epoch that a resumed training repeats replaces the earlier one."""
        with self._database.writing() as session:
            row = find_row(session, job_id, lock=True)
            row.epoch, row.num_epochs, row.eta_seconds = progress.epoch, progress.num_epochs, progress.eta_seconds
            row.progress = progress.epoch / progress.num_epochs
            row.stalled_attempts = 0
            losses = progress.train_loss, progress.validation_loss
            earlier = session.get(EpochRow, (job_id, progress.epoch))
            if earlier is None or (earlier.train_loss, earlier.validation_loss) != losses:
                session.merge(
                    EpochRow(job_id=job_id, epoch=progress.epoch, train_loss=losses[0], validation_loss=losses[1])
                )
                add_event(session, row, "epoch", losses=losses)

    def record_progress(self, job_id: str, progress: float, eta_seconds: float) -> None:
        """Notes how far a job without epochs is.

        It starts anew with another worker, so that one which dies of it has not got any further.
        """
        with self._database.writing() as session:
            row = find_row(session, job_id, lock=True)
            row.progress, row.eta_seconds = progress, eta_seconds
            add_event(session, row, "progress")

    def record_decision(self, job_id: str, decision: str) -> None:
        """Notes what becomes of the alias, and why, before it moves; once, however often a training is repeated."""
        with self._database.writing() as session:
            row = find_row(session, job_id, lock=True)
            if row.decision != decision:
                row.decision = decision
                add_event(session, row, "decision")

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
        """Notes that a training has registered its version."""
        self._end(job_id, "succeeded", version=version, decision=decision)

    def succeed_with_report(self, job_id: str, report: BacktestReport) -> None:
        """Notes what a backtest has come to."""
        self._end(job_id, "succeeded", report=json.dumps(report.to_json()))

    def fail(self, job_id: str, failure: JobFailure) -> None:
        """Notes why a job has failed."""
        self._end(job_id, "failed", error=asdict(failure))

    def end_cancelled(self, job_id: str) -> None:
        """Notes that a job has stopped because it was asked to."""
        self._end(job_id, "cancelled")

    def _end(self, job_id: str, state: JobState, **values: object) -> None:
        with self._database.writing() as session:
            row = session.scalar(sa.select(JobRow).where(JobRow.id == job_id).with_for_update())
            if row is not None and row.state in LIVE:
                enter(session, row, state, eta_seconds=None, finished_at=now(), **values)

    def _update(self, job_id: str, **values: object) -> None:
        ended = sa.update(JobRow).where(JobRow.id == job_id, JobRow.state.in_(LIVE)).values(**values)
        with self._database.writing() as session:
            session.execute(ended)

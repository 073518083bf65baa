"""Training jobs as durable workflows."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from app.database import Database, Page
from model import TrainingOptions

JobState = Literal["queued", "running", "succeeded", "failed", "cancelled"]
PromotionPolicy = Literal["register", "promote_if_better", "promote"]
"""What happens to the alias `production` after a training: nothing, a comparison, or a move in any case."""


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
        cancel_requested: Whether it is going to stop.
        epoch: Epochs done.
        num_epochs: Epochs at most; None until training has started.
        progress: From 0 to 1.
        eta_seconds: Expected until the last epoch; None where nobody knows.
        losses: Of each epoch done.
        failure: Why it failed.
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
    cancel_requested: bool
    epoch: int
    num_epochs: int | None
    progress: float
    eta_seconds: float | None
    losses: tuple[Loss, ...]
    failure: JobFailure | None
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
        self._jobs_url = jobs_url

    def submit(self, request: TrainingRequest, *, idempotency_key: str | None = None) -> Job:
        """Queues a training; a key used before gives back the job it was used for.

        Raises:
            IdempotencyMismatch: The key was used for another request.
        """
        raise NotImplementedError

    def get(self, job_id: str) -> Job:
        """The job of an id.

        Raises:
            JobNotFound
        """
        raise NotImplementedError

    def list(self, *, limit: int = 50, cursor: str | None = None, state: JobState | None = None) -> Page[Job]:
        """The jobs, newest first, without their losses.

        Raises:
            CursorInvalid
        """
        raise NotImplementedError

    def cancel(self, job_id: str) -> Job:
        """Asks a job to stop: a queued one at once, a running one at its next batch.

        Raises:
            JobNotFound
            JobNotCancellable: It has ended.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Closes the connection to the workflows."""
        raise NotImplementedError

"""What a job is asked to do, and how it stands."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

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

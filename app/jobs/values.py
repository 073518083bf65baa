"""What a job is asked to do, and how it stands."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeVar

from model import BacktestReport, TrainingOptions

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
class BacktestRequest:
    """What a backtest is asked to do.

    Attributes:
        reference: The version as it was asked for, such as `name@alias`.
        model_name: The model that it meant when the job was submitted.
        version: The version of it.
        dataset_id: The panel to forecast the ends of.
        horizon: Steps from each cutoff; the one that the version was trained on, if left out.
        num_cutoffs: Cutoffs a series.
        stride: Steps from one cutoff to the next; a horizon, if left out.
    """

    reference: str
    model_name: str
    version: int
    dataset_id: str
    horizon: int | None = None
    num_cutoffs: int = 1
    stride: int | None = None


JobRequest = TrainingRequest | BacktestRequest


@dataclass(frozen=True)
class Job:
    """A job of any kind as it stands.

    Attributes:
        id: `job_…`.
        state: queued → running → succeeded, failed or cancelled.
        dataset_digest: Of the revision of its dataset that it works on: the present one when it was submitted.
        cancel_requested: Whether it is going to stop.
        progress: From 0 to 1.
        eta_seconds: Expected until it ends, at most; None where nobody knows.
        failure: Why it failed.
        notices: What its user should know, the worst first.
        attempts: How often a worker has started it.
        created_at: When it was submitted.
        started_at: When a worker first started it.
        finished_at: When it ended.
    """

    id: str
    state: JobState
    dataset_digest: str | None
    cancel_requested: bool
    progress: float
    eta_seconds: float | None
    failure: JobFailure | None
    notices: tuple[JobNotice, ...]
    attempts: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True)
class TrainingJob(Job):
    """A training job as it stands.

    Attributes:
        request: What it was asked to do.
        epoch: Epochs done.
        num_epochs: Epochs at most; None until training has started.
        losses: Of each epoch done.
        version: The number of the version it registered.
        decision: What became of the alias, and why, in a sentence.
    """

    request: TrainingRequest
    epoch: int
    num_epochs: int | None
    losses: tuple[Loss, ...]
    version: int | None
    decision: str | None


@dataclass(frozen=True)
class BacktestJob(Job):
    """A backtest as it stands.

    Attributes:
        request: What it was asked to do.
        report: What it came to; None until it has succeeded, and in lists.
    """

    request: BacktestRequest
    report: BacktestReport | None


AnyJob = TypeVar("AnyJob", bound=Job)
"""A kind of job, or `Job` for all of them."""

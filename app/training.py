"""Use case: submit a training, and run one."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from app.datasets import Datasets
from app.jobs import Job, Jobs, PromotionPolicy, TrainingRequest
from app.registry import Registry, Version
from model import Panel, Progress, TrainingOptions


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a training came to: a version, and in a sentence what became of the alias and why."""

    version: Version
    decision: str


def submit(jobs: Jobs, datasets: Datasets, request: TrainingRequest, *, idempotency_key: str | None = None) -> Job:
    """Queues a training on a stored dataset; store an inline panel with `datasets.add` first.

    Raises:
        NameInvalid, DatasetNotFound, IdempotencyMismatch
        ForecastingError: The series or the options allow no training.
    """
    raise NotImplementedError


@dataclass(frozen=True)
class TrainingPlan:
    """What to train, and for whom.

    Attributes:
        name: The model that the version will belong to.
        options: What the user chose.
        policy: What happens to the alias `production`; the first version of a name always gets it.
        actor: Who is named in the alias's history.
        job_id: The job this is, so that a repeated one registers once.
        dataset_id: The dataset that the panel came from.
    """

    name: str
    actor: str
    options: TrainingOptions = field(default_factory=TrainingOptions)
    policy: PromotionPolicy = "promote_if_better"
    job_id: str | None = None
    dataset_id: str | None = None


def train(
    registry: Registry,
    panel: Panel,
    plan: TrainingPlan,
    *,
    state_path: Path | None = None,
    on_epoch: Callable[[Progress], None] = lambda _: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Trains, evaluates, registers and, if the policy allows, promotes; in this process.

    Args:
        registry: Where the version goes.
        panel: What to train on.
        plan: What to train.
        state_path: Where to keep what a resumed training goes on from.
        on_epoch: Told after each epoch.
        should_stop: Asked before each batch.

    Raises:
        TrainingCancelled: `should_stop` said so.
        ForecastingError: The series or the options allow no training, or it diverged.
    """
    raise NotImplementedError

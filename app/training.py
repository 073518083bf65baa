"""Use case: submit a training, and run one."""

from collections.abc import Callable
from dataclasses import dataclass
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


def train(
    registry: Registry,
    panel: Panel,
    name: str,
    *,
    options: TrainingOptions | None = None,
    policy: PromotionPolicy = "promote_if_better",
    actor: str,
    job_id: str | None = None,
    dataset_id: str | None = None,
    state_path: Path | None = None,
    on_epoch: Callable[[Progress], None] = lambda progress: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Trains, evaluates, registers and, if the policy allows, promotes; in this process.

    Args:
        registry: Where the version goes.
        panel: What to train on.
        name: The model.
        options: What the user chose.
        policy: What happens to the alias `production`; the first version of a name always gets it.
        actor: Who is named in the alias's history.
        job_id: The job this is, so that a repeated one registers once.
        dataset_id: The dataset that the panel came from.
        state_path: Where to keep what a resumed training goes on from.
        on_epoch: Told after each epoch.
        should_stop: Asked before each batch.

    Raises:
        TrainingCancelled: `should_stop` said so.
        ForecastingError: The series or the options allow no training, or it diverged.
    """
    raise NotImplementedError

"""What an experiment is: budgets, one training, what is measured of it, and figures.

Each module of this package that holds an experiment ends in an `Experiment`, or two that share a training, and
`benchmarks.paper.__main__` lists them. The frame repeats the training over parametrisations, variants and seeds.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Literal, Protocol, TypeVar

import torch

from benchmarks.measurement import Measurement

Variant = Mapping[str, str | int | float]
"""What differs between the trainings of one experiment beside parametrisation and seed: `{"inflation": 20}`."""


class Budget(Protocol):
    """What every experiment's own frozen dataclass of sizes and steps has; each field a number that is documented."""

    @property
    def seeds(self) -> tuple[int, ...]:
        """One training each."""


BudgetT = TypeVar("BudgetT", bound=Budget)


@dataclass(frozen=True)
class Metric:
    """Something measured after every training.

    Attributes:
        name: In tables and records.
        unit: `MSE`, `share`, `parameters`.
        published: Figures of others in the same unit, by whose they are.
        summary: How a table sums up the seeds: median and quartiles, or the mean where a figure is yes or no.
    """

    name: str
    unit: str
    published: Mapping[str, float] = field(default_factory=dict)
    summary: Literal["quartiles", "mean"] = "quartiles"


@dataclass(frozen=True)
class Task(Generic[BudgetT]):
    """One training. Torch's generator was seeded with the seed just before.

    Attributes:
        parametrisation: One of `PARAMETRISATIONS`.
        seed: Of this training.
        variant: One of the experiment's variants.
        budget: Sizes and steps.
        device: Where to train.
        data: The folder with the sets somewhere below it.
    """

    parametrisation: str
    seed: int
    variant: Variant
    budget: BudgetT
    device: torch.device
    data: Path


@dataclass(frozen=True)
class Outcome:
    """What came of one training.

    Attributes:
        values: By the metric's name; NaN where it failed.
        drawn: What the experiment's figures need of it, on the CPU.
    """

    values: Mapping[str, float]
    drawn: Any = None


@dataclass(frozen=True)
class Run(Generic[BudgetT]):
    """A training that is done.

    Attributes:
        task: What was asked.
        outcome: What came of it.
        seconds: How long it took.
    """

    task: Task[BudgetT]
    outcome: Outcome
    seconds: float


def _one_variant(_: object, __: str) -> Sequence[Variant]:
    return ({},)


@dataclass(frozen=True)
class Experiment(Generic[BudgetT]):
    """An experiment of the paper.

    Attributes:
        name: On the command line and in records.
        quick: A budget of minutes on one core.
        full: The paper's budget.
        train: One training.
        metrics: What it measures, in the order of the table.
        draw: Writes figures of all runs into a folder and returns their paths. Import matplotlib inside.
        variants: The variants of a budget for a parametrisation; each names the same things.
        missing: What is not below the folder of data, in words for a person; None if nothing.
    """

    name: str
    quick: BudgetT
    full: BudgetT
    train: Callable[[Task[BudgetT]], Outcome]
    metrics: tuple[Metric, ...]
    draw: Callable[[Sequence[Run[BudgetT]], Path], list[Path]]
    variants: Callable[[BudgetT, str], Sequence[Variant]] = _one_variant
    missing: Callable[[Path], str | None] = lambda _: None


def label(variant: Variant) -> str:
    """A variant in a word: `inflation=20,particles=5`; empty for the only one."""
    return ",".join(f"{name}={value}" for name, value in variant.items())


def measurements(experiment: Experiment[BudgetT], run: Run[BudgetT]) -> list[Measurement]:
    """A run as records, one for each metric."""
    task = run.task
    parts = ["paper", experiment.name, *([label(task.variant)] if task.variant else []), task.parametrisation]
    settings = {**vars(task.budget), **task.variant, "seed": task.seed, "seconds": round(run.seconds, 1)}
    return [
        Measurement(".".join([*parts, m.name]), run.outcome.values[m.name], m.unit, m.published, settings)
        for m in experiment.metrics
    ]

"""Concentric circles: a disc and the ring around it, told apart by a line in the plane of final states.

No flow of the plane alone can do that, since it keeps what is inside inside; the second state gives the room for it.
A run separates the classes if it gets at least `SEPARATED` of the test points right.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.paper.circles_figures import Drawn, draw
from benchmarks.paper.experiment import Experiment, Metric, Outcome, Task, Variant
from benchmarks.paper.training import LiftedFlow, ParameterWeights, descend, num_parameters

RADII = ((0.0, 0.5), (1.0, 1.5))
"""Of the disc, class 0, and of the ring, class 1."""

SEPARATED = 0.995
"""The share of test points from which on a run counts: everything but stray points at the edge."""

DATA_SEED = 0
"""Of the points, the same for all runs."""


@dataclass(frozen=True)
class Budget:
    """Sizes and steps.

    Attributes:
        seeds: One training each.
        inflations: α, one variant each.
        num_particles: K.
        num_pieces: Of `direct_dynamic`.
        points: For training, and as many for the test.
        batch_size: Points an iteration.
        epochs: Passes over the points.
        learning_rate: Of Adam, constant.
        step: Of the flow over one unit of time.
        energy_weight: Of the penalty beside the logistic loss.
        lift: How v starts.
        parameter_weights: Of the cost.
    """

    seeds: tuple[int, ...]
    inflations: tuple[int, ...] = (5, 20)
    num_particles: int = 20
    num_pieces: int = 5
    points: int = 3000
    batch_size: int = 128
    epochs: int = 20
    learning_rate: float = 5e-3
    step: float = 0.1
    energy_weight: float = 0.0
    lift: str = "linear"
    parameter_weights: ParameterWeights = 1.0


def circles(points: int, seed: int) -> tuple[Tensor, Tensor]:
    """Points of shape (points, 2), half of them in each class, and their classes; uniform in angle and radius."""
    generator = torch.Generator().manual_seed(seed)
    classes = torch.arange(points) % 2
    low, high = torch.tensor(RADII).T
    radius = low[classes] + (high - low)[classes] * torch.rand(points, generator=generator)
    angle = 2 * math.pi * torch.rand(points, generator=generator)
    return torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1), classes.float()


class Classifier(nn.Module):
    """A flow of the plane over one unit of time and a line through where it ends."""

    def __init__(self, task: Task[Budget]) -> None:
        super().__init__()
        budget = task.budget
        self.flow = LiftedFlow(
            task.parametrisation,
            state_size=2,
            inflation=int(task.variant["inflation"]),
            num_particles=budget.num_particles,
            num_pieces=budget.num_pieces,
            duration=1.0,
            step=budget.step,
            lift=budget.lift,
            parameter_weights=budget.parameter_weights,
        )
        self.read_out = nn.Linear(2, 1)

    def forward(self, x: Tensor) -> Tensor:
        """The logit of class 1 for points of shape (points, 2)."""
        logits: Tensor = self.read_out(self.flow(x, [1.0])[0]).squeeze(1)
        return logits


def train(task: Task[Budget]) -> Outcome:
    """One training, and how well it tells the classes apart."""
    budget = task.budget
    x, classes = (one.to(task.device) for one in circles(budget.points, DATA_SEED))
    test = tuple(one.to(task.device) for one in circles(budget.points, DATA_SEED + 1))
    network = Classifier(task).to(task.device)
    batches = iter(
        batch for _ in range(budget.epochs) for batch in torch.randperm(budget.points).split(budget.batch_size)
    )

    def loss() -> Tensor:
        batch = next(batches).to(task.device)
        fit = functional.binary_cross_entropy_with_logits(network(x[batch]), classes[batch])
        return fit + budget.energy_weight * network.flow.energy()

    iterations = budget.epochs * math.ceil(budget.points / budget.batch_size)
    descend(network, loss, iterations=iterations, learning_rate=budget.learning_rate, annealed=False)
    accuracy = _accuracy(network, *test)
    values = {
        "separated": float(accuracy >= SEPARATED),
        "test_accuracy": accuracy,
        "train_accuracy": _accuracy(network, x, classes),
        "parameters": float(num_parameters(network)),
    }
    return Outcome(values, _drawn(network, *test))


@torch.no_grad()
def _accuracy(network: Classifier, x: Tensor, classes: Tensor) -> float:
    scores: Tensor = network(x)
    return ((scores > 0) == (classes > 0.5)).float().mean().item()


@torch.no_grad()
def _drawn(network: Classifier, x: Tensor, classes: Tensor) -> Drawn:
    times = [0.0, 0.25, 0.5, 0.75, 1.0]
    return Drawn(times, network.flow(x[:400], times).cpu(), classes[:400].cpu())


def variants(budget: Budget, _: str) -> Sequence[Variant]:
    """One for each α."""
    return [{"inflation": inflation} for inflation in budget.inflations]


EXPERIMENT = Experiment(
    name="circles",
    quick=Budget(seeds=(0, 1), epochs=10, step=0.25),
    full=Budget(seeds=tuple(range(30))),
    train=train,
    metrics=(
        Metric("separated", "share", {"reference, inflation 20": 0.9, "5": 0.1}, "mean"),
        Metric("test_accuracy", "share"),
        Metric("train_accuracy", "share"),
        Metric("parameters", "parameters"),
    ),
    draw=draw,
    variants=variants,
)

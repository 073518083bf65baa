"""Two functions of one variable, fitted by flows of the line: `y = x³` and the quadratic-like `y = x² + 3/(1+x²)`.

The second is not monotone, so that no flow of the line alone can be it: the second state has to carry points past each
other. y is x at time 1. The loss is 100 times the mean square error plus the energy. What is compared is the error
that a number of parameters buys, over α and, where there are particles, K.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from benchmarks.paper.experiment import Experiment, Metric, Outcome, Task, Variant
from benchmarks.paper.regression_figures import draw
from benchmarks.paper.training import LiftedFlow, ParameterWeights, descend, num_parameters

FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "cubic": lambda x: x**3,
    "quadratic": lambda x: x**2 + 3 / (1 + x**2),
}
"""Each an experiment of this name."""

INTERVAL = (-1.5, 1.5)
"""Of x; the paper names none."""

NO_PARTICLES = 0
"""K in the variants of the direct parametrisations."""


@dataclass(frozen=True)
class Budget:
    """Sizes and steps.

    Attributes:
        seeds: One training each.
        inflations: α.
        particles: K, of the two parametrisations that have particles.
        iterations: Of Adam, on all points, annealed along a cosine.
        num_pieces: Of `direct_dynamic`.
        points: For training, evenly spaced; the test is at the middles between them.
        loss_weight: Of the mean square error.
        energy_weight: Of the penalty.
        learning_rate: The same for all parametrisations; not tuned for any of them.
        step: Of the flow over one unit of time.
        lift: How v starts.
        parameter_weights: Of the cost.
    """

    seeds: tuple[int, ...]
    inflations: tuple[int, ...]
    particles: tuple[int, ...]
    iterations: int
    num_pieces: int = 4
    points: int = 100
    loss_weight: float = 100.0
    energy_weight: float = 1.0
    learning_rate: float = 1e-2
    step: float = 0.25
    lift: str = "linear"
    parameter_weights: ParameterWeights = 1.0


QUICK = Budget(seeds=(0,), inflations=(4, 32), particles=(5, 15), iterations=200)
FULL = Budget(seeds=tuple(range(10)), inflations=(4, 8, 16, 32, 64, 128), particles=(2, 5, 15, 25), iterations=500)


def points(count: int) -> tuple[Tensor, Tensor]:
    """Points x for training and, between them, for the test; of shapes (count, 1) and (count - 1, 1)."""
    train = torch.linspace(*INTERVAL, count)[:, None]
    return train, (train[1:] + train[:-1]) / 2


def variants(budget: Budget, parametrisation: str) -> Sequence[Variant]:
    """One for each α and, where there are particles, K."""
    particles = budget.particles if parametrisation.startswith("particles") else (NO_PARTICLES,)
    return [{"inflation": inflation, "particles": count} for inflation in budget.inflations for count in particles]


def train(function: Callable[[Tensor], Tensor], task: Task[Budget]) -> Outcome:
    """One training, and its errors."""
    budget = task.budget
    x, between = (one.to(task.device) for one in points(budget.points))
    network = LiftedFlow(
        task.parametrisation,
        state_size=1,
        inflation=int(task.variant["inflation"]),
        num_particles=int(task.variant["particles"]),
        num_pieces=budget.num_pieces,
        duration=1.0,
        step=budget.step,
        lift=budget.lift,
        parameter_weights=budget.parameter_weights,
    ).to(task.device)

    def error(x: Tensor) -> Tensor:
        answers: Tensor = network(x, [1.0])[0]
        return (answers - function(x)).square().mean()

    def loss() -> Tensor:
        return budget.loss_weight * error(x) + budget.energy_weight * network.energy()

    descend(network, loss, iterations=budget.iterations, learning_rate=budget.learning_rate, annealed=True)
    with torch.no_grad():
        values = {
            "test_error": error(between).item(),
            "training_loss": loss().item(),
            "energy": network.energy().item(),
            "parameters": float(num_parameters(network)),
        }
    return Outcome(values)


def _experiment(name: str) -> Experiment[Budget]:
    return Experiment(
        name=name,
        quick=QUICK,
        full=FULL,
        train=partial(train, FUNCTIONS[name]),
        metrics=(
            Metric("test_error", "MSE"),
            Metric("training_loss", "loss"),
            Metric("energy", "energy"),
            Metric("parameters", "parameters"),
        ),
        draw=partial(draw, name),
        variants=variants,
    )


CUBIC, QUADRATIC = (_experiment(name) for name in FUNCTIONS)

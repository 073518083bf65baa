"""A spiral learned from short snippets, then followed from end to end.

`ẏᵀ = (y³)ᵀ A` from (2, 0), 200 points over ten units of time. Training sees every snippet of five neighbouring points:
the first goes in, the other four are to come out. The test is the whole trajectory from its first point alone, by
chaining snippets: where one ends, the next begins. The flow simply continued past its snippet is measured beside it.

One unit of the flow's time is one snippet. The reference code is silent about a penalty; none is used here.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torchdiffeq import odeint

from benchmarks.paper.control_record import record_controls
from benchmarks.paper.experiment import Experiment, Metric, Outcome, Task
from benchmarks.paper.spiral_figures import Drawn, draw
from benchmarks.paper.training import LiftedFlow, ParameterWeights, descend, num_parameters
from model.errors import ShootingArgumentInvalid

MATRIX = ((-0.1, 2.0), (-2.0, -0.1))
START = (2.0, 0.0)
END_TIME = 10.0
NUM_POINTS = 200

LEARNING_RATES = {
    "direct_static": 3e-2,
    "direct_dynamic": 3e-2,
    "particles_static": 1e-1,
    "particles_dynamic": 1e-1,
}
"""Of those tried for each, the one with the least error on the training snippets (docs/experiments.md)."""


@dataclass(frozen=True)
class Budget:
    """Sizes and steps.

    Attributes:
        seeds: One training each.
        iterations: Of Adam, annealed along a cosine.
        inflation: α.
        num_particles: K.
        num_pieces: Of `direct_dynamic`, within a snippet.
        snippet_points: Of a snippet, its start included.
        batch_size: Snippets an iteration, drawn with replacement.
        learning_rate: The same for all parametrisations; None takes each one's own from `LEARNING_RATES`.
        step: Of the flow; half a snippet, the points between from the method's continuous extension.
        lift: How v starts.
        parameter_weights: Of the cost.
    """

    seeds: tuple[int, ...]
    iterations: int
    inflation: int = 32
    num_particles: int = 25
    num_pieces: int = 2
    snippet_points: int = 5
    batch_size: int = 100
    learning_rate: float | None = None
    step: float = 0.5
    lift: str = "linear"
    parameter_weights: ParameterWeights = 1.0


def velocity(_: Tensor, y: Tensor) -> Tensor:
    """ẏ of points y of shape (..., 2)."""
    return y**3 @ torch.tensor(MATRIX, dtype=y.dtype)


def trajectory() -> Tensor:
    """The spiral at its points, of shape (200, 2), in float64."""
    times = torch.linspace(0, END_TIME, NUM_POINTS, dtype=torch.float64)
    solution: Tensor = odeint(velocity, torch.tensor(START, dtype=torch.float64), times, rtol=1e-10, atol=1e-12)
    return solution


def snippets(points: Tensor, length: int) -> Tensor:
    """Every window of neighbouring points, of shape (length, windows, 2)."""
    return points.unfold(0, length, 1).permute(2, 0, 1)


def chained(onward: Callable[[Tensor], Tensor], start: Tensor, num_points: int) -> Tensor:
    """A trajectory of shape (num_points, 2) from its first point.

    Args:
        onward: From a point of shape (1, 2) to the points of a snippet after it, of shape (n, 1, 2).
        start: Of shape (2,).
        num_points: The start included.
    """
    points = start[None]
    while len(points) < num_points:
        points = torch.cat([points, onward(points[-1:])[:, 0]])
    return points[:num_points]


def train(task: Task[Budget]) -> Outcome:
    """One training, and how far from the spiral it ends up."""
    budget = task.budget
    truth = trajectory().float().to(task.device)
    windows = snippets(truth, budget.snippet_points)
    times = [number / (budget.snippet_points - 1) for number in range(1, budget.snippet_points)]
    network = LiftedFlow(
        task.parametrisation,
        state_size=2,
        inflation=budget.inflation,
        num_particles=budget.num_particles,
        num_pieces=budget.num_pieces,
        duration=1.0,
        step=budget.step,
        lift=budget.lift,
        parameter_weights=budget.parameter_weights,
    ).to(task.device)

    def loss() -> Tensor:
        batch = windows[:, torch.randint(windows.shape[1], (budget.batch_size,))]
        paths: Tensor = network(batch[0], times)
        return (paths - batch[1:]).square().mean()

    rate = budget.learning_rate or LEARNING_RATES[task.parametrisation]
    descend(network, loss, iterations=budget.iterations, learning_rate=rate, annealed=True)
    return _outcome(network, truth, windows, times)


@torch.no_grad()
def _outcome(network: LiftedFlow, truth: Tensor, windows: Tensor, times: list[float]) -> Outcome:
    in_chain = _finite_or_nan(lambda: chained(lambda start: network(start, times), truth[0], NUM_POINTS), truth)
    later = [number / len(times) for number in range(NUM_POINTS)]
    continued = _finite_or_nan(lambda: network(truth[:1], later)[:, 0], truth)
    values = {
        "long_range_error": (in_chain - truth).square().mean().item(),
        "continued_error": (continued - truth).square().mean().item(),
        "training_error": (network(windows[0], times) - windows[1:]).square().mean().item(),
        "parameters": float(num_parameters(network)),
    }
    return Outcome(
        values, Drawn(truth.cpu(), in_chain.cpu(), continued.cpu(), record_controls(network.flow, duration=1.0))
    )


def _finite_or_nan(found: Callable[[], Tensor], like: Tensor) -> Tensor:
    """NaN for a trajectory that runs away until numbers end."""
    try:
        points = found()
    except ShootingArgumentInvalid:
        return torch.full_like(like, torch.nan)
    return points if torch.isfinite(points).all() else torch.full_like(like, torch.nan)


EXPERIMENT = Experiment(
    name="spiral",
    quick=Budget(seeds=(0, 1), iterations=300),
    full=Budget(seeds=tuple(range(10)), iterations=1500),
    train=train,
    metrics=(
        Metric("long_range_error", "MSE"),
        Metric("continued_error", "MSE"),
        Metric("training_error", "MSE"),
        Metric("parameters", "parameters"),
    ),
    draw=draw,
)

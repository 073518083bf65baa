"""What the small experiments train and how: a lifted flow, and Adam on a loss."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Literal, final

import torch
from torch import Tensor, nn

from model.errors import TrainingDiverged
from model.shooting.dynamics import LinearDynamics, UpDownUniversal
from model.shooting.flow import Flow
from model.shooting.lift import Lift
from model.shooting.parametrisation import parametrise
from model.shooting.phase import State

ParameterWeights = float | Literal["fan_in"]
"""The m_w of the cost: one number for all weights, or each matrix's number of columns."""


@final
class LiftedFlow(nn.Module):
    """Points x at times, under the field of the paper's experiments; relu.

    Args:
        parametrisation: One of `PARAMETRISATIONS`.
        state_size: d.
        inflation: α.
        num_particles: K, for the two with particles.
        num_pieces: Of `direct_dynamic`, within the duration.
        duration: The time that training covers.
        step: Of Runge-Kutta's method of fourth order.
        lift: How v starts; a key of `LIFTS`.
        parameter_weights: Of the cost.
    """

    def __init__(
        self,
        parametrisation: str,
        *,
        state_size: int,
        inflation: int,
        num_particles: int,
        num_pieces: int,
        duration: float,
        step: float,
        lift: str,
        parameter_weights: ParameterWeights,
    ) -> None:
        super().__init__()
        dynamics = _weighted(UpDownUniversal(state_size, inflation), parameter_weights)
        held = parametrise(
            parametrisation, dynamics, num_particles=num_particles, num_pieces=num_pieces, duration=duration
        )
        self.lift = Lift(lift, dynamics.component_sizes)
        self.flow = Flow(held, step=step)

    def forward(self, x: Tensor, times: Iterable[float]) -> Tensor:
        """Points of shape (points, d) at times, of shape (times, points, d)."""
        return self.states(x, times)[0]

    def states(self, x: Tensor, times: Iterable[float]) -> State:
        """The whole states (x, v) at times."""
        states: State = self.flow(self.lift(x), list(times))
        return states

    def energy(self) -> Tensor:
        """The penalty of training."""
        return self.flow.energy()


def _weighted(dynamics: LinearDynamics, parameter_weights: ParameterWeights) -> LinearDynamics:
    if parameter_weights == "fan_in":
        return dynamics.weighted_by_fan_in()
    return replace(dynamics, parameter_weights=dict.fromkeys(dynamics.weight_shapes, parameter_weights))


def num_parameters(network: nn.Module) -> int:
    """How many numbers training changes."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)


def descend(
    network: nn.Module, loss: Callable[[], Tensor], *, iterations: int, learning_rate: float, annealed: bool
) -> None:
    """Adam for a number of iterations; annealed along a cosine to 0, or at a constant rate.

    Raises:
        TrainingDiverged: The loss is no longer finite; its epoch is the iteration.
    """
    optimiser = torch.optim.Adam(network.parameters(), lr=learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, iterations if annealed else 10**12)
    for iteration in range(1, iterations + 1):
        optimiser.zero_grad()
        value = loss()
        if not torch.isfinite(value):
            raise TrainingDiverged(iteration)
        value.backward()
        optimiser.step()
        schedule.step()

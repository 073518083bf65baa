"""Two motions of the plane whose truth is known at all times: a rotation, and the damped cubic spiral of the paper.

Trajectories from random starts are seen up to T; others are asked for a hundred times as far. One T is a full turn of
the rotation, and one unit of time of the spiral `ẏᵀ = (y³)ᵀ A`: between a third and one and a half of its turns.
"""

import math
from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor, nn
from torchdiffeq import odeint

from benchmarks.stability.remedies import Training
from benchmarks.stability.trial import MULTIPLES, Sizes, new_flow
from model.shooting.lift import Lift
from model.shooting.phase import State

SIZES = Sizes(state_size=2, inflation=16, num_particles=16, step=0.2, num_steps=10)
SPIRAL = ((-0.1, 2.0), (-2.0, -0.1))
NUM_POINTS = 64
RADII = (0.7, 1.5)


@cache
def trajectories(name: str, seed: int) -> Tensor:
    """Points of shape (steps, points, 2) from time 0 on, one step of the flow apart."""
    generator = torch.Generator().manual_seed(seed)
    radius, turn = torch.rand(2, NUM_POINTS, generator=generator, dtype=torch.float64)
    radius, angle = RADII[0] + (RADII[1] - RADII[0]) * radius, 2 * math.pi * turn
    start = torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1)
    times = torch.arange(max(MULTIPLES) * SIZES.num_steps + 1, dtype=torch.float64) / SIZES.num_steps
    if name == "rotation":
        turned = angle + 2 * math.pi * times[:, None]
        return torch.stack([radius * turned.cos(), radius * turned.sin()], dim=2).float()
    matrix = torch.tensor(SPIRAL, dtype=torch.float64)
    truth: Tensor = odeint(lambda _, y: y**3 @ matrix, start, times, rtol=1e-8, atol=1e-10)
    return truth.float()


class Planar(nn.Module):
    """A flow of the plane, its second state linear in where a point starts.

    Args:
        name: `rotation` or `spiral`.
        parametrisation: One of `PARAMETRISATIONS`.
        training: What a remedy asks of it.
    """

    def __init__(self, name: str, parametrisation: str, training: Training) -> None:
        super().__init__()
        self.flow = new_flow(parametrisation, training, SIZES)
        self.lift = Lift("linear", self.flow.parametrisation.dynamics.component_sizes)
        self.seen, self.unseen = trajectories(name, 0), trajectories(name, 1)

    def loss(self, *, mixed_times: bool) -> Tensor:
        """Over all trajectories at once: at each step up to T, or at as many random ones up to 2T."""
        reach = 2 * SIZES.num_steps if mixed_times else SIZES.num_steps
        steps = 1 + torch.randperm(reach)[: SIZES.num_steps].sort().values
        times = [SIZES.step * int(step) for step in steps]
        x: Tensor = self.flow(self.lift(self.seen[0]), times)[0]
        return (x - self.seen[steps]).square().mean()

    def start(self) -> State:
        """Points of other trajectories."""
        state: State = self.lift(self.unseen[0])
        return state

    def read(self, states: Sequence[State], first: int) -> tuple[Tensor, Tensor]:
        """The x of points, and the truth."""
        found = torch.stack([x for x, _ in states])
        return found, self.unseen[first : first + len(states)]

"""Learnable particles and the map that they carry data points along.

Legend: K particles, d state size, m = α·d; time is dimensionless.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from model.shooting.dynamics import Dynamics
from model.shooting.hamiltonian import energy
from model.shooting.integrate import Solver, StageControls, carry_jointly, carry_particles, carry_points
from model.shooting.phase import Phase, State


class Flow(nn.Module):
    """A map of states over time whose only parameters are K particles (`particles_dynamic` of the paper).

    The control follows the particles as they move. The particles start from 0.5 · normal.

    Args:
        dynamics: The vector field.
        num_particles: K.
        step: h of the fixed-step integration.
        method: A key of `integrate.TABLEAUX`.
    """

    def __init__(self, dynamics: Dynamics, *, num_particles: int, step: float, method: str = "rk4") -> None:
        super().__init__()
        self.dynamics = dynamics
        self.step = step
        self.method = method
        sizes = dynamics.component_sizes * 2
        self.components = nn.ParameterList([0.5 * torch.randn(num_particles, size) for size in sizes])

    @property
    def particles(self) -> Phase:
        """The particles at time 0."""
        return Phase.from_components(list(self.components))

    def energy(self) -> Tensor:
        """R(θ(0)), a scalar: the penalty that keeps the control small along the whole flow."""
        return energy(self.dynamics, self.particles)

    def controls(self, particles: Phase, num_steps: int) -> Iterator[tuple[Phase, StageControls]]:
        """The particles after each step from `particles` on, and the controls at its stages."""
        return carry_particles(self.dynamics, particles, step=self.step, num_steps=num_steps, method=self.method)

    def carry(self, state: State, controls: Sequence[StageControls]) -> State:
        """Data points after all these steps."""
        for stages in controls:
            state = carry_points(state, stages, step=self.step, method=self.method)
        return state

    def forward(self, state: State, num_outputs: int, steps_per_output: int) -> list[State]:
        """Data points after every `steps_per_output` steps, `num_outputs` times."""
        states = []
        controls = [stages for _, stages in self.controls(self.particles, num_outputs * steps_per_output)]
        for first in range(0, len(controls), steps_per_output):
            state = self.carry(state, controls[first : first + steps_per_output])
            states.append(state)
        return states

    def at(self, state: State, times: Tensor, solver: Solver | None = None) -> State:
        """Data points at any times, in any order, by integrating the joint system; each component (n, points, size)."""
        return carry_jointly(self.dynamics, self.particles, state, times, solver=solver or Solver())[1]

"""The map that a control carries data points along.

Legend: h step; d state size; time is dimensionless.
"""

import math
from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor, nn

from model.errors import ShootingArgumentInvalid
from model.shooting.adaptive import Solver, solve
from model.shooting.integrate import carry, stage_controls
from model.shooting.methods import METHODS, StageControls
from model.shooting.parametrisation import Parametrisation
from model.shooting.phase import State


class Flow(nn.Module):
    """A map of states over time whose only parameters are those of its parametrisation.

    Args:
        parametrisation: What is learned, and the control that follows from it.
        step: h of the fixed steps.
        method: A key of `methods.METHODS`.

    Raises:
        ShootingArgumentInvalid: A step that is not a positive time, or an unknown method.
    """

    def __init__(self, parametrisation: Parametrisation, *, step: float, method: str = "rk4") -> None:
        super().__init__()
        if not 0 < step < math.inf:
            raise ShootingArgumentInvalid("step", step, "a positive time")
        if method not in METHODS:
            raise ShootingArgumentInvalid("method", method, f"one of {', '.join(METHODS)}")
        self.parametrisation = parametrisation
        self.step = step
        self.method = METHODS[method]

    def energy(self) -> Tensor:
        """R(θ), a scalar: the penalty that keeps the control small along the whole flow."""
        return self.parametrisation.energy()

    def controls(self, *, backward: bool = False) -> Iterator[StageControls]:
        """The controls at the stages of one step after the other, without an end."""
        return stage_controls(self.parametrisation.course(), step=self._signed(backward), method=self.method)

    def forward(self, state: State, times: Sequence[float] | Tensor) -> State:
        """Data points at times, by fixed steps.

        Args:
            state: Points at time 0, each component of shape (points, size).
            times: Any times, sorted or not, repeated or not, before 0 or after; shape (n,).

        Returns:
            The points at those times, each component of shape (n, points, size).

        Raises:
            ShootingArgumentInvalid: A time that is not finite, a state that does not fit the vector field.
        """
        wanted = _checked_times(times)
        self._check_state(state)
        ahead, behind = [t for t in wanted if t >= 0], [t for t in wanted if t < 0]
        found = dict(zip(ahead, self.carry(state, self.controls(), ahead), strict=True))
        if behind:
            states = self.carry(state, self.controls(backward=True), behind, backward=True)
            found |= zip(behind, states, strict=True)
        return _stacked([found[time] for time in wanted])

    def carry(
        self, state: State, controls: Iterable[StageControls], times: Sequence[float], *, backward: bool = False
    ) -> list[State]:
        """Data points at times on one side of 0, under controls that were computed before."""
        return carry(state, controls, times, step=self._signed(backward), method=self.method)

    def solve(self, state: State, times: Sequence[float] | Tensor, solver: Solver | None = None) -> State:
        """Data points at times, by torchdiffeq; arguments and result are those of `forward`.

        Raises:
            ShootingArgumentInvalid: A time that is not finite, a state that does not fit the vector field.
            StepBudgetExceeded: The solver used up its evaluations, or its step underflowed.
        """
        wanted = _checked_times(times)
        self._check_state(state)
        return _stacked(solve(self.parametrisation.course(), state, wanted, solver=solver or Solver()))

    def _signed(self, backward: bool) -> float:  # noqa: FBT001
        return -self.step if backward else self.step

    def _check_state(self, state: State) -> None:
        sizes = self.parametrisation.dynamics.component_sizes
        found = [tuple(component.shape) for component in state]
        if [shape[1:] for shape in found] != [(size,) for size in sizes] or len({shape[0] for shape in found}) != 1:
            needed = " and ".join(f"(points, {size})" for size in sizes)
            raise ShootingArgumentInvalid("state", found, f"of shape {needed}")
        if not all(bool(torch.isfinite(component).all()) for component in state):
            raise ShootingArgumentInvalid("state", "NaN or infinite", "finite")


def _checked_times(times: Sequence[float] | Tensor) -> list[float]:
    listed = [float(time) for time in times]
    if not listed or not all(map(math.isfinite, listed)):
        raise ShootingArgumentInvalid("times", listed, "at least one time, all of them finite")
    return listed


def _stacked(states: list[State]) -> State:
    return tuple(torch.stack(component) for component in zip(*states, strict=True))

"""The map that a control carries data points along.

Legend: h step; d state size; time is dimensionless.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from model.errors import ShootingArgumentInvalid
from model.shooting.adaptive import Solver, solve
from model.shooting.compiled import Compiler
from model.shooting.finite import check_count, check_finite, check_kind, check_positive
from model.shooting.integrate import carry, carry_recomputed, stage_controls
from model.shooting.methods import METHODS, Method, RungeKutta, StageControls
from model.shooting.parametrisation import Parametrisation
from model.shooting.phase import State


class Flow(nn.Module):
    """A map of states over time whose only parameters are those of its parametrisation.

    Args:
        parametrisation: What is learned, and the control that follows from it.
        step: h of the fixed steps.
        method: A key of `methods.METHODS`, or a method with arguments of its own.
        checkpoint_steps: For long flows where memory is short: for the gradient, `forward` keeps the states that are
            this many steps apart, and integrates between them once more on the way back. The numbers are the same.
        compiled: Whether steps whose derivative is written by hand are compiled where gradients are wanted: a minute of
            a processor at first, for longer trainings and for shapes that stay the same. Needs a C++ compiler.

    Raises:
        ShootingArgumentInvalid: No parametrisation, a step that is not a positive time, an unknown method, checkpoints
            closer than a step, a method to be compiled that is not one of Runge and Kutta.
    """

    def __init__(
        self,
        parametrisation: Parametrisation,
        *,
        step: float,
        method: str | Method = "rk4",
        checkpoint_steps: int | None = None,
        compiled: bool = False,
    ) -> None:
        super().__init__()
        check_kind("parametrisation", parametrisation, Parametrisation, needed="what `parametrise` makes")
        check_positive("step", step, needed="a positive time")
        found = METHODS.get(method) if isinstance(method, str) else method
        if not isinstance(found, Method):
            raise ShootingArgumentInvalid("method", method, f"one of {', '.join(METHODS)}, or a Method")
        if checkpoint_steps is not None:
            check_count("checkpoint_steps", checkpoint_steps)
        self.parametrisation = parametrisation
        self.step = step
        self.method = _compiled(found) if compiled else found
        self.checkpoint_steps = checkpoint_steps

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
            ShootingArgumentInvalid: A time that is not finite, a state that does not fit the vector field; where they
                are on the CPU, a state or something learned that is not finite, too.
            ImplicitStepUnsolved: A step of the residual network is too long.
        """
        wanted = _checked_times(times)
        self._check_state(state)
        self._check_learned()
        ahead, behind = [t for t in wanted if t >= 0], [t for t in wanted if t < 0]
        found = dict(zip(ahead, self._side(state, ahead, backward=False), strict=True))
        if behind:
            found |= zip(behind, self._side(state, behind, backward=True), strict=True)
        return _stacked([found[time] for time in wanted])

    def carry(
        self, state: State, controls: Iterable[StageControls], times: Sequence[float], *, backward: bool = False
    ) -> list[State]:
        """Data points at times on one side of 0, under controls that were computed before.

        Raises:
            ShootingArgumentInvalid: A state of other shapes than the vector field's; what `integrate.carry` refuses.
        """
        self._check_shapes(state)
        return carry(state, controls, times, step=self._signed(backward), method=self.method)

    def solve(self, state: State, times: Sequence[float] | Tensor, solver: Solver | None = None) -> State:
        """Data points at times, by torchdiffeq; arguments and result are those of `forward`.

        Raises:
            ShootingArgumentInvalid: As `forward` does.
            StepBudgetExceeded: The solver used up its evaluations, or its step underflowed.
        """
        wanted = _checked_times(times)
        solver = Solver() if solver is None else solver
        check_kind("solver", solver, Solver, needed="a Solver, such as Solver(method='dopri5')")
        self._check_state(state)
        self._check_learned()
        return _stacked(solve(self.parametrisation.course(), state, wanted, solver=solver))

    def _side(self, state: State, times: list[float], *, backward: bool) -> list[State]:
        if self.checkpoint_steps is None:
            return self.carry(state, self.controls(backward=backward), times, backward=backward)
        course, step = self.parametrisation.course(), self._signed(backward)
        return carry_recomputed(course, state, times, step=step, method=self.method, segment=self.checkpoint_steps)

    def _signed(self, backward: bool) -> float:  # noqa: FBT001
        return -self.step if backward else self.step

    def _check_shapes(self, state: State) -> None:
        sizes = self.parametrisation.dynamics.component_sizes
        needed = "a tuple of tensors, one for each component"
        check_kind("state", state, Sequence, needed=needed)
        for component in state:
            check_kind("state", component, Tensor, needed=needed)
        found = [tuple(component.shape) for component in state]
        num_points = {shape[0] for shape in found if shape}
        if [shape[1:] for shape in found] != [(size,) for size in sizes] or len(num_points) != 1 or 0 in num_points:
            needed = " and ".join(f"(points, {size})" for size in sizes)
            raise ShootingArgumentInvalid("state", found, f"of shape {needed}, with at least one point")

    def _check_state(self, state: State) -> None:
        self._check_shapes(state)
        dtype = next(self.parameters()).dtype
        if not all(component.dtype == dtype for component in state):
            found_types = [component.dtype for component in state]
            raise ShootingArgumentInvalid("state", found_types, f"of type {dtype}, as what the flow has learned")
        check_finite("state", state)

    def _check_learned(self) -> None:
        for name, parameter in self.parametrisation.named_parameters():
            check_finite(f"parametrisation.{name}", [parameter])


def _compiled(method: Method) -> Method:
    if not isinstance(method, RungeKutta):
        needed = "False with a method that is not one of Runge and Kutta"
        raise ShootingArgumentInvalid("compiled", found=True, needed=needed)
    return replace(method, compiler=Compiler())


def _checked_times(times: Sequence[float] | Tensor) -> list[float]:
    needed = "a sequence of at least one time, all of them finite"
    try:
        listed = [float(time) for time in times]
    except (TypeError, ValueError):
        raise ShootingArgumentInvalid("times", times, needed) from None
    if not listed or not all(map(math.isfinite, listed)):
        raise ShootingArgumentInvalid("times", listed, needed)
    return listed


def _stacked(states: list[State]) -> State:
    return tuple(torch.stack(component) for component in zip(*states, strict=True))

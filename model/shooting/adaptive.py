"""Integration by torchdiffeq: companions and data points as one system, in steps that the solver chooses."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from model.errors import ShootingArgumentInvalid, StepBudgetExceeded
from model.shooting.course import Course
from model.shooting.finite import check_count, check_finite, check_name, check_positive
from model.shooting.phase import State

FIXED_STEP = frozenset({"euler", "midpoint", "rk4"})
"""The methods of torchdiffeq that take a step from the solver in place of tolerances."""

ADAPTIVE = frozenset({"dopri5", "dopri8", "bosh3", "adaptive_heun", "fehlberg2"})
"""The methods of torchdiffeq that choose their steps."""


@dataclass(frozen=True)
class Solver:
    """How torchdiffeq integrates.

    Attributes:
        method: One of `ADAPTIVE` or `FIXED_STEP`.
        rtol: Relative tolerance of an adaptive method.
        atol: Absolute tolerance of an adaptive method.
        step: h of a fixed-step method, ignored by an adaptive one.
        max_evaluations: Evaluations of the vector field after which a solve gives up; a pass back along the adjoint
            equation has as many of its own.
        adjoint: Gradients by the adjoint equation, integrated back in time, in place of every step's intermediate
            values: memory does not grow with the number of steps, and gradients are exact to the tolerances only.

    Raises:
        ShootingArgumentInvalid: An unknown method; a tolerance, a step or a budget that is not positive.
    """

    method: str = "dopri5"
    rtol: float = 1e-6
    atol: float = 1e-6
    step: float = 0.05
    max_evaluations: int = 100_000
    adjoint: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        check_name("method", self.method, sorted(ADAPTIVE | FIXED_STEP))
        for name in ("rtol", "atol", "step"):
            check_positive(name, getattr(self, name))
        check_count("max_evaluations", self.max_evaluations)


def solve(course: Course, state: State, times: Sequence[float], *, solver: Solver) -> list[State]:
    """Data points at times, in the order of the times.

    Args:
        course: The control over time.
        state: Points at time 0, each component of shape (points, size).
        times: Any times, sorted or not, repeated or not, before 0 or after.
        solver: How to integrate.

    Raises:
        ShootingArgumentInvalid: A time that is not finite; a state on the CPU that is not.
        StepBudgetExceeded: The solver used up its evaluations, or its step underflowed. With the adjoint, the pass
            back may raise it, too.
    """
    if not all(map(math.isfinite, times)):
        raise ShootingArgumentInvalid("times", list(times), "finite")
    check_finite("state", state)
    budget = _Budget(solver.max_evaluations)
    found = {0.0: state}
    for side in (sorted({t for t in times if t > 0}), sorted({t for t in times if t < 0}, reverse=True)):
        if side:
            found |= zip(side, _solve_side(course, state, side, solver, budget), strict=True)
    budget.spent = 0
    return [found[time] for time in times]


@dataclass(eq=False)
class _Budget:
    """The evaluations that one solve may make."""

    limit: int
    spent: int = 0

    def spend(self) -> None:
        self.spent += 1
        if self.spent > self.limit:
            raise StepBudgetExceeded(self.limit, "no end in sight")

    def check_progress(self, time: Tensor, step: Tensor, state: State) -> None:
        """Refuses what torchdiffeq would only assert."""
        if not bool(time + step != time):
            raise StepBudgetExceeded(self.limit, f"the step underflowed at time {float(time):g}")
        if not all(bool(torch.isfinite(component).all()) for component in state):
            raise StepBudgetExceeded(self.limit, f"the state is no longer finite at time {float(time):g}")


def _solve_side(course: Course, state: State, times: list[float], solver: Solver, budget: _Budget) -> list[State]:
    """Solutions at times that lead away from 0, piece by piece between the jumps of the control."""
    stops = sorted({b for b in course.breaks if 0 < b / times[-1] < 1}, key=abs)
    joint = (*course.companions, *state)
    split = len(course.companions)
    found: dict[float, State] = {}
    start = 0.0
    for stop in (*stops, times[-1]):
        inner = [t for t in times if abs(start) < abs(t) <= abs(stop)]
        grid = [start, *inner] if inner and inner[-1] == stop else [start, *inner, stop]
        piece = _Piece(course, (start + stop) / 2, solver, budget)
        solution = _odeint(piece, joint, grid)
        found |= {time: tuple(c[n] for c in solution[split:]) for n, time in enumerate(grid)}
        joint = tuple(c[-1] for c in solution)
        start = stop
    return [found[time] for time in times]


class _Piece:
    """The joint vector field of companions and points between two jumps of the control.

    torchdiffeq calls it, and its two `callback`s before each step of an adaptive method.

    Args:
        course: The control over time.
        time: Any time in the piece.
        solver: How to integrate.
        budget: What the whole solve may spend.
    """

    def __init__(self, course: Course, time: float, solver: Solver, budget: _Budget) -> None:
        self.course, self.time, self.solver, self.budget = course, time, solver, budget
        if solver.method in ADAPTIVE:
            self.callback_step = lambda time, joint, step: budget.check_progress(time, step, joint)
            self.callback_step_adjoint = self.callback_step

    def __call__(self, _: Tensor, joint: State) -> State:
        self.budget.spend()
        split = len(self.course.companions)
        control = self.course.control(self.time, joint[:split])
        return (*self.course.motion(control, joint[:split]), *control.velocity(joint[split:]))


def _odeint(piece: _Piece, joint: State, grid: list[float]) -> State:
    # Serving and training take fixed steps: they need not wait until this library and SciPy are loaded.
    from torchdiffeq import odeint, odeint_adjoint  # noqa: PLC0415

    solver = piece.solver
    times = torch.tensor(grid, dtype=torch.float64, device=joint[0].device)
    # By default torchdiffeq draws straight lines between its fixed steps.
    options = {"step_size": solver.step, "interp": "cubic"} if solver.method in FIXED_STEP else None
    choices: dict[str, Any] = {"method": solver.method, "rtol": solver.rtol, "atol": solver.atol, "options": options}
    if solver.adjoint:
        choices["adjoint_params"] = piece.course.learned
    integrate: Callable[..., State] = odeint_adjoint if solver.adjoint else odeint
    return integrate(piece, joint, times, **choices)

"""Integration by torchdiffeq: companions and data points as one system, in steps that the solver chooses."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torchdiffeq import odeint

from model.errors import StepBudgetExceeded
from model.shooting.course import Course
from model.shooting.phase import State

FIXED_STEP = frozenset({"euler", "midpoint", "rk4"})
"""The methods of torchdiffeq that take a step from the solver in place of tolerances."""


@dataclass(frozen=True)
class Solver:
    """How torchdiffeq integrates.

    Attributes:
        method: One of torchdiffeq's methods, such as `dopri5` or `rk4`.
        rtol: Relative tolerance of an adaptive method.
        atol: Absolute tolerance of an adaptive method.
        step: h of a fixed-step method, ignored by an adaptive one.
        max_evaluations: Evaluations of the vector field after which it gives up.
    """

    method: str = "dopri5"
    rtol: float = 1e-6
    atol: float = 1e-6
    step: float = 0.05
    max_evaluations: int = 100_000


def solve(course: Course, state: State, times: Sequence[float], *, solver: Solver) -> list[State]:
    """Data points at times, in the order of the times.

    Args:
        course: The control over time.
        state: Points at time 0, each component of shape (points, size).
        times: Any times, sorted or not, repeated or not, before 0 or after.
        solver: How to integrate.

    Raises:
        StepBudgetExceeded: The solver used up its evaluations, or its step underflowed.
    """
    found = {0.0: state}
    for side in (sorted({t for t in times if t > 0}), sorted({t for t in times if t < 0}, reverse=True)):
        if side:
            found |= zip(side, _solve_side(course, state, side, solver), strict=True)
    return [found[time] for time in times]


def _solve_side(course: Course, state: State, times: list[float], solver: Solver) -> list[State]:
    """Solutions at times that lead away from 0, piece by piece between the jumps of the control."""
    stops = sorted({b for b in course.breaks if 0 < b / times[-1] < 1}, key=abs)
    joint = (*course.companions, *state)
    split = len(course.companions)
    found: dict[float, State] = {}
    start = 0.0
    for stop in (*stops, times[-1]):
        inner = [t for t in times if abs(start) < abs(t) <= abs(stop)]
        grid = [start, *inner] if inner and inner[-1] == stop else [start, *inner, stop]
        solution = _odeint(course, joint, grid, solver)
        found |= {time: tuple(c[n] for c in solution[split:]) for n, time in enumerate(grid)}
        joint = tuple(c[-1] for c in solution)
        start = stop
    return [found[time] for time in times]


def _odeint(course: Course, joint: State, grid: list[float], solver: Solver) -> State:
    middle, split = (grid[0] + grid[-1]) / 2, len(course.companions)
    evaluations = 0

    def velocity(_: Tensor, joint: State) -> State:
        nonlocal evaluations
        evaluations += 1
        if evaluations > solver.max_evaluations:
            raise StepBudgetExceeded(solver.max_evaluations, "no end in sight")
        control = course.control(middle, joint[:split])
        return (*course.motion(control, joint[:split]), *control.velocity(joint[split:]))

    try:
        solution: State = odeint(
            velocity,
            joint,
            torch.tensor(grid, dtype=joint[0].dtype, device=joint[0].device),
            method=solver.method,
            rtol=solver.rtol,
            atol=solver.atol,
            options={"step_size": solver.step} if solver.method in FIXED_STEP else None,
        )
    except AssertionError as error:
        raise StepBudgetExceeded(solver.max_evaluations, str(error)) from error
    return solution

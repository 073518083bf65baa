"""Integration: fixed steps with the control computed first, and the joint system through torchdiffeq.

The particles never see the data. So a fixed-step method can carry them first and keep the control at each of its
stages; data points are then carried through known weights. Both together are the same numbers as the joint system, at
a fraction of the work, and the control can be kept for every later forecast.

Legend: h step, kᵢ stage velocities, (a, b, c) a Runge–Kutta table.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torchdiffeq import odeint

from model.errors import StepBudgetExceeded
from model.shooting.dynamics import Control, Dynamics
from model.shooting.phase import Phase, State, moved


@dataclass(frozen=True)
class Tableau:
    """An explicit Runge–Kutta method.

    Attributes:
        order: Of the global error.
        a: For each stage, the weights of the stages before it.
        b: The weights of the stages in the step.
    """

    order: int
    a: tuple[tuple[float, ...], ...]
    b: tuple[float, ...]


TABLEAUX = {
    "euler": Tableau(1, ((),), (1.0,)),
    "midpoint": Tableau(2, ((), (0.5,)), (0.0, 1.0)),
    # The 3/8 rule, which torchdiffeq calls rk4.
    "rk4": Tableau(4, ((), (1 / 3,), (-1 / 3, 1.0), (1.0, -1.0, 1.0)), (1 / 8, 3 / 8, 3 / 8, 1 / 8)),
}

StageControls = list[Control]
"""The control at each stage of one step."""


def carry_particles(
    dynamics: Dynamics, particles: Phase, *, step: float, num_steps: int, method: str = "rk4"
) -> Iterator[tuple[Phase, StageControls]]:
    """Carries the particles step by step.

    Args:
        dynamics: The vector field.
        particles: K particles to start from.
        step: h, negative to go back in time.
        num_steps: How many steps.
        method: A key of `TABLEAUX`.

    Yields:
        The particles after each step, and the controls at its stages.
    """
    tableau = TABLEAUX[method]
    for _ in range(num_steps):
        velocities: list[State] = []
        controls: StageControls = []
        start = particles.components()
        for weights in tableau.a:
            stage = Phase.from_components(moved(start, velocities, [step * w for w in weights]))
            controls.append(dynamics.optimal_control(stage))
            velocities.append(dynamics.motion(stage, controls[-1]).components())
        particles = Phase.from_components(moved(start, velocities, [step * w for w in tableau.b]))
        yield particles, controls


def carry_points(state: State, controls: Sequence[Control], *, step: float, method: str = "rk4") -> State:
    """Carries data points over one step under the controls of its stages.

    Args:
        state: Positions of the points, each component of shape (points, size).
        controls: One a stage, from `carry_particles`.
        step: h.
        method: The same as the controls were computed with.
    """
    tableau = TABLEAUX[method]
    velocities: list[State] = []
    for weights, control in zip(tableau.a, controls, strict=True):
        velocities.append(control.velocity(moved(state, velocities, [step * w for w in weights])))
    return moved(state, velocities, [step * w for w in tableau.b])


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


def carry_jointly(
    dynamics: Dynamics, particles: Phase, state: State, times: Tensor, *, solver: Solver
) -> tuple[Phase, State]:
    """Carries particles and data points as one system, through torchdiffeq.

    Args:
        dynamics: The vector field.
        particles: K particles at time 0.
        state: Data points at time 0.
        times: Any times, sorted or not, repeated or not; shape (n,).
        solver: How to integrate.

    Returns:
        Particles and points at those times, each component with a leading dimension of n.

    Raises:
        StepBudgetExceeded: The solver used up its evaluations, or its step underflowed.
    """
    grid, inverse = torch.unique(torch.cat([times.new_zeros(1), times]), return_inverse=True)
    components = _odeint_from_zero(dynamics, (*particles.components(), *state), grid, solver)
    asked = inverse[1:]
    at_times = [component[asked] for component in components]
    split = len(particles.components())
    return Phase.from_components(at_times[:split]), tuple(at_times[split:])


def _odeint_from_zero(dynamics: Dynamics, start: State, grid: Tensor, solver: Solver) -> list[Tensor]:
    """Solutions at an increasing grid that holds 0, forward and backward from there."""
    zero = int((grid == 0).nonzero()[0])
    forward = _odeint(dynamics, start, grid[zero:], solver)
    backward = _odeint(dynamics, start, grid[: zero + 1].flip(0), solver)
    return [torch.cat([b[1:].flip(0), f]) for b, f in zip(backward, forward, strict=True)]


def _odeint(dynamics: Dynamics, start: State, grid: Tensor, solver: Solver) -> State:
    if len(grid) == 1:
        return tuple(component.unsqueeze(0) for component in start)
    evaluations = 0

    def velocity(_: Tensor, joint: State) -> State:
        nonlocal evaluations
        evaluations += 1
        if evaluations > solver.max_evaluations:
            raise StepBudgetExceeded(solver.max_evaluations, "no end in sight")
        particles = Phase.from_components(joint[: len(joint) * 2 // 3])
        control = dynamics.optimal_control(particles)
        return (*dynamics.motion(particles, control).components(), *control.velocity(joint[len(joint) * 2 // 3 :]))

    fixed = solver.method in TABLEAUX
    try:
        solution: State = odeint(
            velocity,
            start,
            grid,
            method=solver.method,
            rtol=solver.rtol,
            atol=solver.atol,
            options={"step_size": solver.step} if fixed else None,
        )
    except AssertionError as error:
        raise StepBudgetExceeded(solver.max_evaluations, str(error)) from error
    return solution

"""Integration by torchdiffeq: any times, and an end in any case."""

from collections.abc import Sequence

import pytest
import torch
from torch.testing import assert_close

from model import ShootingArgumentInvalid, StepBudgetExceeded
from model.shooting.adaptive import ADAPTIVE, FIXED_STEP, Solver, solve
from model.shooting.course import Constant
from model.shooting.parametrisation import PARAMETRISATIONS, Parametrisation, parametrise
from tests.model.shooting.conftest import make_field, some_particles, some_points


def test_fixed_and_adaptive_steps_agree(held: Parametrisation) -> None:
    points = some_points(held.dynamics, 6)
    fixed = solve(held.course(), points, [1.0], solver=Solver("rk4", step=0.0625))
    adaptive = solve(held.course(), points, [1.0], solver=Solver("dopri5", rtol=1e-7, atol=1e-7))
    assert_close(fixed, adaptive, rtol=1e-5, atol=1e-5)


def test_times_may_come_in_any_order_repeated_and_negative(held: Parametrisation) -> None:
    points = some_points(held.dynamics, 6)
    times = [1.0, -0.5, 0.0, 1.0, 0.25]
    solver = Solver(rtol=1e-7, atol=1e-7)
    together = solve(held.course(), points, times, solver=solver)
    for time, found in zip(times, together, strict=True):
        assert_close(found, solve(held.course(), points, [time], solver=solver)[0], rtol=1e-5, atol=1e-5)
    assert_close(together[2], points, rtol=0, atol=0)


@pytest.mark.parametrize("time", [float("nan"), float("inf")])
def test_a_time_that_is_not_finite_is_refused(time: float) -> None:
    held = small("particles_dynamic")
    with pytest.raises(ShootingArgumentInvalid, match="times"):
        solve(held.course(), some_points(held.dynamics, 2), [0.5, time], solver=Solver())


def test_a_solve_that_needs_more_than_its_budget_says_so(held: Parametrisation) -> None:
    points = some_points(held.dynamics, 6)
    with pytest.raises(StepBudgetExceeded, match="fixed-step") as caught:
        solve(held.course(), points, [100.0], solver=Solver(max_evaluations=50))
    assert caught.value.max_steps == 50


def small(name: str) -> Parametrisation:
    torch.manual_seed(0)
    return parametrise(name, make_field("updown_universal", "softplus"), num_particles=4, num_pieces=3).double()


def gradients(held: Parametrisation, times: Sequence[float], solver: Solver) -> tuple[torch.Tensor, ...]:
    points = tuple(component.requires_grad_() for component in some_points(held.dynamics, 3))
    loss = sum(
        component.square().sum() for state in solve(held.course(), points, times, solver=solver) for component in state
    )
    return torch.autograd.grad(loss, [*held.parameters(), *points])


@pytest.mark.parametrize("name", PARAMETRISATIONS)
@pytest.mark.parametrize("method", ["dopri5", "rk4"])
def test_the_adjoint_equation_gives_the_gradients_of_what_is_learned_and_of_the_points(name: str, method: str) -> None:
    held, times = small(name), [1.0, -0.4]
    plain, adjoint = (
        gradients(held, times, Solver(method, rtol=1e-6, atol=1e-6, step=0.05, adjoint=adjoint))
        for adjoint in (False, True)
    )
    assert_close(adjoint, plain, rtol=1e-4, atol=1e-4)


def test_memory_for_the_adjoint_does_not_grow_with_the_number_of_steps() -> None:
    held = small("particles_dynamic")
    points = some_points(held.dynamics, 3)

    def saved(step: float, *, adjoint: bool) -> int:
        sizes = []
        with torch.autograd.graph.saved_tensors_hooks(lambda one: sizes.append(one.numel()) or one, lambda one: one):
            solve(held.course(), points, [1.0], solver=Solver("rk4", step=step, adjoint=adjoint))
        return sum(sizes)

    assert saved(0.02, adjoint=True) == saved(0.2, adjoint=True) < saved(0.02, adjoint=False) / 20


def test_the_pass_back_along_the_adjoint_has_a_budget_of_its_own() -> None:
    # The pass back starts anew at each time, and so needs many more evaluations than the pass ahead.
    solver, times = Solver(rtol=1e-5, atol=1e-5, max_evaluations=150, adjoint=True), [n / 40 for n in range(1, 41)]
    held = small("particles_dynamic")
    solve(held.course(), some_points(held.dynamics, 3), times, solver=solver)
    with pytest.raises(StepBudgetExceeded, match="150"):
        gradients(held, times, solver)


@pytest.mark.parametrize("adjoint", [False, True])
def test_a_flow_that_explodes_is_an_error_and_not_an_assertion_or_a_number(adjoint: bool) -> None:
    held = small("particles_dynamic")
    with torch.no_grad():
        for parameter in held.parameters():
            parameter.mul_(1e150)
    with pytest.raises(StepBudgetExceeded, match="underflow"):
        gradients(held, [5.0], Solver(adjoint=adjoint, max_evaluations=1000))


def test_a_state_that_is_not_finite_is_an_error_in_the_pass_back_too() -> None:
    dynamics = make_field("updown_universal", "softplus")
    points = tuple(component.requires_grad_() for component in some_points(dynamics, 3))
    course = Constant(dynamics.optimal_control(some_particles(dynamics, 4)))
    state = solve(course, points, [0.5], solver=Solver(adjoint=True))[0]
    with pytest.raises(StepBudgetExceeded, match="no longer finite"):
        (state[0].sum() * float("inf")).backward()


@pytest.mark.parametrize("method", sorted(ADAPTIVE | FIXED_STEP))
def test_every_method_named_solves_in_float32(method: str) -> None:
    held = small("direct_dynamic").float()
    points = tuple(component.float() for component in some_points(held.dynamics, 2))
    # Times that float32 could not tell apart.
    times = [0.2, 0.2 + 1e-10, -1e-9]
    found = solve(held.course(), points, times, solver=Solver(method, rtol=1e-4, atol=1e-4, step=0.1))
    assert_close(found[0], found[1], rtol=1e-5, atol=1e-5)
    assert_close(found[2], points, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("method", "guess"),
        ("rtol", 0.0),
        ("rtol", float("nan")),
        ("atol", -1e-6),
        ("atol", float("inf")),
        ("step", 0.0),
        ("step", float("nan")),
        ("max_evaluations", 0),
    ],
)
def test_a_solver_that_makes_no_sense_is_refused_by_argument(argument: str, value: object) -> None:
    with pytest.raises(ShootingArgumentInvalid, match=argument) as caught:
        Solver(**{argument: value})
    assert caught.value.argument == argument

"""Integration by torchdiffeq: any times, and an end in any case."""

import pytest
from torch.testing import assert_close

from model import StepBudgetExceeded
from model.shooting.adaptive import Solver, solve
from model.shooting.parametrisation import Parametrisation
from tests.model.shooting.conftest import some_points


def test_fixed_and_adaptive_steps_agree(held: Parametrisation) -> None:
    points = some_points(held.dynamics, 6)
    fixed = solve(held.course(), points, [1.0], solver=Solver("rk4", step=0.01))
    adaptive = solve(held.course(), points, [1.0], solver=Solver("dopri5", rtol=1e-9, atol=1e-9))
    assert_close(fixed, adaptive, rtol=1e-6, atol=1e-6)


def test_times_may_come_in_any_order_repeated_and_negative(held: Parametrisation) -> None:
    points = some_points(held.dynamics, 6)
    times = [1.0, -0.5, 0.0, 1.0, 0.25]
    solver = Solver(rtol=1e-9, atol=1e-9)
    together = solve(held.course(), points, times, solver=solver)
    for time, found in zip(times, together, strict=True):
        assert_close(found, solve(held.course(), points, [time], solver=solver)[0], rtol=1e-6, atol=1e-6)
    assert_close(together[2], points, rtol=0, atol=0)


def test_a_solve_that_needs_more_than_its_budget_says_so(held: Parametrisation) -> None:
    points = some_points(held.dynamics, 6)
    with pytest.raises(StepBudgetExceeded, match="fixed-step") as caught:
        solve(held.course(), points, [100.0], solver=Solver(max_evaluations=50))
    assert caught.value.max_steps == 50

"""Every vector field, held in each of the four ways, by every method of fixed steps: values, gradients, way back."""

from functools import cache

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from model.shooting.adaptive import Solver
from model.shooting.control_cache import ControlCache
from model.shooting.dynamics import DYNAMICS
from model.shooting.flow import Flow
from model.shooting.methods import METHODS
from model.shooting.parametrisation import PARAMETRISATIONS, Parametrisation, parametrise
from model.shooting.phase import State
from tests.model.shooting.conftest import make_calm_field, some_points

NUM_PIECES = 2


@cache
def combination(field: str, parametrisation: str) -> Parametrisation:
    """A calm and smooth field in float64, its steps to be halves of pieces of `direct_dynamic` or shorter."""
    torch.manual_seed(0)
    dynamics = make_calm_field(field, "softplus")
    return parametrise(parametrisation, dynamics, num_particles=3, num_pieces=NUM_PIECES).double()


@cache
def solved(field: str, parametrisation: str) -> State:
    """Points at time 1, by torchdiffeq."""
    held = combination(field, parametrisation)
    with torch.no_grad():
        return Flow(held, step=1.0).solve(some_points(held.dynamics, 2), [1.0], Solver(rtol=1e-9, atol=1e-10))


def distance(found: State, expected: State) -> float:
    return max(float((one - other).abs().max()) for one, other in zip(found, expected, strict=True))


every_combination = pytest.mark.parametrize(
    ("field", "parametrisation", "method"),
    [(field, held, method) for field in DYNAMICS for held in PARAMETRISATIONS for method in METHODS],
)


@every_combination
@torch.no_grad()
def test_points_come_to_where_the_equations_take_them_at_the_order_of_the_method(
    field: str, parametrisation: str, method: str
) -> None:
    held, expected = combination(field, parametrisation), solved(field, parametrisation)
    points = some_points(held.dynamics, 2)
    coarse, fine = (distance(Flow(held, step=h, method=method)(points, [1.0]), expected) for h in (1 / 2, 1 / 4))
    # What shrinks by 2 to the order does so in the limit; that of the solver is left.
    assert fine < 1.6 * coarse / 2 ** METHODS[method].order + 1e-8


@every_combination
def test_gradients_are_those_of_finite_differences(field: str, parametrisation: str, method: str) -> None:
    held = combination(field, parametrisation)
    flow, points = Flow(held, step=0.5, method=method), some_points(held.dynamics, 2)
    generator = torch.Generator().manual_seed(1)
    directions = [torch.randn(one.shape, generator=generator, dtype=one.dtype) for one in held.parameters()]

    def loss(shift: float) -> Tensor:
        moved = {name: p + shift * u for (name, p), u in zip(flow.named_parameters(), directions, strict=True)}
        states: State = torch.func.functional_call(flow, moved, (points, [0.3, 1.0]))
        return torch.stack([component.sin().sum() for component in states]).sum()

    gradients = torch.autograd.grad(loss(0.0), list(held.parameters()))
    slope = sum(float((g * u).sum()) for g, u in zip(gradients, directions, strict=True))
    with torch.no_grad():
        difference = float(loss(1e-5) - loss(-1e-5)) / 2e-5
    assert slope == pytest.approx(difference, rel=1e-6, abs=1e-7)


@every_combination
@torch.no_grad()
def test_controls_that_are_kept_give_the_same_numbers(field: str, parametrisation: str, method: str) -> None:
    held = combination(field, parametrisation)
    flow, points, times = Flow(held, step=0.5, method=method), some_points(held.dynamics, 2), [0.6, 1.0]
    kept, anew = flow.carry(points, ControlCache(flow), times), flow(points, times)
    for number, state in enumerate(kept):
        assert_close(state, tuple(component[number] for component in anew), rtol=1e-12, atol=1e-12)

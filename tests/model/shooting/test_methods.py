"""The tables of the Runge–Kutta methods satisfy the order conditions, at the end of a step and within it."""

import math

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from model.shooting.course import Steered
from model.shooting.methods import METHODS, RungeKutta
from model.shooting.phase import Phase
from tests.model.shooting.conftest import make_field, some_particles, some_points

TABLES = {name: method for name, method in METHODS.items() if isinstance(method, RungeKutta)}


def table(method: RungeKutta) -> Tensor:
    a = torch.zeros(method.num_stages, method.num_stages, dtype=torch.float64)
    for number, row in enumerate(method.a):
        a[number, : len(row)] = torch.tensor(row, dtype=torch.float64)
    return a


def elementary_weights(a: Tensor) -> list[list[tuple[Tensor, int]]]:
    """For each order up to 5 and each rooted tree of it: Φ and γ of Butcher's condition `Σᵢ bᵢ(s) Φᵢ = sʳ/γ`."""
    c = a.sum(1)
    return [
        [(torch.ones_like(c), 1)],
        [(c, 2)],
        [(c**2, 3), (a @ c, 6)],
        [(c**3, 4), (c * (a @ c), 8), (a @ c**2, 12), (a @ a @ c, 24)],
        [
            (c**4, 5),
            (c**2 * (a @ c), 10),
            (c * (a @ c**2), 15),
            (c * (a @ a @ c), 30),
            ((a @ c) ** 2, 20),
            (a @ c**3, 20),
            (a @ (c * (a @ c)), 40),
            (a @ a @ c**2, 60),
            (a @ a @ a @ c, 120),
        ],
    ]


@pytest.mark.parametrize("name", sorted(TABLES))
@pytest.mark.parametrize("fraction", [0.2, 0.77, 1.0])
def test_a_table_satisfies_the_order_conditions_and_within_a_step_all_but_the_last(name: str, fraction: float) -> None:
    method = TABLES[name]
    weights = torch.tensor(method.weights(fraction), dtype=torch.float64)
    order = method.order if fraction == 1.0 else max(1, method.order - 1)
    for number, trees in enumerate(elementary_weights(table(method))[:order], start=1):
        for phi, gamma in trees:
            assert float(weights @ phi) == pytest.approx(fraction**number / gamma, abs=1e-14)


@pytest.mark.parametrize("name", sorted(TABLES))
def test_the_continuous_extension_ends_where_the_step_does(name: str) -> None:
    method = TABLES[name]
    assert [sum(row) for row in method.dense] == pytest.approx(method.b, abs=1e-14)


@pytest.mark.parametrize("name", sorted(METHODS))
def test_halving_the_step_shrinks_the_error_at_the_order_of_the_method(name: str) -> None:
    method, dynamics = METHODS[name], make_field("updown_universal", "softplus")
    particles = some_particles(dynamics, 3)

    def end(num_steps: int) -> tuple[Tensor, ...]:
        course, companions = Steered(dynamics, particles), particles.components()
        for _ in range(num_steps):
            _, companions = method.advance(course, companions, time=0.0, step=1 / num_steps)
        return companions

    # Against each other, so that no other method has to be trusted: the differences shrink by 2 to the order.
    coarse, middle, fine = (Phase.from_components(end(num)).q for num in (8, 16, 32))
    before, after = (
        max(float((one - other).abs().max()) for one, other in zip(first, second, strict=True))
        for first, second in ((coarse, middle), (middle, fine))
    )
    assert math.log2(before / after) > method.order - 0.3


def test_the_stage_that_only_serves_the_inside_of_a_step_is_not_computed_for_its_end() -> None:
    dynamics, method = make_field("updown_universal", "softplus"), METHODS["rk5"]
    particles, points = some_particles(dynamics, 3), some_points(dynamics, 2)
    controls, _ = method.advance(Steered(dynamics, particles), particles.components(), time=0.0, step=0.1)
    useless = dynamics.optimal_control(Phase.from_components([one * math.nan for one in particles.components()]))
    end = method.carry(points, (*controls[:-1], useless), step=0.1)
    assert_close(end, method.carry(points, controls, step=0.1), rtol=0, atol=0)
    assert method.carry(points, (*controls[:-1], useless), step=0.1, fractions=(0.5,))[0][0].isnan().all()

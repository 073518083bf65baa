"""The motion, the control and its forms, for every vector field and activation."""

from dataclasses import replace
from itertools import product

import pytest
import torch
from torch.testing import assert_close

from model import ShootingArgumentInvalid
from model.shooting.dynamics import DYNAMICS, LinearDynamics, UpDownDamped
from model.shooting.hamiltonian import energy, hamiltonian, reduced_hamiltonian, symplectic_gradient
from model.shooting.phase import Phase
from tests.model.shooting.conftest import MakeField, make_field, some_particles, some_points


@pytest.mark.parametrize("num_particles", [1, 4, 9])
def test_the_motion_is_the_symplectic_gradient_of_the_hamiltonian(dynamics: LinearDynamics, num_particles: int) -> None:
    particles = some_particles(dynamics, num_particles)
    motion = dynamics.optimal_control(particles).motion(particles)
    assert_close(motion.components(), symplectic_gradient(dynamics, particles).components(), rtol=1e-12, atol=1e-12)


def test_the_motion_is_the_symplectic_gradient_under_unequal_parameter_weights(field: MakeField) -> None:
    plain = field("tanh")
    unequal = {name: 0.5 + 0.25 * number for number, name in enumerate(plain.weight_shapes)}
    for dynamics, num_particles in product((replace(plain, parameter_weights=unequal), plain), (2, 7)):
        particles = some_particles(dynamics, num_particles)
        motion = dynamics.optimal_control(particles).motion(particles)
        expected = symplectic_gradient(dynamics, particles)
        assert_close(motion.components(), expected.components(), rtol=1e-12, atol=1e-12)


def test_the_optimal_control_is_a_stationary_point_and_a_maximum_of_the_hamiltonian(dynamics: LinearDynamics) -> None:
    particles = some_particles(dynamics, 4)
    weights = [w.requires_grad_() for w in dynamics.optimal_weights(particles)]
    value = hamiltonian(dynamics, particles, weights)
    for gradient in torch.autograd.grad(value, weights):
        assert_close(gradient, torch.zeros_like(gradient), rtol=0, atol=1e-14)
    moved = [w + 0.1 * torch.randn_like(w) for w in weights]
    assert hamiltonian(dynamics, particles, moved) < value


def test_energy_is_the_hamiltonian_but_for_what_decays(dynamics: LinearDynamics) -> None:
    particles = some_particles(dynamics, 4)
    lost = [c * (p * q).sum() / 4 for c, q, p in zip(dynamics.decays, *particles, strict=True)]
    expected = energy(dynamics, particles) - torch.stack(lost).sum()
    assert_close(reduced_hamiltonian(dynamics, particles), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("num_particles", [2, 5, 40])
def test_the_low_rank_control_moves_points_as_its_weights_do(dynamics: LinearDynamics, num_particles: int) -> None:
    particles, points = some_particles(dynamics, num_particles), some_points(dynamics, 7)
    by_weights = dynamics.with_weights(dynamics.optimal_weights(particles)).velocity(points)
    assert_close(dynamics.optimal_control(particles).velocity(points), by_weights, rtol=1e-12, atol=1e-12)


def test_the_order_of_the_particles_does_not_matter(field: MakeField) -> None:
    dynamics = field("tanh")
    particles, points = some_particles(dynamics, 5), some_points(dynamics, 7)
    shuffled = Phase.from_components([component.flip(0) for component in particles.components()])
    velocity = dynamics.optimal_control(particles).velocity(points)
    assert_close(dynamics.optimal_control(shuffled).velocity(points), velocity, rtol=1e-12, atol=1e-12)


def test_a_point_does_not_feel_its_neighbours_in_the_batch(dynamics: LinearDynamics) -> None:
    control = dynamics.optimal_control(some_particles(dynamics, 5))
    points = some_points(dynamics, 7)
    alone = control.velocity(tuple(component[2:3] for component in points))
    together = control.velocity(points)
    assert_close(tuple(component[2:3] for component in together), alone, rtol=1e-12, atol=1e-12)


def test_a_weight_of_the_cost_that_is_not_positive_or_has_no_weight_is_refused(field: MakeField) -> None:
    dynamics = field("relu")
    for wrong in ({"b1": 0.0}, {"b1": float("nan")}, {"b1": float("inf")}, {"c7": 1.0}):
        with pytest.raises(ShootingArgumentInvalid, match="parameter_weights"):
            replace(dynamics, parameter_weights=wrong)


def test_a_field_without_a_state_is_refused(field: MakeField) -> None:
    for name in ("state_size", "inflation"):
        with pytest.raises(ShootingArgumentInvalid, match=name):
            replace(field("relu"), **{name: 0})


@pytest.mark.parametrize("name", DYNAMICS)
def test_an_inflation_that_a_field_cannot_have_is_refused(name: str) -> None:
    kind = DYNAMICS[name]
    for inflation in (1, 2, 5):
        nearest = kind.nearest_inflation(inflation)
        assert kind(3, nearest).inflation == nearest
        if nearest != inflation:
            with pytest.raises(ShootingArgumentInvalid, match="inflation"):
                kind(3, inflation)


@pytest.mark.parametrize("name", ["simple", "second_order"])
def test_a_field_without_a_wider_state_has_no_inflation(name: str) -> None:
    assert DYNAMICS[name].nearest_inflation(7) == 1


# The velocities as they stand in the documents: of (x, v, z), matrices from A₁ on in a, biases from b₁ on in b.
EQUATIONS = {
    "simple": lambda s, x, a, b: (s(x) @ a[1].T + b[1],),
    "second_order": lambda s, x, v, a, b: (s(v) @ a[1].T + b[1], x @ a[2].T + b[2]),
    "updown": lambda s, x, v, a, b: (s(v) @ a[1].T + b[1], x @ a[2].T + b[2]),
    "updown_universal": lambda s, x, v, a, b: (s(v) @ a[1].T + b[1], x @ a[2].T + b[2] + s(v) @ a[3].T),
    "updown_damped": lambda s, x, v, a, b: (s(v) @ a[1].T + b[1], x @ a[2].T + b[2] - 0.1 * v),
    "updown_symmetrized": lambda s, x, v, z, a, b: (
        s(v) @ a[1].T + b[1],
        s(z) @ a[2].T + b[2],
        x @ a[3].T + b[3],
    ),
    "updown_general": lambda s, x, v, a, b: (
        x @ a[1].T + v @ a[2].T + s(x) @ a[3].T + s(v) @ a[4].T + b[1],
        x @ a[5].T + v @ a[6].T + s(x) @ a[7].T + s(v) @ a[8].T + b[2],
    ),
    "updown_periodic": lambda s, x, v, a, b: (s(v) @ a[1].T + b[1] + x @ a[3].T, x @ a[2].T + b[2]),
}


@pytest.mark.parametrize("name", EQUATIONS)
def test_the_velocity_is_the_equation_of_the_documents(name: str) -> None:
    torch.manual_seed(0)
    dynamics = make_field(name, "tanh")
    weights = {weight: torch.randn(shape).double() for weight, shape in dynamics.weight_shapes.items()}
    a, b = ({int(one[1:]): w for one, w in weights.items() if one[0] == kind} for kind in "ab")
    points = some_points(dynamics, 7)
    expected = EQUATIONS[name](torch.tanh, *points, a=a, b=b)
    assert_close(dynamics.with_weights(list(weights.values())).velocity(points), expected, rtol=1e-12, atol=1e-12)


def test_the_second_state_of_a_damped_field_fades_at_its_damping() -> None:
    dynamics = UpDownDamped(3, 2, damping=0.5)
    points = some_points(dynamics, 7)
    still = dynamics.with_weights([torch.zeros(shape).double() for shape in dynamics.weight_shapes.values()])
    assert_close(still.velocity(points), (torch.zeros_like(points[0]), -0.5 * points[1]))


@pytest.mark.parametrize("damping", [-0.1, float("nan"), float("inf")])
def test_a_damping_that_is_no_share_is_refused(damping: float) -> None:
    with pytest.raises(ShootingArgumentInvalid, match="damping"):
        UpDownDamped(3, 2, damping=damping)

"""Fields without a closed form: the control that is searched for is the one that the equations ask for."""

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from model import ControlNotFound, ShootingArgumentInvalid
from model.shooting.control_cache import ControlCache
from model.shooting.course import Steered
from model.shooting.dynamics import DYNAMICS, ImplicitDynamics, LinearDynamics
from model.shooting.flow import Flow
from model.shooting.hamiltonian import hamiltonian, reduced_hamiltonian, symplectic_gradient
from model.shooting.methods import METHODS
from model.shooting.parametrisation import ParticlesDynamic
from model.shooting.phase import Phase, State
from tests.model.shooting.conftest import make_calm_field, some_particles, some_points


@dataclass(frozen=True)
class Wrapped(ImplicitDynamics):
    """A linear field whose closed form nobody knows."""

    inner: LinearDynamics

    @property
    def component_sizes(self) -> tuple[int, ...]:
        return self.inner.component_sizes

    @property
    def weight_shapes(self) -> dict[str, tuple[int, ...]]:
        return self.inner.weight_shapes

    def velocity(self, q: State, weights: State) -> State:
        return self.inner.with_weights(weights).velocity(q)


@dataclass(frozen=True)
class Saturated(ImplicitDynamics):
    """`ẋ = tanh(Ax + b)`."""

    size: int = 2

    @property
    def component_sizes(self) -> tuple[int, ...]:
        return (self.size,)

    @property
    def weight_shapes(self) -> dict[str, tuple[int, ...]]:
        return {"a": (self.size, self.size), "b": (self.size,)}

    def velocity(self, q: State, weights: State) -> State:
        return (torch.tanh(q[0] @ weights[0].T + weights[1]),)


@dataclass(frozen=True)
class Quadratic(ImplicitDynamics):
    """`ẋ = w ∘ w`, which grows with the weights as fast as their cost."""

    @property
    def component_sizes(self) -> tuple[int, ...]:
        return (2,)

    @property
    def weight_shapes(self) -> dict[str, tuple[int, ...]]:
        return {"w": (2,)}

    def velocity(self, q: State, weights: State) -> State:
        return (weights[0].square().expand_as(q[0]),)


@pytest.fixture(params=DYNAMICS)
def linear(request: pytest.FixtureRequest) -> LinearDynamics:
    field = make_calm_field(request.param, "tanh")
    sizes = {"state_size": 2, "inflation": field.nearest_inflation(2), "activation": field.activation}
    return type(field)(**sizes).weighted_by_fan_in()


def wrapped(linear: LinearDynamics) -> Wrapped:
    return Wrapped(linear, parameter_weights=linear.parameter_weights)


def saturated_particles(size: float = 2.0) -> Phase:
    return some_particles(Saturated(), 4, size=size)


def test_a_linear_field_has_the_control_and_the_motion_of_its_closed_form(linear: LinearDynamics) -> None:
    implicit, particles, points = wrapped(linear), some_particles(linear, 3), some_points(linear, 5)
    assert_close(implicit.optimal_weights(particles), linear.optimal_weights(particles), rtol=1e-12, atol=1e-12)
    found, expected = implicit.optimal_control(particles), linear.optimal_control(particles)
    assert_close(found.velocity(points), expected.velocity(points), rtol=1e-12, atol=1e-12)
    motion = expected.motion(particles).components()
    assert_close(found.motion(particles).components(), motion, rtol=1e-12, atol=1e-12)


def test_a_flow_of_a_linear_field_has_the_gradients_of_its_closed_form(linear: LinearDynamics) -> None:
    particles, points = some_particles(linear, 3), some_points(linear, 4)

    def gradients(dynamics: LinearDynamics | Wrapped) -> tuple[Tensor, ...]:
        torch.manual_seed(0)
        held = ParticlesDynamic(dynamics, num_particles=3).double()
        held.load_state_dict(dict(zip(held.state_dict(), particles.components(), strict=True)))
        loss = Flow(held, step=0.5, method="midpoint")(points, [1.0])[0].square().mean() + held.energy()
        return torch.autograd.grad(loss, tuple(held.parameters()))

    assert_close(gradients(wrapped(linear)), gradients(linear), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("size", [0.1, 2.0, 10.0])
def test_the_control_of_a_nonlinear_field_is_stationary_and_a_maximum(size: float) -> None:
    torch.manual_seed(0)
    dynamics, particles = Saturated(parameter_weights={"a": 0.5, "b": 2.0}), saturated_particles(size)
    weights = [w.requires_grad_() for w in dynamics.optimal_weights(particles)]
    value = hamiltonian(dynamics, particles, weights)
    for gradient in torch.autograd.grad(value, weights):
        assert_close(gradient, torch.zeros_like(gradient), rtol=0, atol=1e-12)
    for _ in range(10):
        assert hamiltonian(dynamics, particles, [w + 0.01 * torch.randn_like(w) for w in weights]) < value


def test_the_derivative_of_the_control_is_that_of_finite_differences() -> None:
    components = [one.requires_grad_() for one in saturated_particles(1.0).components()]
    torch.autograd.gradcheck(lambda *c: Saturated().optimal_weights(Phase.from_components(c)), components)


def test_the_motion_of_a_nonlinear_field_is_the_symplectic_gradient() -> None:
    dynamics, particles = Saturated(), saturated_particles()
    motion = dynamics.optimal_control(particles).motion(particles)
    assert_close(motion.components(), symplectic_gradient(dynamics, particles).components(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("method", ["euler", "rk4"])
def test_the_hamiltonian_of_a_nonlinear_field_drifts_at_the_order_of_the_method(method: str) -> None:
    dynamics, particles = Saturated(), saturated_particles(1.0)

    def drift(num_steps: int) -> float:
        course, companions = Steered(dynamics, particles), particles.components()
        for _ in range(num_steps):
            _, companions = METHODS[method].advance(course, companions, time=0.0, step=1 / num_steps)
        end = reduced_hamiltonian(dynamics, Phase.from_components(companions))
        return abs(float(end - reduced_hamiltonian(dynamics, particles)))

    assert drift(8) < 1.5 * drift(4) / 2 ** METHODS[method].order


def test_a_flow_of_a_nonlinear_field_learns_and_is_cached_in_float32() -> None:
    torch.manual_seed(0)
    flow = Flow(ParticlesDynamic(Saturated(), num_particles=4), step=1.0, method="midpoint")
    state = (some_points(flow.parametrisation.dynamics, 4)[0].float(),)
    target = 0.5 * state[0] + 0.3
    optimizer = torch.optim.Adam(flow.parameters(), lr=0.2)

    def loss() -> Tensor:
        return (flow(state, [1.0])[0] - target).square().mean()

    before = loss().item()
    for _ in range(25):
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
    assert loss().item() < before / 4
    with torch.inference_mode():
        cached = flow.carry(state, ControlCache(flow), [1.0])[0]
    with torch.no_grad():
        assert_close(cached, tuple(component[0] for component in flow(state, [1.0])))


def test_inference_mode_changes_neither_the_control_nor_the_motion() -> None:
    particles = saturated_particles()
    control = Saturated().optimal_control(particles)
    with torch.inference_mode():
        inside = Saturated().optimal_control(particles)
        moved = inside.momentum_velocity(particles.q, particles.p)
    assert_close(inside.velocity(particles.q), control.velocity(particles.q))
    assert_close(moved, control.momentum_velocity(particles.q, particles.p))


def test_a_control_that_does_not_exist_is_an_error_that_names_the_remedy() -> None:
    positive = Phase((torch.zeros(3, 2),), (torch.full((3, 2), 2.0),))
    with pytest.raises(ControlNotFound, match=r"no maximum.*parameter_weights"):
        Quadratic().optimal_weights(positive)
    assert_close(Quadratic(parameter_weights={"w": 5.0}).optimal_weights(positive), (torch.zeros(2),))
    with pytest.raises(ControlNotFound, match="not finite"):
        Saturated().optimal_weights(Phase((torch.full((3, 2), float("nan")),), positive.p))


def test_a_search_that_needs_more_steps_than_it_may_take_says_so() -> None:
    with pytest.raises(ControlNotFound, match="max_iterations") as caught:
        Saturated(max_iterations=1).optimal_weights(saturated_particles(10.0))
    assert caught.value.num_iterations == 1


def test_arguments_of_the_search_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ShootingArgumentInvalid, match="max_iterations"):
        Saturated(max_iterations=0)
    with pytest.raises(ShootingArgumentInvalid, match="tolerance"):
        Saturated(tolerance=-1.0)
    for wrong in ({"b": 0.0}, {"b": float("inf")}, {"c": 1.0}):
        with pytest.raises(ShootingArgumentInvalid, match="parameter_weights"):
            Saturated(parameter_weights=wrong)

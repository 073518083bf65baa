"""The derivative by hand of a step is that of automatic differentiation, which goes another way to the same numbers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import final

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from model.shooting.course import Course, Steered
from model.shooting.dynamics import ACTIVATIONS, DYNAMICS, Control, LinearDynamics
from model.shooting.flow import Flow
from model.shooting.integrate import carry, stage_controls
from model.shooting.methods import METHODS, RungeKutta
from model.shooting.parametrisation import ParticlesDynamic, ParticlesStatic
from model.shooting.phase import Phase, State
from tests.model.shooting.conftest import some_points

EXPLICIT = [name for name, method in METHODS.items() if isinstance(method, RungeKutta)]
TIMES = [0.73, 0.4, 0.0, 0.73, 1.0]


@final
@dataclass(frozen=True, eq=False)
class ByWeights(Course):
    """The optimal control of particles as matrices, which have no derivative by hand."""

    dynamics: LinearDynamics
    particles: Phase

    @property
    def companions(self) -> State:
        return self.particles.components()

    def control(self, time: float, companions: State) -> Control:
        return self.dynamics.with_weights(self.dynamics.optimal_weights(Phase.from_components(companions)))

    def motion(self, control: Control, companions: State) -> State:
        return control.motion(Phase.from_components(companions)).components()


def wide_field(name: str, activation: str) -> LinearDynamics:
    """Wide enough that three particles are applied in factors; parameter weights that differ."""
    kind = DYNAMICS[name]
    field = kind(6, kind.nearest_inflation(2), ACTIVATIONS[activation]).weighted_by_fan_in()
    return replace(field, parameter_weights={**field.parameter_weights, "b1": 0.7})


def flow_of(name: str, activation: str, method: str = "rk4") -> Flow:
    torch.manual_seed(0)
    return Flow(ParticlesDynamic(wide_field(name, activation), num_particles=3).double(), step=0.25, method=method)


def learned(flow: Flow) -> list[Tensor]:
    return list(flow.parameters())


def gradients(states: Sequence[State], wanted: Sequence[Tensor]) -> State:
    weights = [(1.3 + number) * one.sin() for number, state in enumerate(states) for one in state]
    loss = torch.stack(
        [(one * weight.detach()).sum() + one.square().sum() for one, weight in zip_flat(states, weights)]
    )
    return torch.autograd.grad(loss.sum(), wanted)


def zip_flat(states: Sequence[State], weights: Sequence[Tensor]) -> list[tuple[Tensor, Tensor]]:
    return list(zip([one for state in states for one in state], weights, strict=True))


@pytest.mark.parametrize(
    ("name", "activation", "method", "step"),
    [(name, "tanh", method, 0.5) for name in DYNAMICS for method in EXPLICIT]
    + [(name, "relu", "rk4", -0.5) for name in DYNAMICS]
    # The one field with every feature there is.
    + [("updown_general", activation, "rk4", 0.5) for activation in ACTIVATIONS if activation != "tanh"],
)
def test_gradients_are_those_of_automatic_differentiation(name: str, activation: str, method: str, step: float) -> None:
    flow = flow_of(name, activation, method)
    points = tuple(one.requires_grad_() for one in some_points(flow.parametrisation.dynamics, 4))
    wanted, times = [*learned(flow), *points], [time if step > 0 else -time for time in TIMES]
    particles = Phase.from_components(learned(flow))
    found = []
    for course in (
        Steered(flow.parametrisation.dynamics, particles),
        ByWeights(wide_field(name, activation), particles),
    ):
        controls = stage_controls(course, step=step, method=flow.method)
        states = carry(points, controls, times, step=step, method=flow.method)
        found.append((states, gradients(states, wanted)))
        assert (course.slope is None) == isinstance(course, ByWeights)
    assert_close(found[0], found[1], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", DYNAMICS)
def test_a_control_that_is_held_has_the_gradients_of_automatic_differentiation(name: str) -> None:
    torch.manual_seed(0)
    held = ParticlesStatic(wide_field(name, "softplus"), num_particles=3).double()
    points = some_points(held.dynamics, 4)
    states = Flow(held, step=0.25)(points, TIMES)
    weights = held.dynamics.optimal_weights(held.particles)
    by_weights = carry(
        points, [(held.dynamics.with_weights(weights),) * 4] * 4, TIMES, step=0.25, method=METHODS["rk4"]
    )
    expected = tuple(torch.stack(one) for one in zip(*by_weights, strict=True))
    wanted = list(held.parameters())
    assert_close(gradients([states], wanted), gradients([expected], wanted), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("method", EXPLICIT)
def test_derivatives_of_the_derivative_are_those_of_finite_differences(method: str) -> None:
    flow = flow_of("updown_damped", "softplus", method)
    point = tuple(one[:1] for one in some_points(flow.parametrisation.dynamics, 1))

    def ends(*tensors: Tensor) -> State:
        named = zip(dict(flow.named_parameters()), tensors, strict=True)
        states: State = torch.func.functional_call(flow, dict(named), (point, [0.2]))
        return states

    inputs = tuple(one.detach().requires_grad_() for one in learned(flow))
    assert torch.autograd.gradcheck(ends, inputs, fast_mode=True)
    assert torch.autograd.gradgradcheck(ends, inputs, fast_mode=True)


def test_where_only_some_outcomes_and_inputs_matter_the_others_are_left_out() -> None:
    flow = flow_of("updown_universal", "relu")
    points = some_points(flow.parametrisation.dynamics, 4)
    whole = gradients([(flow(points, [0.5])[0],)], learned(flow))
    among = gradients([(flow(points, [0.5, 0.8, 1.0])[0][:1],)], learned(flow))
    assert_close(among, whole, rtol=1e-12, atol=1e-12)
    start = tuple(one.requires_grad_() for one in points)
    for one in learned(flow):
        one.requires_grad_(requires_grad=False)
    assert all(bool(one.abs().sum() > 0) for one in gradients([flow(start, [0.5])], start))


def test_a_nonlinearity_of_which_only_the_derivative_is_known_is_differentiated_automatically() -> None:
    known = wide_field("updown_universal", "tanh")
    unknown = replace(known, activation=replace(known.activation, second_derivative=None))
    torch.manual_seed(0)
    held = ParticlesDynamic(known, num_particles=3).double()
    other = ParticlesDynamic(unknown, num_particles=3).double()
    other.load_state_dict(held.state_dict())
    points = some_points(known, 4)
    found = [gradients([Flow(one, step=0.25)(points, TIMES)], list(one.parameters())) for one in (held, other)]
    assert other.course().slope is None
    assert_close(found[0], found[1], rtol=1e-10, atol=1e-10)

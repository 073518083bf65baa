"""The residual network: exact for the discrete problem, as back-propagation through its layers shows."""

from itertools import pairwise

import pytest
import torch
from torch.testing import assert_close

from model import ImplicitStepUnsolved, ShootingArgumentInvalid
from model.shooting.course import Constant, Steered
from model.shooting.dynamics import Dynamics
from model.shooting.methods import METHODS, Residual
from model.shooting.phase import Phase, State
from tests.model.shooting.conftest import MakeField, make_field, some_particles, some_points

STEP, NUM_LAYERS = 0.2, 3


def shot(dynamics: Dynamics, particles: Phase) -> list[Phase]:
    """The particles before each layer and after the last."""
    course, phases = Steered(dynamics, particles), [particles]
    for _ in range(NUM_LAYERS):
        _, companions = METHODS["residual"].advance(course, phases[-1].components(), time=0.0, step=STEP)
        phases.append(Phase.from_components(companions))
    return phases


def test_shooting_satisfies_the_conditions_of_the_unrolled_network(field: MakeField) -> None:
    dynamics = field("tanh")
    phases = shot(dynamics, some_particles(dynamics, 4))
    weights = [
        [w.detach().requires_grad_() for w in dynamics.optimal_weights(Phase(here.q, after.p))]
        for here, after in pairwise(phases)
    ]
    layers: list[State] = [tuple(one.detach().requires_grad_() for one in phases[0].q)]
    for theta in weights:
        velocity = dynamics.with_weights(theta).velocity(layers[-1])
        layers.append(tuple(one + STEP * v for one, v in zip(layers[-1], velocity, strict=True)))
    num_particles = len(layers[0][0])
    pairing = sum((p * x).sum() for p, x in zip(phases[-1].p, layers[-1], strict=True)) / num_particles
    lagrangian = pairing - STEP * sum(dynamics.cost(theta) for theta in weights)

    for phase, layer in zip(phases, layers, strict=True):
        assert_close(phase.q, layer, rtol=1e-12, atol=1e-12)
        momenta = torch.autograd.grad(pairing, layer, retain_graph=True, materialize_grads=True)
        assert_close(tuple(num_particles * one for one in momenta), phase.p, rtol=1e-12, atol=1e-12)
    for theta in weights:
        for gradient in torch.autograd.grad(lagrangian, theta, retain_graph=True):
            assert_close(gradient, torch.zeros_like(gradient), rtol=0, atol=1e-13)


@pytest.mark.parametrize("name", ["simple", "updown_universal"])
def test_the_gradient_through_the_layers_is_that_of_finite_differences(name: str) -> None:
    dynamics = make_field(name, "tanh")
    particles = [one.requires_grad_() for one in some_particles(dynamics, 2).components()]

    def end(*components: torch.Tensor) -> State:
        return shot(dynamics, Phase.from_components(components))[-1].components()

    assert torch.autograd.gradcheck(end, particles, fast_mode=True)


def test_the_gradient_does_not_need_the_sweeps_of_the_solve() -> None:
    dynamics = make_field("updown_universal", "softplus")
    components = [one.requires_grad_() for one in some_particles(dynamics, 4).components()]
    course = Steered(dynamics, Phase.from_components(components))

    def gradients(method: Residual) -> tuple[torch.Tensor, ...]:
        _, after = method.advance(course, tuple(components), time=0.0, step=0.1)
        return torch.autograd.grad(sum(one.square().sum() for one in after), components)

    exact = gradients(Residual())
    rough = gradients(Residual(tolerance=1e-6))
    assert_close(rough, exact, rtol=1e-5, atol=1e-6)
    assert not all(torch.equal(one, other) for one, other in zip(rough, exact, strict=True))


def test_a_course_without_companions_is_what_euler_makes_of_it() -> None:
    dynamics = make_field("updown_universal", "softplus")
    points = some_points(dynamics, 3)
    course = Constant(dynamics.optimal_control(some_particles(dynamics, 4)))
    for fractions in ((1.0,), (0.3, 1.0)):
        ends = []
        for name in ("residual", "euler"):
            controls, companions = METHODS[name].advance(course, (), time=0.05, step=0.1)
            assert companions == ()
            ends.append(METHODS[name].carry(points, controls, step=0.1, fractions=fractions))
        assert_close(ends[0], ends[1], rtol=0, atol=0)


@pytest.mark.parametrize("step", [40.0, 1e9])
def test_a_step_too_long_to_contract_says_so_and_names_the_remedy(step: float) -> None:
    dynamics = make_field("updown_universal", "softplus")
    particles = some_particles(dynamics, 4)
    with pytest.raises(ImplicitStepUnsolved, match="smaller step") as caught:
        METHODS["residual"].advance(Steered(dynamics, particles), particles.components(), time=0.0, step=step)
    assert caught.value.step == step
    assert 0 < caught.value.num_sweeps <= 50


def test_sweeps_are_capped_as_asked() -> None:
    dynamics = make_field("updown_universal", "softplus")
    particles = some_particles(dynamics, 4)
    course = Steered(dynamics, particles)
    with pytest.raises(ImplicitStepUnsolved, match="3 sweeps"):
        Residual(max_sweeps=3).advance(course, particles.components(), time=0.0, step=0.1)
    Residual(max_sweeps=3, tolerance=0.1).advance(course, particles.components(), time=0.0, step=0.1)


@pytest.mark.parametrize("tolerance", [0.0, -1.0, float("nan"), float("inf")])
def test_a_tolerance_that_is_not_positive_is_refused(tolerance: float) -> None:
    with pytest.raises(ShootingArgumentInvalid, match="tolerance"):
        Residual(tolerance=tolerance)


def test_no_sweep_is_refused() -> None:
    with pytest.raises(ShootingArgumentInvalid, match="max_sweeps"):
        Residual(max_sweeps=0)

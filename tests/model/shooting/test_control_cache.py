"""Controls that are kept move points as those they were made of, and are made once."""

from collections.abc import Iterable
from copy import deepcopy
from itertools import islice

import pytest
import torch
from torch.testing import assert_close

from model.shooting.control_cache import ControlCache
from model.shooting.dynamics import LinearDynamics
from model.shooting.flow import Flow
from model.shooting.methods import StageControls
from model.shooting.parametrisation import Parametrisation, parametrise
from tests.model.shooting.conftest import make_calm_field, some_particles, some_points


@pytest.mark.parametrize("num_particles", [1, 3, 20])
def test_the_form_that_is_kept_moves_points_and_momenta_alike(dynamics: LinearDynamics, num_particles: int) -> None:
    control = dynamics.optimal_control(some_particles(dynamics, num_particles))
    points, momenta = some_points(dynamics, 7), some_points(dynamics, 7, seed=2)
    kept = control.kept(torch.float64)
    assert_close(kept.velocity(points), control.velocity(points), rtol=1e-12, atol=1e-12)
    moved = control.momentum_velocity(points, momenta)
    assert_close(kept.momentum_velocity(points, momenta), moved, rtol=1e-12, atol=1e-12)


def test_a_step_is_made_once_and_steps_come_in_order(held: Parametrisation) -> None:
    cache = ControlCache(Flow(held, step=0.1))
    first = cache.first(3)
    assert all(a is b for a, b in zip(first, cache.first(5), strict=False))
    assert all(a is b for a, b in zip(first, islice(cache, 3), strict=True))


def test_a_control_that_is_held_over_time_is_kept_once(dynamics: LinearDynamics) -> None:
    cache = ControlCache(Flow(parametrise("particles_static", dynamics, num_particles=4), step=0.1))
    assert len({id(control) for stages in cache.first(3) for control in stages}) == 1


def test_nothing_that_is_kept_asks_for_a_gradient(held: Parametrisation) -> None:
    flow = Flow(held, step=0.1)
    with torch.inference_mode():
        states = flow.carry(some_points(held.dynamics, 4), ControlCache(flow), [0.5])
    assert not any(component.requires_grad for state in states for component in state)


def test_far_ahead_the_controls_that_are_kept_are_nearer_to_exact_than_those_of_single_precision() -> None:
    torch.manual_seed(0)
    dynamics = make_calm_field("updown_universal", "relu")
    flow = Flow(parametrise("particles_dynamic", dynamics, num_particles=4, particle_spread=1.5), step=0.25)
    double, state = deepcopy(flow).double(), some_points(dynamics, 5)
    rounded = tuple(component.float() for component in state)
    with torch.inference_mode():
        exact = double.carry(state, double.controls(), [25.0])[0]

    def error(controls: Iterable[StageControls]) -> float:
        found = flow.carry(rounded, controls, [25.0])[0]
        pairs = zip(found, exact, strict=True)
        return max(float((one - other).abs().max() / other.abs().max()) for one, other in pairs)

    with torch.inference_mode():
        assert error(ControlCache(flow)) < min(1e-5, error(flow.controls()) / 3)


def test_what_is_kept_has_the_type_of_the_flow(dynamics: LinearDynamics) -> None:
    flow = Flow(parametrise("particles_dynamic", dynamics, num_particles=4).float(), step=0.1)
    points = tuple(component.float() for component in some_points(dynamics, 2))
    for stages in ControlCache(flow).first(2):
        for control in stages:
            assert {component.dtype for component in control.velocity(points)} == {torch.float32}

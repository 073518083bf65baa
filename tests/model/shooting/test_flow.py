"""A flow learns, goes both ways, and refuses what makes no sense."""

import pytest
import torch
from torch.testing import assert_close

from model import ImplicitStepUnsolved, ShootingArgumentInvalid
from model.shooting.control_cache import ControlCache
from model.shooting.course import Steered
from model.shooting.flow import Flow
from model.shooting.methods import Residual
from model.shooting.parametrisation import Parametrisation, parametrise
from model.shooting.phase import Phase
from tests.model.shooting.conftest import MakeField, some_particles, some_points


def test_a_flow_learns(held: Parametrisation) -> None:
    flow = Flow(held, step=0.5, method="midpoint")
    state = some_points(held.dynamics, 3)
    target = state[0] + 1.0
    optimizer = torch.optim.Adam(flow.parameters(), lr=0.1)

    def loss() -> torch.Tensor:
        return (flow(state, [1.0])[0] - target).square().mean()

    before = loss().item()
    for _ in range(25):
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
    assert loss().item() < before / 20
    assert flow.energy().item() > 0


def test_steps_and_solver_agree_at_any_times_on_both_sides_of_zero(held: Parametrisation) -> None:
    flow, points = Flow(held, step=0.125), some_points(held.dynamics, 4)
    times = [0.31, -0.2, 0.0, 1.0, 0.31]
    for stepped, solved in zip(flow(points, times), flow.solve(points, times), strict=True):
        assert stepped.shape == (5, 4, stepped.shape[-1])
        assert_close(stepped, solved, rtol=1e-4, atol=1e-4)


def test_a_flow_forward_then_back_returns(held: Parametrisation) -> None:
    flow, points = Flow(held, step=0.05), some_points(held.dynamics, 4)
    controls = list(zip(range(20), flow.controls(), strict=False))
    there = flow.carry(points, (stages for _, stages in controls), [1.0])[0]
    for _, stages in reversed(controls):
        there = flow.method.carry(there, tuple(reversed(stages)), step=-0.05)[0]
    assert_close(there, points, rtol=1e-4, atol=1e-4)


def test_cached_controls_carry_points_to_the_same_place(held: Parametrisation) -> None:
    flow, points = Flow(held, step=0.25), some_points(held.dynamics, 4)
    cache = ControlCache(flow)
    assert len(cache.first(3)) == 3
    with torch.inference_mode():
        cached = flow.carry(points, cache, [0.5, 1.0])
    for number, state in enumerate(cached):
        assert_close(state, tuple(component[number] for component in flow(points, [0.5, 1.0])), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("step", [0.0, -1.0, float("nan"), float("inf")])
def test_a_step_that_is_no_positive_time_is_refused(field: MakeField, step: float) -> None:
    with pytest.raises(ShootingArgumentInvalid, match="step"):
        Flow(parametrise("direct_static", field("relu")), step=step)


def test_names_and_counts_that_make_no_sense_are_refused_by_argument(field: MakeField) -> None:
    dynamics = field("relu")
    with pytest.raises(ShootingArgumentInvalid, match="method"):
        Flow(parametrise("direct_static", dynamics), step=0.1, method="guess")
    with pytest.raises(ShootingArgumentInvalid, match="name"):
        parametrise("particles", dynamics)
    with pytest.raises(ShootingArgumentInvalid, match="num_particles"):
        parametrise("particles_static", dynamics, num_particles=0)
    with pytest.raises(ShootingArgumentInvalid, match="num_pieces"):
        parametrise("direct_dynamic", dynamics, num_pieces=0)
    with pytest.raises(ShootingArgumentInvalid, match="duration"):
        parametrise("direct_dynamic", dynamics, duration=float("nan"))


def test_states_and_times_that_make_no_sense_are_refused_by_argument(field: MakeField) -> None:
    flow = Flow(parametrise("direct_static", field("relu")).double(), step=0.1)
    points = some_points(flow.parametrisation.dynamics, 4)
    for times in ([], [float("nan")], [0.5, float("inf")], torch.zeros(2, 2)):
        with pytest.raises(ShootingArgumentInvalid, match="times"):
            flow(points, times)
    for state in (points[:0], tuple(c[:, 1:] for c in points), tuple(c * float("nan") for c in points)):
        with pytest.raises(ShootingArgumentInvalid, match="state"):
            flow(state, [1.0])


def test_particles_that_do_not_fit_the_field_are_refused(field: MakeField) -> None:
    dynamics = field("relu")
    four, five = some_particles(dynamics, 4), some_particles(dynamics, 5)
    wider = tuple(torch.cat([one, one], dim=1) for one in four.p)
    for particles in (some_particles(dynamics, 0), Phase(four.q, five.p), Phase(four.q, wider), Phase(four.q, ())):
        with pytest.raises(ShootingArgumentInvalid, match="particles"):
            Steered(dynamics, particles)


def test_weights_that_do_not_fit_the_field_are_refused(field: MakeField) -> None:
    dynamics = field("relu")
    weights = [torch.zeros(shape) for shape in dynamics.weight_shapes.values()]
    for wrong in (weights[1:], [torch.zeros(1, 7), *weights[1:]]):
        with pytest.raises(ShootingArgumentInvalid, match="weights"):
            dynamics.with_weights(wrong)


def test_a_state_without_points_of_other_numbers_or_of_too_few_dimensions_is_refused(field: MakeField) -> None:
    flow = Flow(parametrise("direct_static", field("relu")).double(), step=0.1)
    points = some_points(flow.parametrisation.dynamics, 4)
    for state in (
        tuple(c[:0] for c in points),
        tuple(c.long() for c in points),
        tuple(c.float() for c in points),
        tuple(c.sum() for c in points),
    ):
        for integrate in (flow, flow.solve):
            with pytest.raises(ShootingArgumentInvalid, match="state"):
                integrate(state, [1.0])


def test_a_method_may_come_with_arguments_of_its_own(field: MakeField) -> None:
    flow = Flow(
        parametrise("particles_dynamic", field("relu"), num_particles=3).double(),
        step=0.25,
        method=Residual(max_sweeps=1, tolerance=1e-12),
    )
    with pytest.raises(ImplicitStepUnsolved, match="1 sweep"):
        flow(some_points(flow.parametrisation.dynamics, 4), [1.0])

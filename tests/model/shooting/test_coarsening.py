"""A flow in longer steps takes points to the same place, and no step is longer than that allows."""

import pytest
import torch

from model import ShootingArgumentInvalid
from model.shooting.coarsening import coarsened
from model.shooting.flow import Flow
from model.shooting.methods import METHODS
from model.shooting.parametrisation import Parametrisation, parametrise
from model.shooting.phase import State
from tests.model.shooting.conftest import make_calm_field, some_points

TIMES = [0.3, 1.0, -0.5]


def shift(flow: Flow, other: Flow, points: State) -> float:
    """The largest change of a component, relative to its largest number."""
    with torch.no_grad():
        pairs = list(zip(flow(points, TIMES), other(points, TIMES), strict=True))
    return max(float((one - two).abs().max() / one.abs().max()) for one, two in pairs)


def test_the_step_is_the_longest_double_that_moves_no_point_by_more_than_the_tolerance(held: Parametrisation) -> None:
    tolerance = 1e-5
    flow, points = Flow(held, step=1 / 8), some_points(held.dynamics, 3)
    coarse = coarsened(flow, points, TIMES, tolerance=tolerance)
    doublings = torch.tensor(coarse.step / flow.step).log2()
    assert doublings == doublings.round()
    assert shift(flow, coarse, points) <= tolerance
    if coarse.step < 1:
        assert shift(flow, Flow(held, step=2 * coarse.step), points) > tolerance


@pytest.mark.parametrize("method", ["euler", "midpoint", "rk4"])
def test_a_method_of_higher_order_is_never_given_a_shorter_step(method: str) -> None:
    torch.manual_seed(0)
    held = parametrise("particles_dynamic", make_calm_field("updown_universal", "softplus"), num_particles=4).double()
    points = some_points(held.dynamics, 3)
    steps = [coarsened(Flow(held, step=1 / 16, method=m), points, [1.0], tolerance=3e-3).step for m in (method, "rk5")]
    assert steps[0] <= steps[1] <= 1


def test_what_was_learned_is_shared_and_the_flow_stays_as_it_was() -> None:
    torch.manual_seed(0)
    held = parametrise("particles_dynamic", make_calm_field("updown", "softplus"), num_particles=4)
    flow = Flow(held, step=1 / 32, method="rk5")
    points = tuple(component.float() for component in some_points(held.dynamics, 3))
    coarse = coarsened(flow, points, [1.0])
    assert coarse.parametrisation is held
    assert coarse.method is METHODS["rk5"]
    assert (flow.step, next(flow.parameters()).dtype) == (1 / 32, torch.float32)


@pytest.mark.parametrize("tolerance", [0.0, -1.0, float("nan"), float("inf")])
def test_a_tolerance_that_is_no_positive_number_is_refused(tolerance: float) -> None:
    flow = Flow(parametrise("direct_static", make_calm_field("simple", "relu")).double(), step=0.5)
    with pytest.raises(ShootingArgumentInvalid, match="tolerance"):
        coarsened(flow, some_points(flow.parametrisation.dynamics, 2), [1.0], tolerance=tolerance)

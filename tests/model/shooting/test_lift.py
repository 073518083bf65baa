"""How the second state of a data point starts."""

import pytest
import torch
from torch.testing import assert_close

from model import ShootingArgumentInvalid
from model.shooting.lift import LIFTS, Lift


@pytest.mark.parametrize("kind", sorted(LIFTS))
def test_a_lift_keeps_x_and_starts_every_other_component_point_by_point(kind: str) -> None:
    torch.manual_seed(0)
    lift, x = Lift(kind, (3, 6, 4)), torch.randn(5, 3)
    state = lift(x)
    assert [tuple(component.shape) for component in state] == [(5, 3), (5, 6), (5, 4)]
    assert_close(state[0], x, rtol=0, atol=0)
    for component, alone in zip(state, lift(x[2:3]), strict=True):
        assert_close(component[2:3], alone)


@pytest.mark.parametrize(
    ("kind", "learned"), [("zero", False), ("constant", True), ("linear", True), ("network", True)]
)
def test_what_is_learned_of_a_lift(kind: str, learned: bool) -> None:
    assert any(parameter.requires_grad for parameter in Lift(kind, (3, 6)).parameters()) is learned


def test_an_unknown_lift_is_refused() -> None:
    with pytest.raises(ShootingArgumentInvalid, match="kind"):
        Lift("guess", (3, 6))


@pytest.mark.parametrize("sizes", [(), (0, 6), (3, 0)])
def test_a_lift_to_no_component_or_one_without_a_size_is_refused(sizes: tuple[int, ...]) -> None:
    with pytest.raises(ShootingArgumentInvalid, match="component_sizes"):
        Lift("linear", sizes)


@pytest.mark.parametrize("shape", [(5, 4), (3,), (2, 5, 3)])
def test_points_of_another_shape_are_not_lifted(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShootingArgumentInvalid, match="x is"):
        Lift("zero", (3, 6))(torch.zeros(shape))

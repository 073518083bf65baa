"""The non-linearities and their derivatives."""

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from model import ShootingArgumentInvalid
from model.shooting.dynamics import ACTIVATIONS, Activation, sine

ALL = [*ACTIVATIONS.values(), sine(0.5), sine(7.0)]


def by_autograd(activation: Activation, points: Tensor) -> Tensor:
    points = points.clone().requires_grad_()
    return torch.autograd.grad(activation.value(points).sum(), points)[0]


def test_the_six_non_linearities_are_there_under_their_names() -> None:
    assert set(ACTIVATIONS) == {"relu", "tanh", "sigmoid", "softplus", "identity", "sine"}
    assert all(name == activation.name for name, activation in ACTIVATIONS.items())


@pytest.mark.parametrize("activation", ALL, ids=lambda one: one.name)
def test_the_derivative_is_that_of_automatic_differentiation(activation: Activation) -> None:
    # An even number of points, so that none is the kink of relu.
    points = torch.linspace(-40, 40, 400, dtype=torch.float64)
    assert_close(activation.derivative(points), by_autograd(activation, points), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("activation", ALL, ids=lambda one: one.name)
def test_what_is_known_to_go_back_through_the_derivative_is_that_of_automatic_differentiation(
    activation: Activation,
) -> None:
    points = torch.linspace(-40, 40, 400, dtype=torch.float64).requires_grad_()
    found = torch.zeros_like(points) if (second := activation.second_derivative) is None else second(points)
    derivative = activation.derivative(points)
    expected = (
        torch.autograd.grad(derivative.sum(), points)[0] if derivative.requires_grad else torch.zeros_like(points)
    )
    assert activation.has_slopes
    assert_close(found, expected, rtol=1e-12, atol=1e-14)


def test_the_derivative_of_relu_at_its_kink_is_the_one_that_torch_takes() -> None:
    kink = torch.zeros(1, dtype=torch.float64)
    assert_close(ACTIVATIONS["relu"].derivative(kink), by_autograd(ACTIVATIONS["relu"], kink), rtol=0, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("activation", ALL, ids=lambda one: one.name)
def test_values_and_derivatives_stay_finite_and_keep_shape_and_type(activation: Activation, dtype: torch.dtype) -> None:
    points = torch.tensor([[-1e4, -1.0, 0.0], [1e-30, 1.0, 1e4]], dtype=dtype)
    for found in (activation.value(points), activation.derivative(points)):
        assert found.dtype == dtype
        assert found.shape == points.shape
        assert found.isfinite().all()


def test_the_scale_of_a_sine_is_its_frequency() -> None:
    points = torch.linspace(-3, 3, 50, dtype=torch.float64)
    assert_close(sine(2.5).value(points), torch.sin(2.5 * points), rtol=0, atol=0)


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf")])
def test_a_scale_that_is_no_positive_number_is_refused(scale: float) -> None:
    with pytest.raises(ShootingArgumentInvalid, match="scale"):
        sine(scale)

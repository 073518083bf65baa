"""The non-linearities σ and their derivatives σ'."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from model.errors import ShootingArgumentInvalid
from model.shooting.finite import is_positive

# Beyond it softplus is the identity. torch's own threshold of 20 is exact in float32 and off by 2e-9 in float64.
_SOFTPLUS_THRESHOLD = 37.0


@dataclass(frozen=True)
class Activation:
    """A non-linearity σ with its derivative, both applied to each component.

    Attributes:
        name: What it is called in `ACTIVATIONS`.
        value: σ.
        derivative: σ', with σ'(0) = 0 for relu.
        pull_back_by_value: σ'(v) ∘ g from σ(v) and g, where σ is made of straight pieces.
        second_derivative: σ'', where it is made of anything else.
    """

    name: str
    value: Callable[[Tensor], Tensor]
    derivative: Callable[[Tensor], Tensor]
    pull_back_by_value: Callable[[Tensor, Tensor], Tensor] | None = None
    second_derivative: Callable[[Tensor], Tensor] | None = None

    @property
    def is_curved(self) -> bool:
        """Whether derivatives of σ' are known and not zero."""
        return self.second_derivative is not None

    @property
    def has_slopes(self) -> bool:
        """Whether enough is known to go back through σ' by hand."""
        return self.is_curved or self.pull_back_by_value is not None

    def pull_back(self, v: Tensor, value: Tensor, gradient: Tensor) -> Tensor:
        """σ'(v) ∘ g, the value being σ(v)."""
        if self.pull_back_by_value is None:
            return self.derivative(v) * gradient
        return self.pull_back_by_value(value.detach(), gradient)


def sine(scale: float = 1.0) -> Activation:
    """σ(v) = sin(scale · v).

    Args:
        scale: Radians for each unit of v.

    Raises:
        ShootingArgumentInvalid: A scale that is not positive and finite.
    """
    if not is_positive(scale):
        raise ShootingArgumentInvalid("scale", scale, "a positive number")
    return Activation(
        "sine",
        lambda v: torch.sin(scale * v),
        lambda v: scale * torch.cos(scale * v),
        second_derivative=lambda v: -(scale**2) * torch.sin(scale * v),
    )


def _relu_pulled_back(value: Tensor, gradient: Tensor) -> Tensor:
    """A mask made of numbers takes three passes where this takes one, and keeps another tensor for the gradient."""
    pulled: Tensor = torch.ops.aten.threshold_backward(gradient, value, 0)
    return pulled


def _of_sigmoid(v: Tensor) -> Tensor:
    return torch.sigmoid(v) * torch.sigmoid(-v)


def _of_tanh(v: Tensor) -> Tensor:
    value = torch.tanh(v)
    return -2 * value * (1 - value**2)


_ALL = (
    Activation("relu", torch.relu, lambda v: (v > 0).to(v.dtype), _relu_pulled_back),
    Activation("tanh", torch.tanh, lambda v: 1 - torch.tanh(v) ** 2, second_derivative=_of_tanh),
    Activation("sigmoid", torch.sigmoid, _of_sigmoid, second_derivative=lambda v: _of_sigmoid(v) * -torch.tanh(v / 2)),
    Activation(
        "softplus",
        lambda v: functional.softplus(v, threshold=_SOFTPLUS_THRESHOLD),
        torch.sigmoid,
        second_derivative=_of_sigmoid,
    ),
    Activation("identity", lambda v: v, torch.ones_like, lambda value, gradient: gradient),
    sine(),
)

ACTIVATIONS = {activation.name: activation for activation in _ALL}
"""Every non-linearity by name; `sine` makes others of its kind."""

"""The non-linearities σ and their derivatives σ'."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from model.errors import ShootingArgumentInvalid

# Beyond it softplus is the identity. torch's own threshold of 20 is exact in float32 and off by 2e-9 in float64.
_SOFTPLUS_THRESHOLD = 37.0


@dataclass(frozen=True)
class Activation:
    """A non-linearity σ with its derivative, both applied to each component.

    Attributes:
        name: What it is called in `ACTIVATIONS`.
        value: σ.
        derivative: σ', with σ'(0) = 0 for relu.
    """

    name: str
    value: Callable[[Tensor], Tensor]
    derivative: Callable[[Tensor], Tensor]


def sine(scale: float = 1.0) -> Activation:
    """σ(v) = sin(scale · v).

    Args:
        scale: Radians for each unit of v.

    Raises:
        ShootingArgumentInvalid: A scale that is not positive and finite.
    """
    if not 0 < scale < math.inf:
        raise ShootingArgumentInvalid("scale", scale, "a positive number")
    return Activation("sine", lambda v: torch.sin(scale * v), lambda v: scale * torch.cos(scale * v))


_ALL = (
    Activation("relu", torch.relu, lambda v: (v > 0).to(v.dtype)),
    Activation("tanh", torch.tanh, lambda v: 1 - torch.tanh(v) ** 2),
    Activation("sigmoid", torch.sigmoid, lambda v: torch.sigmoid(v) * torch.sigmoid(-v)),
    Activation("softplus", lambda v: functional.softplus(v, threshold=_SOFTPLUS_THRESHOLD), torch.sigmoid),
    Activation("identity", lambda v: v, torch.ones_like),
    sine(),
)

ACTIVATIONS = {activation.name: activation for activation in _ALL}
"""Every non-linearity by name; `sine` makes others of its kind."""

"""The non-linearities σ and their derivatives σ'."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


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
    """σ(v) = sin(scale · v)."""
    return Activation("sine", lambda v: torch.sin(scale * v), lambda v: scale * torch.cos(scale * v))


_ALL = (
    Activation("relu", torch.relu, lambda v: (v > 0).to(v.dtype)),
    Activation("tanh", torch.tanh, lambda v: 1 - torch.tanh(v) ** 2),
    Activation("sigmoid", torch.sigmoid, lambda v: torch.sigmoid(v) * torch.sigmoid(-v)),
    Activation("softplus", functional.softplus, torch.sigmoid),
    Activation("identity", lambda v: v, torch.ones_like),
    sine(),
)

ACTIVATIONS = {activation.name: activation for activation in _ALL}
"""Every non-linearity by name; `sine` makes others of its kind."""

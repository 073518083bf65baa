"""The non-linearities σ and their derivatives σ'."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Activation:
    """A non-linearity σ with its derivative, both applied to each component."""

    value: Callable[[Tensor], Tensor]
    derivative: Callable[[Tensor], Tensor]


ACTIVATIONS = {
    "relu": Activation(torch.relu, lambda v: (v > 0).to(v.dtype)),
    "tanh": Activation(torch.tanh, lambda v: 1 - torch.tanh(v) ** 2),
    "softplus": Activation(functional.softplus, torch.sigmoid),
    "identity": Activation(lambda v: v, torch.ones_like),
}

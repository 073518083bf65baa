"""A linear forecast beside the flow's, and how much it counts.

Legend: L context length; H trained horizon.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn


class LinearPath(nn.Module):
    """What comes after a context as a linear map of its shape, the context less its level; it moves with the level.

    A flow and a line err in different ways, so that their mean errs less than either. `blending` sets both attributes
    once a training has ended; until then the line says nothing.

    Args:
        context_length: L.
        horizon: H.

    Attributes:
        weights: From the shape to the targets less the level; shape (L, H).
        share: From 0, the flow alone, to 1, the line alone.
    """

    weights: Tensor
    share: Tensor

    def __init__(self, context_length: int, horizon: int) -> None:
        super().__init__()
        self.register_buffer("weights", torch.zeros(context_length, horizon))
        self.register_buffer("share", torch.zeros(()))

    def forward(self, context: Float[Tensor, "batch context"], horizon: int) -> Float[Tensor, "batch horizon"]:
        """The linear forecast; past H, from contexts that have moved on over what was forecast."""
        parts = []
        for _ in range(0, horizon, self.weights.shape[1]):
            level = context.mean(1, keepdim=True)
            parts.append((context - level) @ self.weights + level)
            context = torch.cat([context, parts[-1]], dim=1)[:, -context.shape[1] :]
        return torch.cat(parts, dim=1)[:, :horizon]

    def shift(
        self, mean: Float[Tensor, "batch horizon"], context: Float[Tensor, "batch context"]
    ) -> Float[Tensor, "batch horizon"]:
        """By how much it moves a forecast with this mean."""
        shift: Tensor = self.share * (self(context, mean.shape[1]) - mean)
        return shift

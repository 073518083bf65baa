"""The level and spread of each context, taken out before the network and put back after it."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor


class Scale(NamedTuple):
    """The level and spread of each context; a spread of 0 marks a constant one, whose forecast is its level."""

    level: Float[Tensor, "batch 1"]
    spread: Float[Tensor, "batch 1"]

    @classmethod
    def of(cls, context: Float[Tensor, "batch context"]) -> "Scale":
        """Mean and standard deviation; what is left of a constant after rounding counts as none."""
        level = context.mean(1, keepdim=True)
        spread = context.std(1, keepdim=True, correction=0)
        rounding = 16 * torch.finfo(context.dtype).eps * level.abs()
        return cls(level, torch.where(spread > rounding, spread, 0.0))

    def remove(self, values: Float[Tensor, "batch length"]) -> Float[Tensor, "batch length"]:
        """Values in units of the spread around the level; 0 where the context is constant."""
        return torch.where(self.spread > 0, (values - self.level) / self.spread.clamp_min(1e-300), 0.0)

    def restore(self, scaled: Float[Tensor, "batch *rest"]) -> Float[Tensor, "batch *rest"]:
        """What `remove` took out, put back; the first dimension is the batch."""
        shape = (-1,) + (1,) * (scaled.dim() - 1)
        return scaled * self.spread.view(shape) + self.level.view(shape)

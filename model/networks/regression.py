"""A regression of the values on signals known in advance: what they do at once, the same at every lead.

    y(t) = Σ w_ij u_i(t − j) + what is left        j = 0, …, 7

What is left goes through flow and line, as a regression with errors that have a season and a memory of their own; so a
context explained by its signals is not taken for a level or a season. Everything is in units of a context's spread.

Legend: F signals, M = `MEMORY` steps, L context length.
"""

from collections.abc import Callable
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from model.contexts.inputs import Inputs
from model.contexts.scaling import Scale
from model.contexts.scheme import Scheme
from model.contexts.windows import Batch
from model.networks.exogenous import MEMORY


class Regression(nn.Module):
    """What signals known in advance do at once; nothing until it is solved, by `model.training.regressing`.

    Args:
        scheme: The covariates.

    Attributes:
        weights: Of each signal now and in the steps before; shape (F · M,).
    """

    weights: Tensor

    def __init__(self, scheme: Scheme) -> None:
        super().__init__()
        self._signals = slice(len(scheme.past), len(scheme.past) + len(scheme.future))
        self.register_buffer("weights", torch.zeros(len(scheme.future) * MEMORY))

    def taps(self, inputs: Inputs, num_steps: int) -> Float[Tensor, "batch steps taps"]:
        """The signals of each step and of those before it; at their mean where nothing is known."""
        known = inputs.signals[:, :num_steps, self._signals]
        padded = functional.pad(known, (0, 0, MEMORY - 1, num_steps - known.shape[1]))
        return padded.unfold(1, MEMORY, 1).flatten(2)

    def forward(self, inputs: Inputs, num_steps: int) -> Float[Tensor, "batch steps"]:
        """What the signals do to the values of the first steps, the history's among them."""
        effects: Tensor = self.taps(inputs, num_steps) @ self.weights
        return effects

    def cleared(
        self, context: Float[Tensor, "batch context"], horizon: int, inputs: Inputs
    ) -> tuple[Float[Tensor, "batch context"], Callable[[Tensor], Tensor]]:
        """A scaled context without what signals did to it, scaled again, and what puts a forecast of it back."""
        length = context.shape[1]
        effects = self(inputs, length + horizon).to(context)
        left = context - effects[:, :length]
        scale = Scale.of(left)

        def put_back(said: Tensor) -> Tensor:
            ahead = effects[:, length:]
            whole: Tensor = scale.restore(said) + (ahead[..., None] if said.dim() > ahead.dim() else ahead)
            return whole

        return scale.remove(left), put_back

    def cleared_batch(self, batch: Batch) -> Batch:
        """Windows without what signals did to them, in their own units."""
        assert batch.inputs is not None, "a regression was asked without covariates"
        length = batch.context.shape[1]
        spread = Scale.of(batch.context).spread
        effects = spread * self(batch.inputs, length + batch.target.shape[1]).to(spread)
        return replace(batch, context=batch.context - effects[:, :length], target=batch.target - effects[:, length:])

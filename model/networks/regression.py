"""A regression of the values on signals known in advance: what they do at once, the same at every lead.

    y(t) = Σ w_ij u_i(t − j) + what is left        j = 0, …, 7

What is left goes through flow and line, as a regression with errors that have a season and a memory of their own; so a
context explained by its signals is not taken for a level or a season. Everything is in units of a context's spread.

Legend: F signals, M = `MEMORY` steps, L context length.
"""

from collections.abc import Callable
from dataclasses import replace

import torch
from jaxtyping import Float, Int
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

    def signals(self, inputs: Inputs, num_steps: int) -> Float[Tensor, "batch steps signals"]:
        """The signals of the first steps; at their mean where nothing is known."""
        known = inputs.signals[:, :num_steps, self._signals]
        padded: Tensor = functional.pad(known, (0, 0, 0, num_steps - known.shape[1]))
        return padded

    def forward(self, inputs: Inputs, num_steps: int) -> Float[Tensor, "batch steps"]:
        """What the signals do to the values of the first steps, the history's among them."""
        parts = self.signals(inputs, num_steps) @ self.weights.view(-1, MEMORY)
        padded = functional.pad(parts, (0, 0, MEMORY - 1, 0))
        return torch.stack([padded[:, tap : tap + num_steps, tap] for tap in range(MEMORY)]).sum(0)

    def missed(
        self, inputs: Inputs, line: Float[Tensor, "context horizon"], said: Float[Tensor, "batch signals taps horizon"]
    ) -> Float[Tensor, "batch horizon all_taps"]:
        """What a line misses of each tap, U_ahead − U_past W, both less their mean over the history.

        Args:
            inputs: The covariates.
            line: W.
            said: What it says of each tap as it is, U_past W.
        """
        length, horizon = line.shape
        signals = self.signals(inputs, length + horizon)
        sums = [signals[:, : max(0, length - steps)].sum(1) for steps in range(MEMORY - 1, -1, -1)]
        means = torch.stack(sums, -1) / length
        ahead = functional.pad(signals, (0, 0, MEMORY - 1, 0))[:, length:].unfold(1, MEMORY, 1)
        said = said - means[..., None] * line.sum(0)
        missed: Tensor = ahead - means[:, None] - said.permute(0, 3, 1, 2)
        return missed.flatten(2)

    def said(
        self, inputs: Inputs, line: Float[Tensor, "context horizon"]
    ) -> Float[Tensor, "batch signals taps horizon"]:
        """What a line says of each tap.

        A tap is a signal some steps late. So the line says of it what the line, moved by as many steps, says of the
        signal, and no history of each tap is made.
        """
        length, horizon = line.shape
        late = range(MEMORY - 1, -1, -1)
        lines = torch.stack([functional.pad(line[steps:], (0, 0, 0, min(steps, length))) for steps in late], 1)
        past = self.signals(inputs, length).transpose(1, 2)
        said: Tensor = (past @ lines.flatten(1)).unflatten(-1, (MEMORY, horizon))
        return said

    def said_of_neighbours(
        self, signals: Float[Tensor, "values all_signals"], places: Int[Tensor, " batch"], line: Tensor
    ) -> Float[Tensor, "batch signals taps horizon"]:
        """The same for windows close together in time: what is late in one of them is not in those before it.

        Args:
            signals: Beside all values.
            places: Where the windows start among them.
            line: From a history to what comes after it; shape (context, horizon).
        """
        first, late = int(places.min()) - MEMORY + 1, range(MEMORY - 1, -1, -1)
        own = signals[max(0, first) : int(places.max()) + len(line), self._signals]
        own = functional.pad(own, (0, 0, max(0, -first), 0))
        said, at = own.unfold(0, len(line), 1) @ line, places - first
        # Before its window a tap is at its mean.
        return torch.stack([said[at - steps] - self._before(own, at - steps, line[:steps]) for steps in late], 2)

    def _before(self, signals: Tensor, at: Tensor, line: Tensor) -> Tensor:
        """What the beginning of a line says of signals from some places on; shape (batch, signals, horizon)."""
        steps = torch.arange(len(line), device=at.device)
        return signals[at[:, None] + steps].transpose(1, 2) @ line

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

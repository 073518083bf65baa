"""A network that answers without gradients: its control computed once, its horizon without an end.

A forecast is made in blocks. Within a block the flow is simply continued; after it, the context moves on over what was
forecast. The length of the blocks is learned on validation data: the trained horizon, or as much longer as pays. Later
blocks are pulled towards the season of the first one, and everything past the trained horizon is kept within limits.
"""

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from model.contexts.inputs import Inputs
from model.contexts.scaling import Scale
from model.networks.anchor import Anchor, Limits
from model.networks.loss import mean_weights
from model.networks.network import ShootingNetwork
from model.shooting.control_cache import ControlCache
from model.shooting.integrate import num_steps


class Predictor:
    """Quantiles for any number of steps from contexts in their own unit; safe to call from several threads.

    Args:
        network: Trained, and not trained any further.
        block_length: Steps for which the flow is continued before the context moves on.
        season_length: Steps of a season.
        trust: How far forecasts go from the last value towards what the network says, from 0 to 1.
        width: The share of the network's spreads that quantiles have, from 0 to 1.
    """

    def __init__(
        self,
        network: ShootingNetwork,
        *,
        block_length: int,
        season_length: int,
        trust: float = 1.0,
        width: float = 1.0,
    ) -> None:
        self.network = network.eval().requires_grad_(requires_grad=False)
        self.block_length = block_length
        self.season_length = season_length
        self.trust = trust
        self.width = width
        self._weights = mean_weights(network.levels.double())
        self._controls = ControlCache(network.flow)

    def prepare(self, horizon: int) -> None:
        """Computes the controls of a horizon, so that no forecast up to it has to wait for them."""
        self._controls.first(self._num_steps(min(horizon, self.block_length)))

    def quantiles(
        self, context: Float[Tensor, "batch context"], horizon: int, inputs: Inputs | None = None
    ) -> Float[Tensor, "batch horizon levels"]:
        """The quantiles of the next `horizon` steps, in float64, ascending along the last dimension.

        Args:
            context: Histories.
            horizon: How many steps.
            inputs: The covariates over both, where the network has any.
        """
        block = self._block(context, min(self.block_length, horizon), inputs)
        if horizon <= self.network.horizon:
            return block
        trusted, later = block[:, : self.network.horizon], block[:, self.network.horizon :]
        limits = Limits.of(context, trusted, median=self.network.median)
        blocks = [torch.cat([trusted, limits.hold(later)], dim=1)]
        if horizon > self.block_length:
            blocks += self._later_blocks(context, blocks[0], horizon, limits, inputs)
        return self._never_narrower(torch.cat(blocks, dim=1))

    def mean(self, quantiles: Float[Tensor, "*batch levels"]) -> Float[Tensor, "*batch"]:
        """The mean of the distribution that the quantiles describe."""
        return quantiles @ self._weights

    def num_evaluations(self, horizon: int) -> int:
        """How often the vector field is evaluated for a horizon."""
        blocks = (min(self.block_length, horizon - first) for first in range(0, horizon, self.block_length))
        return self.network.flow.method.num_stages * sum(map(self._num_steps, blocks))

    @property
    def num_bytes(self) -> int:
        """Memory of the weights, and of the controls once all of them are kept."""
        weights: int = sum(p.numel() * p.element_size() for p in self.network.parameters())
        particles: int = sum(p.numel() * p.element_size() for p in self.network.flow.parameters())
        return weights + particles * self.num_evaluations(self.block_length)

    def _later_blocks(
        self, context: Tensor, block: Tensor, horizon: int, limits: Limits, inputs: Inputs | None
    ) -> Iterator[Tensor]:
        """Block after block, each from a context that has moved on over the ones before it.

        What signals known in advance add is not pulled towards the season of the first block: they need not repeat.
        """
        season, period, median = self.season_length, self.network.period, self.network.median
        driving = inputs if self.network.is_driven else None
        first = block if driving is None else self._undriven(context, block.shape[1], driving)
        anchor = Anchor.of(context, first, period=period, season_length=season, median=median)
        for lead in range(self.block_length, horizon, self.block_length):
            context = torch.cat([context, self.mean(block)], dim=1)[:, -context.shape[1] :]
            length, moved = min(self.block_length, horizon - lead), None if inputs is None else inputs.moved(lead)
            block = self._block(context, length, moved)
            undriven = block if moved is None or driving is None else self._undriven(context, length, moved)
            driven = (block - undriven)[..., median, None]
            block = limits.hold(anchor.pull(undriven, lead) + driven)
            yield block

    def _undriven(self, context: Tensor, horizon: int, inputs: Inputs) -> Tensor:
        """A block in which every signal is at its mean."""
        return self._block(context, horizon, inputs.without_future(context.shape[1]))

    @torch.inference_mode()
    def _block(self, context: Tensor, horizon: int, inputs: Inputs | None) -> Tensor:
        scale = Scale.of(context)
        scaled = scale.remove(context)
        quantiles = self.network.predict(scaled.float(), horizon, self._controls, inputs).double()
        if self.trust < 1 or self.width < 1:
            mean = self.mean(quantiles)
            trusted = torch.lerp(scaled[:, -1:], mean, self.trust)
            quantiles = trusted[..., None] + self.width * (quantiles - mean[..., None])
        return scale.restore(quantiles)

    def _num_steps(self, horizon: int) -> int:
        return num_steps(float(-(-horizon // self.network.patch_length)), self.network.flow.step)

    def _never_narrower(self, quantiles: Tensor) -> Tensor:
        """Past the trained horizon, spreads at least as wide as a season earlier: the future does not grow clearer."""
        batch, horizon, num_levels = quantiles.shape
        season = min(self.season_length, self.network.horizon)
        first = self.network.horizon - season
        median = quantiles[..., self.network.median, None]
        spreads = quantiles - median
        late = functional.pad(spreads[:, first:], (0, 0, 0, -(horizon - first) % season))
        seasons = late.view(batch, -1, season, num_levels)
        below, above = seasons[..., : self.network.median], seasons[..., self.network.median :]
        widest = torch.cat([below.cummin(1).values, above.cummax(1).values], dim=-1)
        spreads = torch.cat([spreads[:, :first], widest.flatten(1, 2)[:, : horizon - first]], dim=1)
        return median + spreads

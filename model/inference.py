"""A network that answers without gradients: its control computed once, its horizon without an end.

A forecast is made in blocks. Within a block the flow is simply continued; after it, the context moves on over what was
forecast. The length of the blocks is learned on validation data: the trained horizon, or as much longer as pays.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from model.network import ShootingNetwork
from model.scaling import Scale
from model.shooting.control_cache import ControlCache
from model.shooting.integrate import num_steps


class Predictor:
    """Quantiles for any number of steps from contexts in their own unit; safe to call from several threads.

    Args:
        network: Trained, and not trained any further.
        block_length: Steps for which the flow is continued before the context moves on.
        season_length: Steps of a season.
    """

    def __init__(self, network: ShootingNetwork, *, block_length: int, season_length: int) -> None:
        self.network = network.eval().requires_grad_(requires_grad=False)
        self.block_length = block_length
        self.season_length = season_length
        levels = network.levels.double()
        edges = torch.cat([levels.new_zeros(1), (levels[1:] + levels[:-1]) / 2, levels.new_ones(1)])
        self._weights = edges.diff()
        self._controls = ControlCache(network.flow)

    def prepare(self, horizon: int) -> None:
        """Computes the controls of a horizon, so that no forecast up to it has to wait for them."""
        self._controls.first(self._num_steps(min(horizon, self.block_length)))

    def quantiles(self, context: Float[Tensor, "batch context"], horizon: int) -> Float[Tensor, "batch horizon levels"]:
        """The quantiles of the next `horizon` steps, in float64, ascending along the last dimension."""
        length = context.shape[1]
        blocks: list[Tensor] = []
        for first in range(0, horizon, self.block_length):
            block = self._block(context, min(self.block_length, horizon - first))
            blocks.append(block)
            context = torch.cat([context, self.mean(block)], dim=1)[:, -length:]
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

    @torch.inference_mode()
    def _block(self, context: Tensor, horizon: int) -> Tensor:
        scale = Scale.of(context)
        return scale.restore(self.network.predict(scale.remove(context).float(), horizon, self._controls).double())

    def _num_steps(self, horizon: int) -> int:
        return num_steps(float(-(-horizon // self.network.patch_length)), self.network.flow.step)

    def _never_narrower(self, quantiles: Tensor) -> Tensor:
        """Past the first block, spreads at least as wide as a season earlier: the future does not grow clearer."""
        batch, horizon, num_levels = quantiles.shape
        season = min(self.season_length, self.block_length)
        first = self.block_length - season
        if horizon <= self.block_length:
            return quantiles
        median = quantiles[..., self.network.median, None]
        spreads = quantiles - median
        late = functional.pad(spreads[:, first:], (0, 0, 0, -(horizon - first) % season))
        seasons = late.view(batch, -1, season, num_levels)
        below, above = seasons[..., : self.network.median], seasons[..., self.network.median :]
        widest = torch.cat([below.cummin(1).values, above.cummax(1).values], dim=-1)
        spreads = torch.cat([spreads[:, :first], widest.flatten(1, 2)[:, : horizon - first]], dim=1)
        return median + spreads

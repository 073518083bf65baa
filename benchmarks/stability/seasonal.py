"""A forecasting task: noisy seasonal series whose level wanders slowly, context to flow to patches.

The network is the forecaster's, with the flow of a remedy in it; a T is its trained horizon. Series are drawn anew for
each batch, and known without their noise at all times.

Legend of a series: a daily and a half-daily sine of random phase, a slow one of 1100 steps, and noise.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from benchmarks.stability.remedies import Training
from benchmarks.stability.trial import MULTIPLES, Followed, Sizes, new_flow
from model.configuration.config import TrainingConfig
from model.contexts.scaling import Scale
from model.networks.inference import Predictor
from model.networks.loss import pinball
from model.networks.network import ShootingNetwork
from model.shooting.flow import Flow
from model.shooting.phase import State

CONTEXT, HORIZON, PATCH, SEASON, SLOW = 192, 96, 24, 24, 1100
SIZES = Sizes(state_size=32, inflation=2, num_particles=16, step=1.0, num_steps=HORIZON // PATCH)
CONFIG = TrainingConfig(
    freq="h",
    season_length=SEASON,
    horizon=HORIZON,
    context_length=CONTEXT,
    patch_length=PATCH,
    validation_steps=HORIZON,
    state_size=SIZES.state_size,
    inflation=SIZES.inflation,
    num_particles=SIZES.num_particles,
)
BATCH, NUM_UNSEEN, NOISE, SLOW_SIZE = 128, 32, 0.2, 1.0


@dataclass(frozen=True)
class Drawn:
    """Contexts with noise, of shape (series, 192), and what follows them without, of shape (series, horizon)."""

    context: Tensor
    future: Tensor


def drawn(num_series: int, horizon: int, generator: torch.Generator | None = None) -> Drawn:
    """So many series."""
    phases = 2 * math.pi * torch.rand(3, num_series, 1, generator=generator)
    steps = torch.arange(CONTEXT + horizon)
    sines = [
        torch.sin(2 * math.pi * steps / period + phase) for period, phase in zip((24, 12, SLOW), phases, strict=True)
    ]
    clean = sines[0] + 0.4 * sines[1] + SLOW_SIZE * sines[2]
    noise = NOISE * torch.randn(num_series, CONTEXT, generator=generator)
    return Drawn(clean[:, :CONTEXT] + noise, clean[:, CONTEXT:])


class Seasonal(nn.Module):
    """The forecaster's network with a flow of one's choice.

    Args:
        parametrisation: One of `PARAMETRISATIONS`.
        training: What a remedy asks of the flow.
    """

    def __init__(self, parametrisation: str, training: Training) -> None:
        super().__init__()
        self.network = ShootingNetwork(CONFIG)
        self.network.flow = new_flow(parametrisation, training, SIZES, weighted=True)
        self.unseen = drawn(NUM_UNSEEN, max(MULTIPLES) * HORIZON, torch.Generator().manual_seed(1))
        self.scale = Scale.of(self.unseen.context)

    @property
    def flow(self) -> Flow:
        """The network's."""
        return self.network.flow

    def loss(self, *, mixed_times: bool) -> Tensor:
        """Pinball loss on noisy targets in units of each context's spread, up to T, or a random horizon up to 2T."""
        horizon = PATCH * int(torch.randint(1, 2 * SIZES.num_steps + 1, ())) if mixed_times else HORIZON
        batch = drawn(BATCH, horizon)
        scale = Scale.of(batch.context)
        target = scale.remove(batch.future + NOISE * torch.randn_like(batch.future))
        quantiles = self.network(scale.remove(batch.context), horizon)
        return pinball(quantiles, target, self.network.levels, torch.ones_like(target, dtype=torch.bool))

    def start(self) -> State:
        """The encoded contexts of other series."""
        return self.network.encode(self.scale.remove(self.unseen.context))

    def read(self, states: Sequence[State], first: int) -> tuple[Tensor, Tensor]:
        """The medians of patches, and the truth."""
        decoded = self.network.decode([tuple(one.float() for one in state) for state in states])
        medians = self.scale.restore(decoded[..., self.network.median])
        start = (first - 1) * PATCH
        return medians, self.unseen.future[:, start : start + medians.shape[1]]


def in_blocks(task: Seasonal) -> Iterator[tuple[str, Followed]]:
    """What serving does in place of following the flow further: blocks, pulled towards a season or not."""
    predictor = Predictor(task.network, block_length=HORIZON, season_length=SEASON)
    context, reach = task.unseen.context.double(), max(MULTIPLES) * HORIZON
    yield "anchored", _measured(predictor.quantiles(context, reach)[..., task.network.median], task.unseen.future)
    yield "rolled", _measured(_rolled(predictor, context, reach), task.unseen.future)
    season = context[:, -SEASON:].repeat(1, reach // SEASON)
    yield "last day repeated", _measured(season, task.unseen.future)


def _rolled(predictor: Predictor, context: Tensor, reach: int) -> Tensor:
    """Block after block of the predictor's, nothing holding them."""
    medians = []
    for _ in range(reach // HORIZON):
        block = predictor.quantiles(context, HORIZON)
        medians.append(block[..., predictor.network.median])
        context = torch.cat([context, predictor.mean(block)], dim=1)[:, -CONTEXT:]
    return torch.cat(medians, dim=1)


def _measured(found: Tensor, truth: Tensor) -> Followed:
    pairs = list(zip(found.split(HORIZON, dim=1), truth.split(HORIZON, dim=1), strict=True))
    errors = [float(((f - t).square().mean() / t.square().mean()).sqrt()) for f, t in pairs]
    sizes = [float(f.abs().max() / truth.abs().max()) for f, _ in pairs]
    return Followed(tuple(errors), tuple(sizes), ())

"""From a context to quantiles: encode, flow, decode.

    context ─ linear L→d = x(0) ─ linear d→αd = v(0) ─ flow ─ at each patch: linear d→P medians and their spreads
        └──── a line, which moves them by its share

Legend: L context length, d state size, α inflation, P patch length, Q quantile levels.
"""

from collections.abc import Iterable

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from model.config import TrainingConfig
from model.grid import week_length
from model.linear import LinearPath
from model.loss import mean_weights
from model.shooting.dynamics import UpDownUniversal
from model.shooting.flow import Flow
from model.shooting.lift import Lift
from model.shooting.methods import StageControls
from model.shooting.parametrisation import ParticlesDynamic
from model.shooting.phase import State


class ShootingNetwork(nn.Module):
    """Carries an encoded context along a shooting flow and reads a patch of quantiles off at each unit of time.

    Args:
        config: The sizes.

    Attributes:
        horizon: The longest lead, in steps, that it is trained on.
        period: Steps after which values repeat most fully.
        levels: Of the quantiles.
        median: The number of the median among them.
        linear: The line beside the flow, if there is one.
    """

    levels: Tensor

    def __init__(self, config: TrainingConfig) -> None:
        super().__init__()
        self.horizon = config.horizon
        self.period = _period(config)
        self.patch_length = config.patch_length
        self.anchored = config.anchored
        self.register_buffer("levels", torch.tensor(config.quantile_levels), persistent=False)
        self.median = config.quantile_levels.index(0.5)
        num_spreads = len(config.quantile_levels) - 1
        dynamics = UpDownUniversal(config.state_size, config.inflation).weighted_by_fan_in()
        self.encoder = nn.Linear(config.context_length, config.state_size)
        self.dropout = nn.Dropout(config.dropout)
        self.lift = Lift("linear", dynamics.component_sizes)
        particles = ParticlesDynamic(dynamics, num_particles=config.num_particles)
        self.flow = Flow(particles, step=1 / config.steps_per_patch)
        self.median_head = nn.Linear(config.state_size, config.patch_length)
        self.spread_head = nn.Linear(config.state_size, config.patch_length * num_spreads)
        self.linear = LinearPath(config.context_length, config.horizon) if config.linear else None

    def encode(self, context: Float[Tensor, "batch context"]) -> State:
        """The data points (x(0), v(0)) of scaled contexts."""
        state: State = self.lift(self.dropout(self.encoder(context)))
        return state

    def decode(self, states: list[State]) -> Float[Tensor, "batch horizon levels"]:
        """The quantiles of consecutive patches, ascending along the last dimension by construction."""
        x = torch.stack([state[0] for state in states], dim=1)
        median = self.median_head(x).unsqueeze(-1)
        gaps = functional.softplus(self.spread_head(x).unflatten(-1, (self.patch_length, -1)) - 1)
        below = median - gaps[..., : self.median].flip(-1).cumsum(-1).flip(-1)
        above = median + gaps[..., self.median :].cumsum(-1)
        return torch.cat([below, median, above], -1).flatten(1, 2)

    def forward(self, context: Float[Tensor, "batch context"], horizon: int) -> Float[Tensor, "batch horizon levels"]:
        """What the flow alone says of the next `horizon` steps of scaled contexts: their quantiles."""
        return self._said(context, horizon, self.flow.controls())

    def predict(
        self, context: Float[Tensor, "batch context"], horizon: int, controls: Iterable[StageControls]
    ) -> Float[Tensor, "batch horizon levels"]:
        """The same, under controls that were computed before, and moved by the line's share."""
        said = self._said(context, horizon, controls)
        if self.linear is None:
            return said
        return said + self.linear.shift(said @ mean_weights(self.levels), context)[..., None]

    def _said(
        self, context: Float[Tensor, "batch context"], horizon: int, controls: Iterable[StageControls]
    ) -> Float[Tensor, "batch horizon levels"]:
        patches = [float(patch) for patch in range(1, 1 - (-horizon // self.patch_length))]
        last = context[:, -1:] if self.anchored else torch.zeros_like(context[:, -1:])
        states = self.flow.carry(self.encode(context - last), controls, patches)
        return self.decode(states)[:, :horizon] + last[..., None]


def _period(config: TrainingConfig) -> int:
    """Steps after which values repeat most fully: a week where that is seen as one whole, else a season."""
    week = week_length(config.freq) or config.season_length
    return week if config.context_length + config.horizon >= week else config.season_length

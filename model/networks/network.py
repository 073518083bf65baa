"""From a context to quantiles: encode, flow, decode.

    context ─ linear L→d = x(0) ─ linear d→αd = v(0) ─ flow ─ at each patch: linear d→P medians and their spreads
        └──── a line, which moves them by its share

Of a system, one state carries all channels: the encoder reads their contexts at once, and of each the decoder reads a
patch off. Its channels are consecutive rows of a batch, always in one order.

Legend: L context length, d state size, α inflation, P patch length, Q quantile levels.
"""

from collections.abc import Iterable

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from model.configuration.config import TrainingConfig
from model.contexts.inputs import Inputs
from model.networks.device import exact
from model.networks.exogenous import Exogenous
from model.networks.linear import LinearPath
from model.networks.loss import mean_weights
from model.networks.regression import Regression
from model.panels.grid import week_length
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
        num_channels: Rows that are carried by one state.
        horizon: The longest lead, in steps, that it is trained on.
        period: Steps after which values repeat most fully.
        levels: Of the quantiles.
        median: The number of the median among them.
        linear: The line beside the flow, if there is one.
        regression: On signals known in advance, if there is one.
    """

    levels: Tensor

    def __init__(self, config: TrainingConfig) -> None:
        super().__init__()
        self.num_channels = config.num_channels
        self.horizon = config.horizon
        self.period = _period(config)
        self.patch_length = config.patch_length
        self.anchored = config.anchored
        self.register_buffer("levels", torch.tensor(config.quantile_levels), persistent=False)
        self.median = config.quantile_levels.index(0.5)
        num_spreads = len(config.quantile_levels) - 1
        dynamics = UpDownUniversal(config.state_size, config.inflation).weighted_by_fan_in()
        self.encoder = nn.Linear(config.num_channels * config.context_length, config.state_size)
        self.state_size, self.dropout = config.state_size, config.dropout
        self.lift = Lift("linear", dynamics.component_sizes)
        particles = ParticlesDynamic(dynamics, num_particles=config.num_particles)
        self.flow = Flow(particles, step=1 / config.steps_per_patch)
        num_values = config.num_channels * config.patch_length
        self.median_head = nn.Linear(config.state_size, num_values)
        self.spread_head = nn.Linear(config.state_size, num_values * num_spreads)
        self.linear = LinearPath(config.context_length, config.horizon) if config.linear else None
        # Last, so that a network without covariates starts from the same numbers as ever.
        self.exogenous = _exogenous(config, dynamics.component_sizes)
        self.regression = Regression(config.covariates) if config.regression else None

    @property
    def is_driven(self) -> bool:
        """Whether signals known in advance move its state."""
        return self.exogenous is not None and self.exogenous.num_ahead > 0

    def noise(self, num_states: int, device: torch.device) -> Tensor | None:
        """Dropout for so many x(0): each number nothing or, so that the mean stays, more; None without.

        It is drawn for a batch as a whole, so that it does not depend on the parts in which the batch is computed.
        """
        if not self.dropout:
            return None
        kept = torch.empty(num_states, self.state_size, device=device).bernoulli_(1 - self.dropout)
        return kept.div_(1 - self.dropout)

    def encode(
        self, context: Float[Tensor, "batch context"], inputs: Inputs | None = None, noise: Tensor | None = None
    ) -> State:
        """The data points (x(0), v(0)) of scaled contexts, and of their covariates; one a system.

        In training it is multiplied by noise; see `noise`.
        """
        x = self.encoder(context.reshape(len(context) // self.num_channels, -1))
        if self.exogenous is not None:
            x = x + self.exogenous.start(_given(inputs))
        state: State = self.lift(x if noise is None else x * noise)
        return state

    def decode(self, states: list[State]) -> Float[Tensor, "batch horizon levels"]:
        """The quantiles of consecutive patches, ascending along the last dimension by construction."""
        x = torch.stack([state[0] for state in states], dim=1)
        median = self._by_row(self.median_head(x))
        gaps = functional.softplus(self._by_row(self.spread_head(x)) - 1)
        below = median - gaps[..., : self.median].flip(-1).cumsum(-1).flip(-1)
        above = median + gaps[..., self.median :].cumsum(-1)
        return torch.cat([below, median, above], -1).flatten(1, 2)

    def _by_row(self, patches: Float[Tensor, "systems patches values"]) -> Float[Tensor, "batch patches steps rest"]:
        """What was read off each state, as a row for each of its channels."""
        rows: Tensor = patches.unflatten(-1, (self.num_channels, self.patch_length, -1))
        by_row: Tensor = rows.transpose(1, 2).flatten(0, 1)
        return by_row

    def forward(
        self,
        context: Float[Tensor, "batch context"],
        horizon: int,
        inputs: Inputs | None = None,
        noise: Float[Tensor, "states d"] | None = None,
    ) -> Float[Tensor, "batch horizon levels"]:
        """What the flow alone says of the next `horizon` steps of scaled contexts: their quantiles.

        Args:
            context: Histories in their own unit.
            horizon: How many steps.
            inputs: The covariates; from a network with covariates they may not be missing.
            noise: What `noise` drew, in training.
        """
        return self._said(context, horizon, exact(self.flow.controls(), context.device), inputs, noise)

    def predict(
        self,
        context: Float[Tensor, "batch context"],
        horizon: int,
        controls: Iterable[StageControls],
        inputs: Inputs | None = None,
    ) -> Float[Tensor, "batch horizon levels"]:
        """The same, under controls that were computed before, and moved by the line's share."""
        said = self._said(context, horizon, controls, inputs, None)
        if self.linear is None:
            return said
        return said + self.shift(said @ mean_weights(self.levels), context, inputs)[..., None]

    def shift(
        self,
        mean: Float[Tensor, "batch horizon"],
        context: Float[Tensor, "batch context"],
        inputs: Inputs | None = None,
    ) -> Float[Tensor, "batch horizon"]:
        """By how much the line, which has to be there, moves a forecast with this mean."""
        line = self.linear
        assert line is not None, "a network without a line was asked for its share"
        if self.regression is None:
            return line.shift(mean, context)
        left, put_back = self.regression.cleared(context, mean.shape[1], _given(inputs))
        moved: Tensor = line.share * (put_back(line(left, mean.shape[1])) - mean)
        return moved

    def _said(
        self,
        context: Float[Tensor, "batch context"],
        horizon: int,
        controls: Iterable[StageControls],
        inputs: Inputs | None,
        noise: Tensor | None,
    ) -> Float[Tensor, "batch horizon levels"]:
        if self.regression is None:
            return self._carried(context, horizon, controls, inputs, noise)
        left, put_back = self.regression.cleared(context, horizon, _given(inputs))
        return put_back(self._carried(left, horizon, controls, inputs, noise))

    def _carried(
        self,
        context: Float[Tensor, "batch context"],
        horizon: int,
        controls: Iterable[StageControls],
        inputs: Inputs | None,
        noise: Tensor | None,
    ) -> Float[Tensor, "batch horizon levels"]:
        num_patches = -(-horizon // self.patch_length)
        last = context[:, -1:] if self.anchored else torch.zeros_like(context[:, -1:])
        start, driven = self.encode(context - last, inputs, noise), self.exogenous
        if driven is None or not driven.num_ahead:
            patches = [float(patch) for patch in range(1, num_patches + 1)]
            return self.decode(self.flow.carry(start, controls, patches))[:, :horizon] + last[..., None]
        states = driven.carry(self.flow, start, controls, num_patches, _given(inputs))
        effects = driven.effects(states, _given(inputs))
        return (self.decode(states) + effects[..., None])[:, :horizon] + last[..., None]


def _exogenous(config: TrainingConfig, sizes: tuple[int, ...]) -> Exogenous | None:
    if not config.covariates:
        return None
    return Exogenous(
        config.covariates, context_length=config.context_length, patch_length=config.patch_length, sizes=sizes
    )


def _given(inputs: Inputs | None) -> Inputs:
    assert inputs is not None, "a network with covariates was asked without them"
    return inputs


def _period(config: TrainingConfig) -> int:
    """Steps after which values repeat most fully: a week, say, where that is seen as one whole, else a season."""
    period = config.period or week_length(config.freq) or config.season_length
    return period if config.context_length + config.horizon >= period else config.season_length

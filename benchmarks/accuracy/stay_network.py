"""A network for irregular observations of many channels: views of each channel, one state of all, a flow, a mixture.

    observations ─ views of each channel ─┬─ all of them, and the facts ─ x(0) ─ (x, v)(0) ─ flow ─ x(t)
                                          └─ mixed, by shares read off x(t) ─ plus a linear map of x(t)

A view is a mean of one channel's observations whose weights fall off with age, by a learned time constant: attention
from the cutoff by time alone (as in mTAN, Shukla and Marlin, 2021). The state x encodes the views
of all channels, so that channels inform each other; it is decoded to all channels at any time. It is built on
`model.shooting`; the product's forecaster, which takes one series at a time, has no part in it.

Legend: C channels, K views, F facts, d state size; times are in hours.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from model.shooting.dynamics import UpDownUniversal
from model.shooting.flow import Flow
from model.shooting.lift import Lift
from model.shooting.parametrisation import ParticlesDynamic

NUM_VIEWS, SHORTEST, LONGEST = 4, 0.7, 40.0
"""Views of a channel, and their time constants before training."""

UNIT, STEP = 6.0, 0.5
"""Hours in a unit of the flow's time, and its integration step in such units."""

_HIDDEN = 256
_NEVER = 60.0


@dataclass(frozen=True, eq=False)
class Observed:
    """What is known at the cutoffs of some stays; places without an observation hold anything.

    Attributes:
        values: In units of each channel's deviation; shape (batch, places, C).
        seen: Where there is an observation; shape (batch, places, C).
        ages: Hours from an observation to the cutoff; shape (batch, places, C).
        facts: Of the stays; shape (batch, F).
        cutoffs: Hours since admission; shape (batch,).
    """

    values: Tensor
    seen: Tensor
    ages: Tensor
    facts: Tensor
    cutoffs: Tensor


class Views(nn.Module):
    """Weighted means of each channel's observations, drawn to the channel's mean, 0, where there are few.

    Args:
        num_channels: C.
    """

    def __init__(self, num_channels: int) -> None:
        super().__init__()
        spaced = torch.linspace(math.log(SHORTEST), math.log(LONGEST), NUM_VIEWS)
        self.log_constants = nn.Parameter(spaced.repeat(num_channels, 1))
        self.log_doubts = nn.Parameter(torch.full((num_channels, NUM_VIEWS), -2.0))

    def forward(self, known: Observed) -> tuple[Tensor, Tensor]:
        """The means, and the weights that they rest on; each of shape (batch, C, K)."""
        weights = torch.exp(-known.ages[..., None] / self.log_constants.exp()) * known.seen[..., None]
        masses = weights.sum(1)
        return (weights * known.values[..., None]).sum(1) / (masses + self.log_doubts.exp()), masses


class StayNetwork(nn.Module):
    """Forecasts all channels of a stay from the irregular observations before a cutoff.

    Args:
        num_channels: C.
        num_facts: F.
        state_size: d.
        inflation: So many times d is the size of v.
        num_particles: Of the flow.
        dropout: The share of hidden units and of x(0) dropped in training, and three times that of the inputs.
    """

    def __init__(
        self, num_channels: int, num_facts: int, *, state_size: int, inflation: int, num_particles: int, dropout: float
    ) -> None:
        super().__init__()
        self.num_channels = num_channels
        self.views = Views(num_channels)
        dynamics = UpDownUniversal(state_size, inflation).weighted_by_fan_in()
        self.encoder = nn.Sequential(
            nn.Dropout(dropout / 3),
            nn.Linear(num_channels * (2 * NUM_VIEWS + 2) + num_facts + 1, _HIDDEN),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(_HIDDEN, state_size),
        )
        self.lift = Lift("linear", dynamics.component_sizes)
        self.flow = Flow(ParticlesDynamic(dynamics, num_particles=num_particles), step=STEP)
        self.direct = nn.Linear(state_size, num_channels)
        self.mixture = nn.Linear(state_size, num_channels * (NUM_VIEWS + 2))
        for layer in (self.direct, self.mixture):
            nn.init.zeros_(layer.weight)

    def forward(self, known: Observed, leads: list[float]) -> Tensor:
        """What is expected at times after the cutoff; shape (batch, leads, C).

        Args:
            known: Until the cutoffs.
            leads: Hours from a cutoff on, none of them negative.
        """
        means, masses = self.views(known)
        last, since = _last(known)
        features = [
            means.flatten(1),
            torch.log1p(masses).flatten(1),
            last,
            torch.exp(-since / 8),
            known.facts,
            known.cutoffs[:, None] / 24 - 1,
        ]
        start = self.lift(self.encoder(torch.cat(features, 1)))
        x = self.flow(start, [lead / UNIT for lead in leads])[0].transpose(0, 1)
        shares = torch.softmax(self.mixture(x).unflatten(-1, (self.num_channels, -1)), -1)
        candidates = torch.cat([means, last[..., None], torch.zeros_like(last)[..., None]], -1)
        mixed: Tensor = self.direct(x) + (shares * candidates[:, None]).sum(-1)
        return mixed


def _last(known: Observed) -> tuple[Tensor, Tensor]:
    """The last observation of each channel, 0 where there is none, and its age."""
    ages = torch.where(known.seen, known.ages, math.inf)
    age, place = ages.min(1)
    seen = known.seen.any(1)
    value = known.values.gather(1, place[:, None])[:, 0]
    return torch.where(seen, value, 0.0), torch.where(seen, age, _NEVER)


def between(forecasts: Tensor, leads: Tensor) -> Tensor:
    """Forecasts in between whole hours after the cutoff, linear in time.

    Args:
        forecasts: At whole hours, the first one at the cutoff; shape (batch, hours, C).
        leads: The hours after the cutoff that are asked; shape (batch, places, C), as that of the answer.
    """
    before = leads.floor().clamp(0, forecasts.shape[1] - 2).long()
    share = leads - before
    return forecasts.gather(1, before) * (1 - share) + forecasts.gather(1, before + 1) * share

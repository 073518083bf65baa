"""Irregular observations of many channels: stays in intensive care, 36 hours known, 12 ahead (PhysioNet 2012, set A).

The literature (GraFITi, Yalavarthi and others, AAAI 2024, and its public code) takes hourly means, standardises each
channel over all stays, leaves out what lies beyond five deviations, and scores the next three hours in which anything
was observed; its models learn from 12,000 stays. Here there are 4,000: 60 % to learn from, 20 % to choose the weights
by, 20 % to score, at random by the seed. One network forecasts the twelve hours. Its figures are mean square errors:

    next_three_mse     of the next three hours with an observation, the figure to compare with the literature's
    twelve_hours_mse   of all twelve hours
    minutes_mse        of all observations of the twelve hours, each at its own minute

The product's forecaster takes one series at a time and cannot let the channels of a stay inform each other, so the
network is the one of `stay_network`, on the same flow.
"""

import copy
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import torch
from torch import Tensor, nn

from benchmarks.accuracy.physionet import CHANNELS, HOURS, Stays, read
from benchmarks.accuracy.stay_network import Observed, StayNetwork, between
from benchmarks.accuracy.suite import Suite
from benchmarks.measurement import Measurement
from model import TrainingOptions
from model.training.learning import one_cycle

CONTEXT, HORIZON, NEXT, FARTHEST = 36, 12, 3, 5.0
LEADS = [float(hour) for hour in range(HORIZON + 1)]

EARLIEST, LATEST, AT_CONTEXT = 18, 42, 0.25
"""Training cuts stays at any whole hour between these, and this share of them where they are cut for the test."""

PUBLISHED = {"GraFITi": 0.286, "LinODEnet": 0.299, "mTAN": 0.315, "GRU-ODE-Bayes": 0.329}
"""Mean square errors over the next three hours with an observation."""


@dataclass(frozen=True)
class Recipe:
    """Choices made on validation stays; `TrainingOptions` of the same name replace them."""

    state_size: int = 64
    inflation: int = 2
    num_particles: int = 32
    dropout: float = 0.3
    learning_rate: float = 4e-3
    batch_size: int = 128
    num_epochs: int = 16
    steps_per_epoch: int = 50

    @classmethod
    def of(cls, options: TrainingOptions) -> "Recipe":
        """The recipe with what was chosen by hand."""
        own = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in options.chosen.items() if name in own})  # type: ignore[arg-type]


@dataclass(frozen=True, eq=False)
class Hours:
    """Observations by the hour, preceded by as many empty hours as a context has.

    Attributes:
        values: Their means; shape (stays, hours, C).
        seen: Where there are any, and their mean is no farther than `FARTHEST` from that of its channel.
        times: The mean of their times, in hours since admission.
        facts: Of the stays; shape (stays, F).
    """

    values: Tensor
    seen: Tensor
    times: Tensor
    facts: Tensor

    @classmethod
    def of(cls, stays: Stays) -> "Hours":
        """The hours of stays; what was observed at their very end belongs to the last one."""
        shape = (len(stays), HOURS, len(CHANNELS))
        hour = torch.from_numpy(stays.hour)
        cell = (torch.from_numpy(stays.stay) * HOURS + hour.long().clamp_max(HOURS - 1)) * len(CHANNELS)
        cell += torch.from_numpy(stays.channel)
        size = shape[0] * shape[1] * shape[2]
        counts, values, times = (
            torch.bincount(cell, weights=one, minlength=size).view(shape)
            for one in (None, torch.from_numpy(stays.value), hour)
        )
        before = (0, 0, CONTEXT, 0)
        values, times = ((one / counts.clamp_min(1)).float() for one in (values, times))
        seen = (counts > 0) & (values.abs() < FARTHEST)
        values, times, seen = (nn.functional.pad(one, before) for one in (values, times, seen))
        return cls(values, seen, times, torch.from_numpy(stays.facts))

    def cut(self, stays: Tensor, cutoffs: Tensor) -> tuple[Observed, "Coming"]:
        """What is known of stays at cutoffs, whole hours since admission, and what came after."""
        hours = cutoffs[:, None] + torch.arange(CONTEXT + HORIZON)
        inside = hours < CONTEXT + HOURS
        places = stays[:, None], hours.clamp_max(CONTEXT + HOURS - 1)
        values, seen = self.values[places], self.seen[places] & inside[..., None]
        leads = self.times[places] - cutoffs[:, None, None]
        known = Observed(
            values[:, :CONTEXT], seen[:, :CONTEXT], -leads[:, :CONTEXT], self.facts[stays], cutoffs.float()
        )
        return known, Coming(values[:, CONTEXT:], seen[:, CONTEXT:], leads[:, CONTEXT:].clamp(0, HORIZON))


@dataclass(frozen=True, eq=False)
class Coming:
    """What came after a cutoff, by the hour.

    Attributes:
        values: Means; shape (batch, hours, C).
        seen: Where there are any.
        leads: The mean of their times, in hours after the cutoff.
    """

    values: Tensor
    seen: Tensor
    leads: Tensor

    def error(self, forecasts: Tensor) -> Tensor:
        """The mean square error of forecasts at whole hours."""
        squares = (between(forecasts, self.leads) - self.values).square() * self.seen
        return squares.sum() / self.seen.sum().clamp_min(1)

    def first(self, num_hours: int) -> "Coming":
        """Only the first hours of each stay in which anything was observed."""
        some = self.seen.any(-1)
        early = some & (some.cumsum(1) <= num_hours)
        return Coming(self.values, self.seen & early[..., None], self.leads)


def run(files: Sequence[Path], options: TrainingOptions) -> list[Measurement]:
    """The three errors of the network, beside two simple forecasts."""
    stays = read(files[0])
    hours, recipe = Hours.of(stays), Recipe.of(options)
    generator = torch.Generator().manual_seed(options.seed)
    order = torch.randperm(len(stays), generator=generator)
    training, validation, test = order.tensor_split([len(order) * 3 // 5, len(order) * 4 // 5])
    started = time.monotonic()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(options.seed)
        network, validated = _learned(hours, training, validation, recipe)
    settings = {
        "recipe": asdict(recipe),
        "seed": options.seed,
        "stays": [len(part) for part in (training, validation, test)],
        "seconds": round(time.monotonic() - started, 1),
        "validation_twelve_hours_mse": validated,
    }
    known, coming = hours.cut(test, torch.full((len(test),), CONTEXT))
    sides = {"": _forecasts(network, known)} | _simple(known)
    errors = {name: _errors(forecasts, coming, stays, test) for name, forecasts in sides.items()}
    return [
        Measurement(
            f"irregular.physionet2012.{figure}",
            value,
            "MSE",
            (PUBLISHED if figure == "next_three_mse" else {})
            | {name: found[figure] for name, found in errors.items() if name},
            settings,
        )
        for figure, value in errors[""].items()
    ]


def _learned(hours: Hours, training: Tensor, validation: Tensor, recipe: Recipe) -> tuple[StayNetwork, float]:
    """The network with the weights of its best epoch, and its error on the validation stays."""
    network = StayNetwork(
        len(CHANNELS),
        hours.facts.shape[1],
        state_size=recipe.state_size,
        inflation=recipe.inflation,
        num_particles=recipe.num_particles,
        dropout=recipe.dropout,
    )
    optimizer = torch.optim.AdamW(network.parameters(), lr=recipe.learning_rate, weight_decay=0.01)
    best, weights = float("inf"), copy.deepcopy(network.state_dict())
    for epoch in range(recipe.num_epochs):
        for number in range(recipe.steps_per_epoch):
            step, num_steps = epoch * recipe.steps_per_epoch + number, recipe.num_epochs * recipe.steps_per_epoch
            optimizer.param_groups[0]["lr"] = one_cycle(step, num_steps, recipe.learning_rate)
            _step(network, optimizer, hours, training[torch.randint(len(training), (recipe.batch_size,))])
        known, coming = hours.cut(validation, torch.full((len(validation),), CONTEXT))
        error = float(coming.error(_forecasts(network, known)))
        if error < best:
            best, weights = error, copy.deepcopy(network.state_dict())
    network.load_state_dict(weights)
    return network, best


def _step(network: StayNetwork, optimizer: torch.optim.Optimizer, hours: Hours, stays: Tensor) -> None:
    anywhere = torch.randint(EARLIEST, LATEST + 1, stays.shape)
    known, coming = hours.cut(stays, torch.where(torch.rand(stays.shape) < AT_CONTEXT, CONTEXT, anywhere))
    network.train()
    optimizer.zero_grad()
    coming.error(network(known, LEADS)).backward()
    nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    optimizer.step()


@torch.inference_mode()
def _forecasts(network: StayNetwork, known: Observed) -> Tensor:
    network.eval()
    forecasts: Tensor = network(known, LEADS)
    return forecasts


def _simple(known: Observed) -> dict[str, Tensor]:
    """The last observation of each channel, and the mean of all, each held; 0 where there is none."""
    number = torch.arange(1, CONTEXT + 1)[:, None] * known.seen
    last = known.values.gather(1, number.argmax(1, keepdim=True)) * known.seen.any(1, keepdim=True)
    mean = (known.values * known.seen).sum(1, keepdim=True) / known.seen.sum(1, keepdim=True).clamp_min(1)
    return {name: one.expand(-1, len(LEADS), -1) for name, one in (("last value", last), ("mean of the stay", mean))}


def _errors(forecasts: Tensor, coming: Coming, stays: Stays, chosen: Tensor) -> dict[str, float]:
    """The three figures of forecasts for stays, in the order of these."""
    return {
        "next_three_mse": float(coming.first(NEXT).error(forecasts)),
        "twelve_hours_mse": float(coming.error(forecasts)),
        "minutes_mse": _error_by_minute(forecasts, stays, chosen),
    }


def _error_by_minute(forecasts: Tensor, stays: Stays, chosen: Tensor) -> float:
    row = torch.full((len(stays),), -1)
    row[chosen] = torch.arange(len(chosen))
    rows, hour, value = row[torch.from_numpy(stays.stay)], torch.from_numpy(stays.hour), torch.from_numpy(stays.value)
    asked = (rows >= 0) & (hour >= CONTEXT) & (value.abs() < FARTHEST)
    channel = torch.from_numpy(stays.channel)[asked]
    paths = forecasts.transpose(1, 2)[rows[asked], channel].T[None].double()
    found = between(paths, (hour[asked] - CONTEXT)[None, None])
    return float((found[0, 0] - value[asked]).square().mean())


SUITE = Suite(("physionet2012_set-a.tar.gz",), run)

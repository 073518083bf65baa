"""Training windows, cut from series on their grids."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray
from torch import Tensor

from model.grid_series import GridSeries, on_grid
from model.inputs import Inputs, inputs_of
from model.scheme import NO_SCHEME, Scheme
from model.series import Panel, Series


@dataclass(frozen=True, eq=False)
class Batch:
    """Windows: what the network sees and what came after.

    Attributes:
        context: The history.
        target: The values after it.
        known: Which of those were observed.
        inputs: The covariates over both; None without covariates.
    """

    context: Float[Tensor, "batch context"]
    target: Float[Tensor, "batch horizon"]
    known: Bool[Tensor, "batch horizon"]
    inputs: Inputs | None = None


@dataclass(frozen=True, eq=False)
class Beside:
    """The covariates beside a flat tensor of values.

    Attributes:
        signals: Beside each value; shape (n, signals).
        measures: Of each series; shape (series, measures).
        choices: Of each series; shape (series, choices).
        ends: Where each series ends among the values; shape (series,).
        num_past: How many of the signals are not known in advance.
    """

    signals: Tensor
    measures: Tensor
    choices: Tensor
    ends: Tensor
    num_past: int

    def inputs(self, places: Int[Tensor, "batch steps"], context_length: int) -> Inputs:
        """The covariates of windows; those of the past are missing after the history, as they are in a forecast."""
        signals = self.signals[places]
        signals[:, context_length:, : self.num_past] = 0
        series = torch.searchsorted(self.ends, places[:, 0].contiguous(), right=True)
        return Inputs(signals, self.measures[series], self.choices[series])


class Windows:
    """Every window of a kind, gathered on the device from one flat tensor.

    Args:
        values: The series one behind the other; shape (n,).
        observed: Which values were observed; shape (n,).
        starts: Where the windows start in them; shape (windows,).
        ends: Where the series of each window ends in them; shape (windows,).
        context_length: Length of the history.
        horizon: Length of what comes after it.
        beside: The covariates.
    """

    def __init__(
        self,
        values: Tensor,
        observed: Tensor,
        starts: Tensor,
        ends: Tensor,
        *,
        context_length: int,
        horizon: int,
        beside: Beside | None = None,
    ) -> None:
        self.values = values
        self.observed = observed
        self.starts = starts
        self.ends = ends
        self.context_length = context_length
        self.horizon = horizon
        self.beside = beside
        self._offsets = torch.arange(context_length + horizon, device=values.device)

    def __len__(self) -> int:
        return len(self.starts)

    def batch(self, chosen: Int[Tensor, " batch"]) -> Batch:
        """The windows of these numbers."""
        places = self.starts[chosen, None] + self._offsets
        values, context_length = self.values[places], self.context_length
        return Batch(
            values[:, :context_length],
            values[:, context_length:],
            self.observed[places[:, context_length:]],
            None if self.beside is None else self.beside.inputs(places, context_length),
        )

    def thinned(self, most: int) -> "Windows":
        """At most so many windows, evenly spread."""
        if len(self) <= most:
            return self
        chosen = torch.linspace(0, len(self) - 1, most, device=self.starts.device).long()
        return self._only(chosen, self.horizon)

    def with_horizon(self, horizon: int) -> "Windows":
        """The same starts with another horizon, without those that would reach past the end of their series."""
        return self._only(self.starts + self.context_length + horizon <= self.ends, horizon)

    def joined(self, other: "Windows") -> "Windows":
        """These windows and others of the same kind, cut from the same values."""
        starts, ends = torch.cat([self.starts, other.starts]), torch.cat([self.ends, other.ends])
        return Windows(
            self.values,
            self.observed,
            starts,
            ends,
            context_length=self.context_length,
            horizon=self.horizon,
            beside=self.beside,
        )

    def _only(self, chosen: Tensor, horizon: int) -> "Windows":
        return Windows(
            self.values,
            self.observed,
            self.starts[chosen],
            self.ends[chosen],
            context_length=self.context_length,
            horizon=horizon,
            beside=self.beside,
        )


@dataclass(frozen=True)
class Split:
    """The windows to learn from, and those after them in time to choose and calibrate by."""

    training: Windows
    validation: Windows


@dataclass(frozen=True)
class WindowShape:
    """How windows are cut.

    Attributes:
        freq: The step of the grid.
        season_length: Steps of a season.
        context_length: Length of the history.
        horizon: Length of what comes after it.
        validation_steps: The last steps of each series, which training never sees.
        covariates: What is given beside the values.
    """

    freq: str
    season_length: int
    context_length: int
    horizon: int
    validation_steps: int
    covariates: Scheme = NO_SCHEME


def split(panel: Panel, shape: WindowShape, device: torch.device) -> Split:
    """Cuts every series into windows: those to learn from have their targets before its validation steps.

    A window counts only if its history ends with an observation, and some of its targets were observed: then nothing
    later than its cutoff has been interpolated into its history. Series too short for a full window are extended to the
    left as in a forecast.
    """
    return split_by_horizon(panel, shape, (shape.horizon,), device)[0]


def split_by_horizon(
    panel: Panel, shape: WindowShape, horizons: Sequence[int], device: torch.device
) -> tuple[Split, ...]:
    """The same for several horizons, none longer than the shape's, over one copy of the values."""
    grids = [_extended(series, shape) for series in panel]
    ends = np.cumsum([len(grid.values) for grid in grids])
    values = torch.from_numpy(np.concatenate([_standardized(grid.values) for grid in grids])).float().to(device)
    observed = torch.from_numpy(np.concatenate([grid.observed for grid in grids])).to(device)
    beside = _beside(panel, grids, shape, device) if shape.covariates else None

    def windows(starts: list[NDArray[np.int64]], horizon: int) -> Windows:
        firsts = [end - len(grid.values) for end, grid in zip(ends, grids, strict=True)]
        places = np.concatenate([one + first for one, first in zip(starts, firsts, strict=True)])
        until = np.repeat(ends, [len(one) for one in starts])
        return Windows(
            values,
            observed,
            torch.from_numpy(places).to(device),
            torch.from_numpy(until).to(device),
            context_length=shape.context_length,
            horizon=horizon,
            beside=beside,
        )

    def cut(horizon: int) -> Split:
        cuts = [_starts(grid, replace(shape, horizon=horizon)) for grid in grids]
        return Split(windows([first for first, _ in cuts], horizon), windows([second for _, second in cuts], horizon))

    return tuple(cut(horizon) for horizon in horizons)


def _beside(panel: Panel, grids: Sequence[GridSeries], shape: WindowShape, device: torch.device) -> Beside:
    found = [
        inputs_of(series, shape.covariates, series.grid(shape.freq), first=1 - len(grid.values), last=0)
        for series, grid in zip(panel, grids, strict=True)
    ]
    return Beside(
        torch.from_numpy(np.concatenate([one.signals for one in found])).to(device),
        torch.from_numpy(np.stack([one.measures for one in found])).to(device),
        torch.from_numpy(np.stack([one.choices for one in found])).to(device),
        torch.from_numpy(np.cumsum([len(grid.values) for grid in grids])).to(device),
        len(shape.covariates.past),
    )


def _extended(series: Series, shape: WindowShape) -> GridSeries:
    grid = on_grid(series, shape.freq, shape.season_length)
    whole = shape.context_length + shape.horizon + shape.validation_steps
    if len(grid.values) >= whole:
        return grid
    return on_grid(series, shape.freq, shape.season_length, whole)


def _starts(grid: GridSeries, shape: WindowShape) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    context, horizon = shape.context_length, shape.horizon
    boundary = len(grid.values) - shape.validation_steps
    counts = np.concatenate([[0], np.cumsum(grid.observed)])
    starts = np.arange(max(0, len(grid.values) - context - horizon + 1))
    cutoffs = starts + context
    known_targets = counts[cutoffs + horizon] - counts[cutoffs]
    known_history = counts[cutoffs] - counts[starts]
    usable = grid.observed[cutoffs - 1] & (known_targets > 0) & (known_history > 1)
    usable &= _spread(grid.values, starts, context) > 1e-3 * grid.values.std()
    return starts[usable & (cutoffs + horizon <= boundary)], starts[usable & (cutoffs >= boundary)]


def _spread(values: NDArray[np.float64], starts: NDArray[np.int64], length: int) -> NDArray[np.float64]:
    """The standard deviation within each window."""
    centred = values - values.mean()
    sums = np.concatenate([[0.0], np.cumsum(centred)])
    squares = np.concatenate([[0.0], np.cumsum(centred**2)])
    mean = (sums[starts + length] - sums[starts]) / length
    variance = (squares[starts + length] - squares[starts]) / length - mean**2
    return np.asarray(np.sqrt(np.maximum(variance, 0.0)))


def _standardized(values: NDArray[np.float64]) -> NDArray[np.float64]:
    spread = values.std()
    return np.asarray((values - values.mean()) / (spread if spread > 0 else 1.0))

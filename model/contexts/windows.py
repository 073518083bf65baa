"""Training windows, cut from series on their grids."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray
from torch import Tensor

from model.contexts.grid_series import GridSeries, on_grid
from model.contexts.inputs import Inputs, inputs_of
from model.contexts.scheme import NO_SCHEME, Scheme
from model.contexts.system import ordered
from model.panels.series import Panel, Series


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


@dataclass(frozen=True, eq=False)
class Channels:
    """The channels of a system: where they lie, and where they are known well enough to count.

    Attributes:
        offsets: How far each lies behind the first one among the values; shape (channels,).
        counted: Whether a window counts the targets of a channel; shape (windows, channels).
    """

    offsets: Tensor
    counted: Tensor


_LEAST_WINDOWS = 16


class Windows:
    """Every window of a kind, gathered on the device from one flat tensor.

    A window of a system has a row for each of its channels; any other is one row.

    Args:
        values: The series one behind the other; shape (n,).
        observed: Which values were observed; shape (n,).
        starts: Where the windows start in them; shape (windows,).
        ends: Where the series of each window ends in them; shape (windows,).
        context_length: Length of the history.
        horizon: Length of what comes after it.
        beside: The covariates.
        firsts: Where the observations of each series begin among the values, ascending; shape (series,).
        channels: Of a system, whose first one the starts and ends are in; None where each series is by itself.
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
        firsts: Tensor | None = None,
        channels: Channels | None = None,
    ) -> None:
        self.values = values
        self.observed = observed
        self.starts = starts
        self.ends = ends
        self.context_length = context_length
        self.horizon = horizon
        self.beside = beside
        self.firsts = firsts
        self.channels = channels
        self._offsets = torch.arange(context_length + horizon, device=values.device)

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def num_channels(self) -> int:
        """Rows of a window."""
        return 1 if self.channels is None else len(self.channels.offsets)

    def groups(self, num_rows: int) -> tuple[Tensor, ...]:
        """The numbers of all windows, in groups of about so many rows."""
        numbers = torch.arange(len(self), device=self.starts.device)
        return tuple(numbers.split(max(1, num_rows // self.num_channels)))

    def places(self, chosen: Int[Tensor, " windows"]) -> Int[Tensor, " batch"]:
        """Where the rows of windows start among the values."""
        starts = self.starts[chosen]
        return starts if self.channels is None else (starts[:, None] + self.channels.offsets).view(-1)

    def batch(self, chosen: Int[Tensor, " windows"]) -> Batch:
        """The windows of these numbers, the rows of each together."""
        if self.channels is not None:
            return self._of_system(chosen, self.channels)
        places = self.places(chosen)[:, None] + self._offsets
        values, context_length = self.values[places], self.context_length
        return Batch(
            values[:, :context_length],
            values[:, context_length:],
            self.observed[places[:, context_length:]],
            None if self.beside is None else self.beside.inputs(places, context_length),
        )

    def _of_system(self, chosen: Tensor, channels: Channels) -> Batch:
        """The windows of a system; a channel that ends before its history holds its last value, as in a forecast."""
        places = self.places(chosen)[:, None] + self._offsets
        values, observed, length = self.values[places], self.observed[places], self.context_length
        counted = channels.counted[chosen].view(-1, 1)
        return Batch(
            _held(values[:, :length], observed[:, :length]), values[:, length:], observed[:, length:] & counted
        )

    def past(self, start: int) -> tuple[Float[Tensor, " past"], Bool[Tensor, " past"]]:
        """All that is known of its series before the targets of a row, by its place, and where it was observed."""
        first, until = start, start + self.context_length
        if self.firsts is not None:
            first = int(self.firsts[torch.searchsorted(self.firsts, until - 1, right=True) - 1])
        return self.values[first:until], self.observed[first:until]

    def num_known(self, chosen: Int[Tensor, " windows"]) -> Int[Tensor, ""]:
        """How many targets of these windows count; at least one, so that it can divide."""
        if self.channels is not None:
            return self.batch(chosen).known.sum().clamp_min(1)
        places = self.starts[chosen, None] + self._offsets[self.context_length :]
        return self.observed[places].sum().clamp_min(1)

    def thinned(self, most: int) -> "Windows":
        """At most so many rows, but not much fewer than that of windows, evenly spread."""
        most = max(min(most, _LEAST_WINDOWS), most // self.num_channels)
        if len(self) <= most:
            return self
        chosen = torch.linspace(0, len(self) - 1, most, device=self.starts.device).long()
        return self._only(chosen, self.horizon)

    def with_horizon(self, horizon: int) -> "Windows":
        """The same starts with another horizon, without those that would reach past the end of their series."""
        return self._only(self.starts + self.context_length + horizon <= self.ends, horizon)

    def num_apart(self) -> int:
        """How many of them at most have targets that do not overlap."""
        ends, series = torch.unique(self.ends, return_inverse=True)
        first = torch.full_like(ends, torch.iinfo(ends.dtype).max).scatter_reduce(0, series, self.starts, "amin")
        last = torch.zeros_like(ends).scatter_reduce(0, series, self.starts, "amax")
        return int(((last - first) // self.horizon + 1).sum())

    def joined(self, other: "Windows") -> "Windows":
        """These windows and others of the same kind, cut from the same values."""
        starts, ends = torch.cat([self.starts, other.starts]), torch.cat([self.ends, other.ends])
        if self.channels is None or other.channels is None:
            return self._at(starts, ends, self.horizon, None)
        counted = torch.cat([self.channels.counted, other.channels.counted])
        return self._at(starts, ends, self.horizon, replace(self.channels, counted=counted))

    def _only(self, chosen: Tensor, horizon: int) -> "Windows":
        channels = self.channels
        kept = None if channels is None else replace(channels, counted=channels.counted[chosen])
        return self._at(self.starts[chosen], self.ends[chosen], horizon, kept)

    def _at(self, starts: Tensor, ends: Tensor, horizon: int, channels: Channels | None) -> "Windows":
        return Windows(
            self.values,
            self.observed,
            starts,
            ends,
            context_length=self.context_length,
            horizon=horizon,
            beside=self.beside,
            firsts=self.firsts,
            channels=channels,
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
        channels: The series that form one system, in order; none where each series is by itself.
    """

    freq: str
    season_length: int
    context_length: int
    horizon: int
    validation_steps: int
    covariates: Scheme = NO_SCHEME
    channels: tuple[str, ...] = ()


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
    grids = _grids(panel, shape)
    ends = np.cumsum([len(grid.values) for grid in grids])
    values = torch.from_numpy(np.concatenate([_standardized(grid.values) for grid in grids])).float().to(device)
    observed = torch.from_numpy(np.concatenate([grid.observed for grid in grids])).to(device)
    seen = ends - [len(grid.values) - int(grid.observed.argmax()) for grid in grids]
    firsts = torch.from_numpy(seen).to(device)
    beside = _beside(panel, grids, shape, device) if shape.covariates else None

    def windows(cut: _Cut, horizon: int) -> Windows:
        return Windows(
            values,
            observed,
            torch.from_numpy(cut.starts).to(device),
            torch.from_numpy(cut.ends).to(device),
            context_length=shape.context_length,
            horizon=horizon,
            beside=beside,
            firsts=firsts,
            channels=None if cut.counted is None else _channels(cut.counted, ends, device),
        )

    def at(horizon: int) -> Split:
        own = replace(shape, horizon=horizon)
        cuts = _cut_system(grids, own) if shape.channels else _cut_each(grids, own)
        return Split(*(windows(cut, horizon) for cut in cuts))

    return tuple(at(horizon) for horizon in horizons)


def _channels(counted: NDArray[np.bool_], ends: NDArray[np.int64], device: torch.device) -> Channels:
    return Channels(torch.from_numpy(ends - ends[0]).to(device), torch.from_numpy(counted).to(device))


def _grids(panel: Panel, shape: WindowShape) -> list[GridSeries]:
    """Each series on a grid of its own, or the channels of a system, in their order, on a common one."""
    if not shape.channels:
        return [_extended(series, shape) for series in panel]
    series = ordered(panel, shape.channels)
    end = max(one.last for one in series)
    spans = [len(on_grid(one, shape.freq, shape.season_length, end=end).values) for one in series]
    length = max(shape.context_length + shape.horizon + shape.validation_steps, *spans)
    return [on_grid(one, shape.freq, shape.season_length, length, end=end) for one in series]


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


@dataclass(frozen=True, eq=False)
class _Cut:
    """Where windows start and where their series end, and which channels they count if they are of a system."""

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    counted: NDArray[np.bool_] | None = None


def _cut_each(grids: Sequence[GridSeries], shape: WindowShape) -> tuple[_Cut, _Cut]:
    """The windows of all series to learn from, and those to validate on."""
    ends = np.cumsum([len(grid.values) for grid in grids])
    cuts: tuple[list[_Cut], list[_Cut]] = ([], [])
    for grid, end in zip(grids, ends, strict=True):
        starts, is_cutoff, counts = _looked_at(grid, shape)
        for kind, chosen in zip(cuts, _by_time(starts, is_cutoff & counts, len(grid.values), shape), strict=True):
            kind.append(_Cut(starts[chosen] + end - len(grid.values), np.full(chosen.sum(), end)))
    first, second = (
        _Cut(np.concatenate([one.starts for one in kind]), np.concatenate([one.ends for one in kind])) for kind in cuts
    )
    return first, second


def _cut_system(grids: Sequence[GridSeries], shape: WindowShape) -> tuple[_Cut, _Cut]:
    """The windows of one system: there some channel is observed at the cutoff, and some counts."""
    starts = _looked_at(grids[0], shape)[0]
    end = len(grids[0].values)
    is_cutoff, counts = (
        np.stack(rows, axis=-1) for rows in zip(*(_looked_at(one, shape)[1:] for one in grids), strict=True)
    )
    usable = np.asarray(is_cutoff.any(axis=-1) & counts.any(axis=-1))
    first, second = (
        _Cut(starts[chosen], np.full(chosen.sum(), end), counts[chosen])
        for chosen in _by_time(starts, usable, end, shape)
    )
    return first, second


def _by_time(
    starts: NDArray[np.int64], usable: NDArray[np.bool_], length: int, shape: WindowShape
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """The windows whose targets lie before the validation steps, and those whose targets lie within them."""
    boundary = length - shape.validation_steps
    cutoffs = starts + shape.context_length
    return usable & (cutoffs + shape.horizon <= boundary), usable & (cutoffs >= boundary)


def _looked_at(grid: GridSeries, shape: WindowShape) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.bool_]]:
    """Every start; whether the history from there ends with an observation; whether there is something to learn."""
    context, horizon = shape.context_length, shape.horizon
    counts = np.concatenate([[0], np.cumsum(grid.observed)])
    starts = np.arange(max(0, len(grid.values) - context - horizon + 1))
    cutoffs = starts + context
    known_targets = counts[cutoffs + horizon] - counts[cutoffs]
    known_history = counts[cutoffs] - counts[starts]
    varies = _spread(grid.values, starts, context) > 1e-3 * grid.values.std()
    return starts, grid.observed[cutoffs - 1], (known_targets > 0) & (known_history > 1) & varies


def _held(context: Tensor, observed: Tensor) -> Tensor:
    """Contexts whose last observed value is held to their ends; one without an observation stays as it is."""
    steps = torch.arange(context.shape[1], device=context.device)
    last = torch.where(observed, steps, -1).amax(1, keepdim=True)
    last = torch.where(last < 0, context.shape[1] - 1, last)
    return torch.where(steps > last, context.gather(1, last), context)


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

"""Windows of series, gathered into batches."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from model.contexts.inputs import Inputs
from model.contexts.shifts import levelled


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
        level_season: Steps of the season that level shifts of histories are told apart from; 0 where histories stay as
            they are.
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
        level_season: int = 0,
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
        self.level_season = level_season
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

    def levelled_batch(self, chosen: Int[Tensor, " windows"]) -> Batch:
        """The same as a forecast sees them: as if a history that jumped had been where it is now from the beginning."""
        batch = self.batch(chosen)
        if not self.level_season:
            return batch
        return replace(batch, context=levelled(batch.context, self.level_season))

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

    def histories(
        self, chosen: Int[Tensor, " windows"], length: int
    ) -> tuple[Float[Tensor, "batch length"], Bool[Tensor, "batch length"], Bool[Tensor, " batch"]]:
        """The last values before the targets of rows, where they were observed, and whose series goes back so far."""
        until = self.places(chosen) + self.context_length
        places = until[:, None] - torch.arange(length, 0, -1, device=until.device)
        if self.firsts is None:
            whole = torch.full_like(until, length <= self.context_length, dtype=torch.bool)
        else:
            whole = places[:, 0] >= self.firsts[torch.searchsorted(self.firsts, until - 1, right=True) - 1]
        places = places.clamp_min(0)
        return self.values[places], self.observed[places], whole

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
            level_season=self.level_season,
        )


def _held(context: Tensor, observed: Tensor) -> Tensor:
    """Contexts whose last observed value is held to their ends; one without an observation stays as it is."""
    steps = torch.arange(context.shape[1], device=context.device)
    last = torch.where(observed, steps, -1).amax(1, keepdim=True)
    last = torch.where(last < 0, context.shape[1] - 1, last)
    return torch.where(steps > last, context.gather(1, last), context)

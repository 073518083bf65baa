"""Where windows may start in series on their grids: those to learn from, and those to validate on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.contexts.grid_series import GridSeries
from model.contexts.scheme import NO_SCHEME, Scheme


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


@dataclass(frozen=True, eq=False)
class Cut:
    """Where windows start and where their series end, and which channels they count if they are of a system."""

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    counted: NDArray[np.bool_] | None = None


def cut_each(grids: Sequence[GridSeries], shape: WindowShape) -> tuple[Cut, Cut]:
    """The windows of all series to learn from, and those to validate on."""
    ends = np.cumsum([len(grid.values) for grid in grids])
    cuts: tuple[list[Cut], list[Cut]] = ([], [])
    for grid, end in zip(grids, ends, strict=True):
        starts, is_cutoff, counts = _looked_at(grid, shape)
        for kind, chosen in zip(cuts, _by_time(starts, is_cutoff & counts, len(grid.values), shape), strict=True):
            kind.append(Cut(starts[chosen] + end - len(grid.values), np.full(chosen.sum(), end)))
    first, second = (
        Cut(np.concatenate([one.starts for one in kind]), np.concatenate([one.ends for one in kind])) for kind in cuts
    )
    return first, second


def cut_system(grids: Sequence[GridSeries], shape: WindowShape) -> tuple[Cut, Cut]:
    """The windows of one system: there some channel is observed at the cutoff, and some counts."""
    starts = _looked_at(grids[0], shape)[0]
    end = len(grids[0].values)
    is_cutoff, counts = (
        np.stack(rows, axis=-1) for rows in zip(*(_looked_at(one, shape)[1:] for one in grids), strict=True)
    )
    usable = np.asarray(is_cutoff.any(axis=-1) & counts.any(axis=-1))
    first, second = (
        Cut(starts[chosen], np.full(chosen.sum(), end), counts[chosen])
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


def _spread(values: NDArray[np.float64], starts: NDArray[np.int64], length: int) -> NDArray[np.float64]:
    """The standard deviation within each window."""
    centred = values - values.mean()
    sums = np.concatenate([[0.0], np.cumsum(centred)])
    squares = np.concatenate([[0.0], np.cumsum(centred**2)])
    mean = (sums[starts + length] - sums[starts]) / length
    variance = (squares[starts + length] - squares[starts]) / length - mean**2
    return np.asarray(np.sqrt(np.maximum(variance, 0.0)))

"""A panel split in time into the windows to learn from and those to validate on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from model.contexts.cuts import Cut, WindowShape, cut_each, cut_system
from model.contexts.grid_series import GridSeries, on_grid
from model.contexts.inputs import inputs_of
from model.contexts.shifts import levelled, stay
from model.contexts.system import ordered
from model.contexts.windows import Beside, Channels, Windows
from model.panels.series import Panel, Series

_MAX_WINDOWS = 4096
"""That tell whether level shifts stay."""


@dataclass(frozen=True)
class Split:
    """The windows to learn from, and those after them in time to choose and calibrate by."""

    training: Windows
    validation: Windows


def split(panel: Panel, shape: WindowShape, device: torch.device) -> Split:
    """Cuts every series into windows: those to learn from have their targets before its validation steps.

    A window counts only if its history ends with an observation, and some of its targets were observed: then nothing
    later than its cutoff has been interpolated into its history. Series too short for a full window are extended to the
    left as in a forecast. What lies before a level shift of a whole series is moved, as in a forecast.
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

    def windows(cut: Cut, horizon: int, level_season: int) -> Windows:
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
            level_season=level_season,
        )

    def at(horizon: int, level_season: int) -> Split:
        own = replace(shape, horizon=horizon)
        cuts = cut_system(grids, own) if shape.channels else cut_each(grids, own)
        return Split(*(windows(cut, horizon, level_season) for cut in cuts))

    longest = at(shape.horizon, 0)
    levels = not shape.channels and not shape.covariates and _shifts_stay(longest, shape.season_length)
    return tuple(at(horizon, shape.season_length if levels else 0) for horizon in horizons)


def _shifts_stay(longest: Split, season_length: int) -> bool:
    windows = longest.training.joined(longest.validation).thinned(_MAX_WINDOWS)
    batch = windows.batch(torch.arange(len(windows), device=windows.starts.device))
    following = (batch.target * batch.known).sum(1) / batch.known.sum(1).clamp_min(1)
    return stay(batch.context, following, season_length)


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
    if len(grid.values) < whole:
        grid = on_grid(series, shape.freq, shape.season_length, whole)
    if shape.covariates:
        return grid
    values = levelled(torch.tensor(grid.values)[None], shape.season_length)[0]
    return replace(grid, values=values.numpy())


def _standardized(values: NDArray[np.float64]) -> NDArray[np.float64]:
    spread = values.std()
    return np.asarray((values - values.mean()) / (spread if spread > 0 else 1.0))

"""A series on its regular grid, filled where nothing was observed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.panels.grid import shared_grid, shared_timestamps
from model.panels.series import Series


@dataclass(frozen=True, eq=False)
class GridSeries:
    """A series at consecutive positions of its grid, the last one at its end.

    Attributes:
        values: The observations, interpolated in time where there is none; shape (n,).
        observed: Where an observation lies within half a step; shape (n,).
    """

    values: NDArray[np.float64]
    observed: NDArray[np.bool_]


def on_grid(
    series: Series, freq: str, season_length: int, length: int | None = None, *, end: np.datetime64 | None = None
) -> GridSeries:
    """Puts a series on its grid.

    Between observations the value is linear in time. A gap longer than half a season repeats the season before it.
    Before the first observation the season after it is repeated, or, where that is not known whole, all there is: so
    the level and the spread of a short history are its own. After its last observation it holds that value.

    Args:
        series: The observations.
        freq: The step of the grid.
        season_length: Steps of a season.
        length: How many positions; as many as the series spans if left out.
        end: The last position, not before the last observation; that one if left out.
    """
    grid = series.grid(freq) if end is None else shared_grid(end, freq, series.time_zone)
    if length is not None and np.array_equal(series.timestamps[-length:], shared_timestamps(grid, 1 - length, 0)):
        return GridSeries(series.values[-length:], np.ones(length, dtype=bool))
    return _filled(grid.positions(series.timestamps), series.values, season_length, length)


def _filled(
    positions: NDArray[np.float64], values: NDArray[np.float64], season_length: int, length: int | None
) -> GridSeries:
    span = int(np.ceil(-positions[0])) + 1
    length = span if length is None else length
    if np.array_equal(positions[-length:], np.arange(1 - length, 1)):
        return GridSeries(values[-length:], np.ones(length, dtype=bool))
    known = positions > -(length + 2 * season_length)
    if not known.any():
        return GridSeries(np.full(length, values[-1]), np.zeros(length, dtype=bool))
    positions, values = positions[known], values[known]
    first = min(-(length - 1), int(np.floor(positions[0])))
    grid = np.arange(first, 1)
    filled = np.interp(grid, positions, values)
    observed = np.zeros(len(grid), dtype=bool)
    observed[np.round(positions).astype(int) - first] = True
    _repeat_seasons(filled, observed, season_length)
    return GridSeries(filled[-length:], observed[-length:])


def _repeat_seasons(values: NDArray[np.float64], observed: NDArray[np.bool_], season: int) -> None:
    """Fills long gaps from the season before them, and the time before the first observation from what comes after."""
    seen = np.flatnonzero(observed)
    gaps = np.flatnonzero(np.diff(seen) - 1 > season // 2) if season > 1 else ()
    for left, right in ((int(seen[gap]), int(seen[gap + 1])) for gap in gaps):
        if left + 1 - season >= seen[0]:
            for first in range(left + 1, right, season):
                last = min(first + season, right)
                values[first:last] = values[first - season : last - season]
    start, span = int(seen[0]), int(seen[-1] - seen[0]) + 1
    period = season if 1 < season <= span else span
    for last in range(start, 0, -period):
        first = max(0, last - period)
        values[first:last] = values[first + period : last + period]

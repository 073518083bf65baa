"""How far off the line of a version was of late, for histories of a forecast that go back far enough."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from model.contexts.grid_series import on_grid
from model.forecasting.asking import Asked
from model.uncertainty.recent import errors_of_late, reach_of


def late_errors(
    asked: Sequence[Asked], misses: NDArray[np.float64], season_at: Callable[[str], int]
) -> NDArray[np.float64]:
    """The errors of late of each series, NaN where it is too short; shape (asked,).

    Args:
        asked: Whose series they are.
        misses: Of the version's line.
        season_at: The steps of a season at a frequency.
    """
    steps = misses.shape[1]
    length = len(misses) - steps + reach_of(steps)
    late = np.full(len(asked), np.nan)
    rows = [number for number, one in enumerate(asked) if _goes_back(one, length)]
    if rows:
        ends = [on_grid(one.series, one.freq, season_at(one.freq), length) for one in (asked[row] for row in rows)]
        values, observed = np.stack([end.values for end in ends]), np.stack([end.observed for end in ends])
        late[rows] = errors_of_late(misses, values, observed)
    return late


def _goes_back(asked: Asked, length: int) -> bool:
    """Whether a series spans so many steps, as one with so many observations does."""
    if len(asked.series) >= length:
        return True
    return bool(-asked.grid.positions(asked.series.timestamps[:1])[0] + 1 >= length)

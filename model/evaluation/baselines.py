"""What every forecast has to beat: repeat the last season, or continue the average change."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Positions = NDArray[np.float64]
"""Leads in steps after the last observation, whole or not."""


def seasonal_naive(history: NDArray[np.float64], positions: Positions, season_length: int) -> NDArray[np.float64]:
    """The value a whole number of seasons earlier, the fewest that reach back into the history.

    Args:
        history: Values on the grid, the last one at position 0.
        positions: Where to forecast.
        season_length: Steps of a season; a history shorter than one is taken for a season.
    """
    season = min(season_length, len(history))
    earlier = positions - np.ceil(positions / season) * season
    return np.asarray(np.interp(earlier, np.arange(1 - len(history), 1), history))


def drift(history: NDArray[np.float64], positions: Positions, _season_length: int) -> NDArray[np.float64]:
    """The last value, moved on by the average change of the history per step; seasons play no part."""
    slope = (history[-1] - history[0]) / max(1, len(history) - 1)
    return np.asarray(history[-1] + slope * positions)


BASELINES: dict[str, Callable[[NDArray[np.float64], Positions, int], NDArray[np.float64]]] = {
    "seasonal_naive": seasonal_naive,
    "drift": drift,
}

"""Questions whose histories jumped, asked of histories that have been where they are now from the beginning."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from model.contexts.shifts import shifts_in
from model.forecasting.asking import Asked, LevelShift


def levelled(
    asked: Sequence[Asked], contexts: NDArray[np.float64], season_at: Callable[[str], int]
) -> dict[int, Asked]:
    """The questions whose histories jumped, by number, with their histories moved.

    Args:
        asked: All questions.
        contexts: Of their histories, as far as the network sees them; shape (asked, context).
        season_at: The steps of a season at a frequency.
    """
    by_season: dict[int, list[int]] = defaultdict(list)
    for number, one in enumerate(asked):
        by_season[season_at(one.freq)].append(number)
    moved: dict[int, Asked] = {}
    for season, numbers in by_season.items():
        shifts = shifts_in(torch.from_numpy(contexts[numbers]), season)
        for row in shifts.rows:
            first = int(shifts.at[row]) - contexts.shape[1] + 1
            moved[numbers[row]] = _moved(asked[numbers[row]], first, float(shifts.sizes[row]))
    return moved


def _moved(asked: Asked, first: int, size: float) -> Asked:
    """A question with everything before a step of its grid moved."""
    series, instant = asked.series, asked.grid.timestamps(first, first)[0]
    is_before = asked.grid.positions(series.timestamps) < first - 0.5
    values = np.where(is_before, series.values + size, series.values)
    return replace(asked, series=replace(series, values=values), level_shift=LevelShift(instant, size))

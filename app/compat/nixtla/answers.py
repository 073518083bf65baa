"""What the package is answered: numbers of all series end to end, with the rows they belong to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Warned:
    """Something about the forecast of a series; the package's tables have no place for it."""

    series: str
    code: str
    detail: str


@dataclass(frozen=True, eq=False)
class ForecastAnswer:
    """Forecasts, series by series.

    Attributes:
        mean: The point forecasts: medians, since the package takes them for the quantile 0.5 too.
        intervals: By `lo-LEVEL` and `hi-LEVEL`; None where none was asked for.
        model: The version that answered.
        warnings: For readers of the answer itself.
    """

    mean: Numbers
    intervals: Mapping[str, Numbers] | None
    model: str
    warnings: Sequence[Warned]
    weights_x: None = None
    feature_contributions: None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class WindowsAnswer(ForecastAnswer):
    """Forecasts of rows that were sent.

    Attributes:
        sizes: How many are whose.
        idxs: The row of each.
    """

    sizes: NDArray[np.int64]
    idxs: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class PathsAnswer:
    """Paths that the series may take.

    Attributes:
        samples: All steps of all series of the first path, then those of the second, and so on.
        sizes: How many steps of each path are whose.
        n_paths: How many paths.
        h: Steps of each series.
        model: The version that answered.
        warnings: For readers of the answer itself.
        coupled: Whether the paths of different series hang together.
    """

    samples: Numbers
    sizes: Sequence[int]
    n_paths: int
    h: int
    model: str
    warnings: Sequence[Warned]
    coupled: bool = False


@dataclass(frozen=True, eq=False, kw_only=True)
class AnomalyAnswer(WindowsAnswer):
    """Observations that were judged.

    Attributes:
        anomaly: Whether each lies outside its interval.
        anomaly_score: How far it lies from the median, in units of the interval's half on that side.
    """

    anomaly: NDArray[np.bool_]
    anomaly_score: Numbers


def quantile_levels(levels: Sequence[float]) -> tuple[float, ...]:
    """The quantile levels at the ends of intervals, ascending, with the median."""
    ends = {end for level in levels for end in interval_ends(level)}
    return tuple(sorted({*ends, 0.5}))


def interval_ends(level: float) -> tuple[float, float]:
    """The quantile levels at the ends of an interval; those of an empty one are the median."""
    tail = round((100 - level) / 200, 10)
    return tail, round(1 - tail, 10)


def name_of(level: float) -> str:
    """How the package's columns name a level: 80, or 99.5."""
    return f"{level:g}"

"""The forecast of one series, kept until its observations come: as bytes, joined with others, scored point by point."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from model import ItemForecast, Series


@dataclass(frozen=True)
class Tally:
    """How many observations were compared, and how many of them were covered."""

    num_scored: int = 0
    num_covered: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.num_scored + other.num_scored, self.num_covered + other.num_covered)


@dataclass(frozen=True)
class Outcome:
    """What some forecasts were worth, once their observations had come; outcomes add up.

    Attributes:
        num_scored: Observations compared.
        sum_absolute_error: Of the means.
        sum_absolute_observed: Of the observations, to see the error in proportion.
        quantiles: By quantile level: an observation at or below the quantile is covered.
        intervals: By interval level in percent: an observation within the interval is covered.
    """

    num_scored: int = 0
    sum_absolute_error: float = 0.0
    sum_absolute_observed: float = 0.0
    quantiles: Mapping[float, Tally] = field(default_factory=dict)
    intervals: Mapping[float, Tally] = field(default_factory=dict)

    def __add__(self, other: "Outcome") -> "Outcome":
        return Outcome(
            self.num_scored + other.num_scored,
            self.sum_absolute_error + other.sum_absolute_error,
            self.sum_absolute_observed + other.sum_absolute_observed,
            _added(self.quantiles, other.quantiles),
            _added(self.intervals, other.intervals),
        )


@dataclass(frozen=True, eq=False)
class Remembered:
    """A forecast of one series.

    Attributes:
        timestamps: Ascending, in microseconds since 1970, as its dataset has them; shape (n,).
        levels: Quantile levels, ascending; shape (k,).
        values: The mean, then the quantile of each level, NaN where it was not asked; shape (1 + k, n).
        is_scored: Whether the observation of a timestamp has been compared; shape (n,).
    """

    timestamps: NDArray[np.int64]
    levels: NDArray[np.float64]
    values: NDArray[np.float64]
    is_scored: NDArray[np.bool_]

    @classmethod
    def from_forecast(cls, forecast: ItemForecast) -> "Remembered":
        """A forecast with each of its timestamps once."""
        timestamps, places = np.unique(_microseconds(forecast.timestamps), return_index=True)
        levels = sorted(forecast.quantiles)
        values = np.stack([forecast.mean, *(forecast.quantiles[one] for one in levels)])[:, places]
        return cls(timestamps, np.array(levels), values, np.zeros(len(timestamps), dtype=bool))

    @classmethod
    def from_bytes(cls, content: bytes) -> "Remembered":
        """What `to_bytes` wrote."""
        raw = zlib.decompress(content)
        length, num_levels = np.frombuffer(raw, np.int64, 2).tolist()
        numbers = np.frombuffer(raw, np.float64, num_levels + (1 + num_levels) * length, 16 + 8 * length)
        return cls(
            np.frombuffer(raw, np.int64, length, 16),
            numbers[:num_levels],
            numbers[num_levels:].reshape(1 + num_levels, length),
            np.frombuffer(raw, np.bool_, length, len(raw) - length),
        )

    def to_bytes(self) -> bytes:
        """The whole of it."""
        sizes = np.array([len(self.timestamps), len(self.levels)], np.int64)
        parts = (sizes, self.timestamps, self.levels, self.values, self.is_scored)
        return zlib.compress(b"".join(one.tobytes() for one in parts), 1)

    @property
    def num_values(self) -> int:
        """How many numbers it holds."""
        return int(self.values.size)

    def joined(self, other: "Remembered") -> "Remembered":
        """Both together: forecasts of the same series by the same version after the same observation.

        Where both say something they say the same, so the first is kept.
        """
        timestamps = np.union1d(self.timestamps, other.timestamps)
        levels = np.union1d(self.levels, other.levels)
        values = np.full((1 + len(levels), len(timestamps)), np.nan)
        is_scored = np.zeros(len(timestamps), dtype=bool)
        for one in (other, self):
            columns = np.searchsorted(timestamps, one.timestamps)
            rows = np.concatenate([[0], 1 + np.searchsorted(levels, one.levels)])
            part = values[np.ix_(rows, columns)]
            values[np.ix_(rows, columns)] = np.where(np.isnan(one.values), part, one.values)
            is_scored[columns] |= one.is_scored
        return Remembered(timestamps, levels, values, is_scored)

    def scored(self, series: Series) -> tuple["Remembered", Outcome]:
        """The forecast with what is new in a series marked as scored, and what that came to."""
        _, found, places = np.intersect1d(
            self.timestamps, _microseconds(series.timestamps), assume_unique=True, return_indices=True
        )
        is_new = ~self.is_scored[found]
        found, truth = found[is_new], series.values[places[is_new]]
        if not len(found):
            return self, Outcome()
        is_scored = self.is_scored.copy()
        is_scored[found] = True
        outcome = _outcome(truth, self.levels, self.values[:, found])
        return Remembered(self.timestamps, self.levels, self.values, is_scored), outcome


def _outcome(truth: NDArray[np.float64], levels: NDArray[np.float64], values: NDArray[np.float64]) -> Outcome:
    mean, rows = values[0], dict(zip(levels.tolist(), values[1:], strict=True))
    upper_of = {level: round(1 - level, 10) for level in rows if level < 0.5}
    pairs = {level: upper for level, upper in upper_of.items() if upper in rows}
    return Outcome(
        num_scored=len(truth),
        sum_absolute_error=float(np.abs(truth - mean).sum()),
        sum_absolute_observed=float(np.abs(truth).sum()),
        quantiles={level: _tally(row, truth <= row) for level, row in rows.items()},
        intervals={
            round(100 * (1 - 2 * lower), 6): _tally(
                rows[lower] + rows[upper], (rows[lower] <= truth) & (truth <= rows[upper])
            )
            for lower, upper in pairs.items()
        },
    )


def _tally(asked: NDArray[np.float64], is_covered: NDArray[np.bool_]) -> Tally:
    """The tally of those that were asked for: what was not is NaN."""
    is_there = ~np.isnan(asked)
    return Tally(int(is_there.sum()), int((is_there & is_covered).sum()))


def _added(first: Mapping[float, Tally], second: Mapping[float, Tally]) -> dict[float, Tally]:
    return {level: first.get(level, Tally()) + second.get(level, Tally()) for level in sorted({*first, *second})}


def _microseconds(timestamps: NDArray[np.datetime64]) -> NDArray[np.int64]:
    return timestamps.astype("datetime64[us]").astype(np.int64)

"""Dominant periods of a panel, found in its values: after how many steps they repeat.

Candidates are peaks of each series' periodogram and hills of its autocorrelation (Vlachos, Yu and Castelli, "On
periodicity detection and structural periodic similarity", 2005). What counts is the autocorrelation at a candidate of
what is left of a series without its moving average over that many steps. Trends are gone from it; a random walk,
whose increments it sees through a window one period wide, has none there by expectation.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from model.panels.series import Panel, Series

MAX_PERIOD = 1440
"""Longer ones do not fit into a context."""

MIN_CYCLES = 4
"""Fewer repetitions than these tell nothing."""

AS_STRONG = 0.05
"""Autocorrelations that differ by less are equal."""

_MIN_OBSERVATIONS = 16
_MAX_SERIES = 16
_MAX_STEPS = 8192
_MAX_PROPOSALS = 6
"""Of the periodogram and of the autocorrelation of each series."""

_MAX_CANDIDATES = 8
_MAX_MULTIPLES = 8

_HILL = 1 / 8
"""How far a hill of the autocorrelation reaches on either side, as a share of its lag."""

_LEAST_STRENGTH, _LEAST_DIP, _LEAST_OBSERVED = 0.3, 0.25, 0.25
_NOISE, _DRIFT = 4.0, 1.9
"""The highest autocorrelation to expect of white noise, in units of √(1/observations), and of what drifts, in units of
√(1/cycles). Found by trying: see `docs/experiments.md`."""


@dataclass(frozen=True)
class Period:
    """A period of a panel.

    Attributes:
        steps: Its length.
        strength: The mean autocorrelation at it, at most 1.
    """

    steps: int
    strength: float


@dataclass(frozen=True)
class Periods:
    """What a panel says of its periods.

    Attributes:
        clear: Those that noise and drift do not explain, the shortest first; each stronger than the one before.
        known: The strength at each period that was asked about, where the series are long enough for one.
    """

    clear: tuple[Period, ...]
    known: tuple[Period, ...]

    def strength(self, steps: int) -> float | None:
        """That at a period which was asked about; None where the series are too short for it."""
        return next((one.strength for one in self.known if one.steps == steps), None)


def find_periods(panel: Panel, freq: str, asked: Iterable[int] = ()) -> Periods:
    """The periods of a panel, by a vote of its series, each with the weight of its observations.

    Of many series some, evenly spread, have a vote; of a long one its end. A value that is missing counts for nothing.

    Args:
        panel: The series.
        freq: The step of their grids.
        asked: Periods whose strength to tell in any case.
    """
    series = panel.series[:: -(-len(panel) // _MAX_SERIES)]
    courses = [one for one in (_course(each, freq) for each in series) if one is not None]
    wanted = sorted({steps for steps in asked if 2 <= steps <= MAX_PERIOD})
    votes = {steps: _vote(courses, steps) for steps in (*wanted, *_candidates(courses))}
    known = [vote[0] for vote in (votes[steps] for steps in wanted) if vote is not None]
    clear = [vote[0] for vote in votes.values() if vote is not None and vote[0].strength >= vote[1]]
    return Periods(_ascending(clear, known, AS_STRONG + _noise(courses)), tuple(known))


@dataclass(frozen=True, eq=False)
class _Course:
    """A series on its grid, in units of its own.

    Attributes:
        values: Zero where none is known; shape (n,).
        known: One where one is, else zero; shape (n,).
    """

    values: NDArray[np.float64]
    known: NDArray[np.float64]

    @cached_property
    def weight(self) -> float:
        """Its number of observations."""
        return float(self.known.sum())

    def without_average(self, length: int) -> "_Course":
        """What is left without the moving average over so many steps, except where less than half of them is there."""
        if length >= len(self.values):
            return self
        sums, counts = (_moving_sum(one, length) for one in (self.values, self.known))
        inner = slice(length // 2, len(self.values) - (length - length // 2) + 1)
        known = self.known[inner] * (2 * counts >= self.known.mean() * length)
        average = sums / np.maximum(counts, 1)
        rest = _Course((self.values[inner] - average) * known, known)
        return _Course(_clipped(rest.values, known), known)

    def correlations(self) -> NDArray[np.float64]:
        """The autocorrelation at every lag up to a third of the course, over the pairs that are known."""
        longest = len(self.values) // (MIN_CYCLES - 1)
        size = _fast_size(len(self.values) + longest + 1)
        values, squares, known = (np.fft.rfft(one, size) for one in (self.values, self.values**2, self.known))

        def summed(product: NDArray[np.inexact]) -> NDArray[np.float64]:
            return np.asarray(np.fft.irfft(product, size)[: longest + 1])

        products, pairs = summed(np.abs(values) ** 2), summed(np.abs(known) ** 2)
        before, after = summed(squares.conj() * known), summed(known.conj() * squares)
        powers = np.sqrt(np.maximum(before * after, 0.0))
        usable = (pairs > 0.1 * pairs[0]) & (powers > 1e-9 * max(products[0], 1e-300))
        return np.divide(products, powers, out=np.zeros(longest + 1), where=usable)


def _course(series: Series, freq: str) -> _Course | None:
    """A series on its grid without its line; None where there is too little to say."""
    positions = np.round(series.grid(freq).positions(series.timestamps)).astype(np.int64)
    recent = positions > -_MAX_STEPS
    positions, values = positions[recent], series.values[recent]
    if len(values) < _MIN_OBSERVATIONS or len(values) < _LEAST_OBSERVED * (1 - positions[0]):
        return None
    spread = np.abs(values).max()
    values = values / spread if spread else values
    times = positions - positions.mean()
    slope = float(times @ values) / float(times @ times)
    values = values - values.mean() - slope * times
    deviation = values.std()
    if deviation <= 1e-9:
        return None
    numbers, known = np.zeros(1 - positions[0]), np.zeros(1 - positions[0])
    numbers[positions - positions[0]], known[positions - positions[0]] = values / deviation, 1.0
    return _Course(numbers, known)


def _candidates(courses: Sequence[_Course]) -> list[int]:
    """Lengths worth a closer look, none within two percent of another; those that more series propose come first."""
    votes: dict[int, float] = {}
    for course in courses:
        for steps in _proposed(course):
            votes[steps] = votes.get(steps, 0.0) + course.weight
    kept: list[int] = []
    for steps in sorted(votes, key=lambda one: (-votes[one], one)):
        if all(abs(steps - other) > 0.02 * other for other in kept):
            kept.append(steps)
    return kept[:_MAX_CANDIDATES]


def _proposed(course: _Course) -> set[int]:
    """The hills of a course's autocorrelation nearest to the peaks of its periodogram, and its own highest ones."""
    longest = min(MAX_PERIOD, len(course.values) // MIN_CYCLES)
    changes = np.diff(course.values) * course.known[1:] * course.known[:-1]
    powers = np.abs(np.fft.rfft(changes * np.hanning(len(changes)))) ** 2
    frequencies = np.arange(len(powers)) / len(changes)
    powers[frequencies * longest < 1] = 0.0
    peaks = _highest(powers, _tops(powers))
    correlations = course.without_average(longest).correlations()[: longest + 1]
    hills = _highest(correlations, _tops(correlations))
    first = [one for one in _tops(correlations) if correlations[one] > 0.9 * correlations[hills].max(initial=0.0)][:1]
    rough = [*(round(1 / frequencies[peak]) for peak in peaks), *hills, *first]
    return {_refined(course, int(one), longest) for one in set(rough) if 2 <= one <= longest}


def _tops(heights: NDArray[np.float64]) -> NDArray[np.intp]:
    """Where a curve has its local maxima, its ends left out."""
    inner = heights[1:-1]
    return 1 + np.flatnonzero((inner > heights[:-2]) & (inner >= heights[2:]))


def _highest(heights: NDArray[np.float64], places: NDArray[np.intp]) -> NDArray[np.intp]:
    return places[np.argsort(-heights[places], kind="stable")[:_MAX_PROPOSALS]]


def _refined(course: _Course, steps: int, longest: int) -> int:
    """The length near a rough one at whose multiples, too, the course repeats most: they tell it more sharply."""
    correlations = course.without_average(steps).correlations()
    last = min(longest, len(correlations) - 1)
    reach = max(1, int(steps * _HILL))
    lengths = np.arange(max(2, steps - reach), min(steps + reach, last) + 0.01, 0.1)
    multiples = np.arange(1, max(1, min(_MAX_MULTIPLES, last // (steps + reach))) + 1)
    if not len(lengths):
        return steps
    heights = np.interp(np.outer(multiples, lengths), np.arange(len(correlations)), correlations)
    return int(np.round(lengths[np.argmax(heights.sum(0))]))


def _vote(courses: Sequence[_Course], steps: int) -> tuple[Period, float] | None:
    """A period with its strength over all series long enough, and the least strength that is no accident.

    One that is no hill of the autocorrelation with a valley before it has no strength.
    """
    able = [one for one in courses if len(one.values) >= MIN_CYCLES * steps]
    if not able:
        return None
    weights = np.array([one.weight for one in able])
    weights /= weights.sum()
    reach = max(1, int(steps * _HILL / 2))
    found = [one.without_average(steps).correlations()[: steps + reach + 1] for one in able]
    mean = np.sum(
        [weight * np.pad(one, (0, steps + reach + 1 - len(one))) for weight, one in zip(weights, found, strict=True)], 0
    )
    strength = float(mean[steps])
    is_hill = strength > mean[steps - reach :].max() - AS_STRONG and strength - mean[1:steps].min() > _LEAST_DIP
    cycles = float(weights @ [len(one.values) for one in able]) / steps
    observed = float(weights @ [one.weight for one in able])
    least = max(_LEAST_STRENGTH, _NOISE / np.sqrt(observed), _DRIFT / np.sqrt(cycles))
    return Period(steps, strength if is_hill else 0.0), least


def _noise(courses: Sequence[_Course]) -> float:
    """About how far chance moves an autocorrelation: the inverse root of the number of pairs."""
    num_pairs = [one.weight * one.known.mean() for one in courses]
    return float(1 / np.sqrt(max(np.mean(num_pairs), 1.0))) if num_pairs else 0.0


def _ascending(found: Sequence[Period], known: Sequence[Period], margin: float) -> tuple[Period, ...]:
    """The tops of their hills: the shortest one, and longer ones stronger than all shorter ones by a margin.

    One that was asked about stands for a hill whose top is hardly higher.
    """
    tops: list[Period] = []
    for one in sorted(found, key=lambda period: -period.strength):
        near = [other for other in known if _on_one_hill(one, other) and other.strength > one.strength - AS_STRONG]
        top = max(near, key=lambda period: period.strength, default=one)
        if not any(_on_one_hill(top, other) for other in tops):
            tops.append(top)
    kept: list[Period] = []
    for one in sorted(tops, key=lambda period: period.steps):
        if not kept or one.strength > kept[-1].strength + margin:
            kept.append(one)
    return tuple(kept)


def _on_one_hill(one: Period, other: Period) -> bool:
    return abs(one.steps - other.steps) <= max(1, _HILL * max(one.steps, other.steps))


def _moving_sum(values: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    sums = np.concatenate([[0.0], np.cumsum(values)])
    return np.asarray(sums[length:] - sums[:-length])


def _fast_size(least: int) -> int:
    """The next power of two, or three quarters of it."""
    power = 1 << (least - 1).bit_length()
    return power * 3 // 4 if power * 3 // 4 >= least else power


def _clipped(values: NDArray[np.float64], known: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values without the excess of those that few others come near, so that none of them speaks for all."""
    sizes = np.abs(values[known > 0])
    limit = 8 * float(np.median(sizes)) if len(sizes) else 0.0
    return np.clip(values, -limit, limit) if limit > 0 else values

"""What is asked of one series, placed on its grid before anything is computed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from model.contexts.inputs import SeriesInputs
from model.contexts.system import System
from model.errors import (
    AxesMixed,
    FrequencyUnknown,
    HorizonNotAhead,
    HorizonOutOfRange,
    QuantileLevelOutOfRange,
    SeriesTooShort,
)
from model.forecasting.horizon import At, Duration, Horizon, Steps, Until
from model.panels.columns import LAST_INSTANT, Column
from model.panels.covariates import RawCovariates, read_covariates
from model.panels.grid import Grid, Instants, local_axis, shared_timestamps
from model.panels.series import Series

MAX_STEPS = 100_000
MIN_OBSERVATIONS = 2


@dataclass(frozen=True)
class Paths:
    """Which sample paths are wanted.

    Attributes:
        num_samples: How many.
        seed: The same one gives the same paths.
    """

    num_samples: int = 0
    seed: int = 0


NO_PATHS = Paths()


@dataclass(frozen=True)
class LevelShift:
    """Where a history jumped to where it is now, and how far; what was before has been moved by as much.

    Attributes:
        instant: The first step there.
        size: Of the jump.
    """

    instant: np.datetime64
    size: float


@dataclass(frozen=True, eq=False)
class Asked:
    """One series and what is asked of it, in steps of its grid.

    Attributes:
        series: The history.
        freq: The step of its grid.
        grid: Its grid.
        positions: Where answers are wanted, in steps after the last observation, in the order asked.
        num_steps: Steps of the grid that cover them.
        levels: Quantile levels, ascending.
        inputs: The covariates that a version uses, from its history to the last step; None where it uses none.
        paths: Which sample paths are wanted.
        rates: Whether the rate of change of the mean is wanted, too.
        system: Which the series is a channel of; None where it is forecast by itself.
        level_shift: Of its history; None where there was none.
    """

    series: Series
    freq: str
    grid: Grid
    positions: NDArray[np.float64]
    num_steps: int
    levels: tuple[float, ...]
    inputs: SeriesInputs | None = None
    paths: Paths = NO_PATHS
    rates: bool = False
    system: System | None = None
    level_shift: LevelShift | None = None

    @cached_property
    def is_next(self) -> bool:
        """Whether answers are wanted at the next points of the grid, one after the other."""
        steps = _first_steps(self.num_steps)
        return self.positions is steps or np.array_equal(self.positions, steps)

    def timestamps(self) -> Instants:
        """The instants of the positions; not to be written to."""
        if self.is_next:
            return shared_timestamps(self.grid, 1, self.num_steps)
        whole = np.floor(self.positions).astype(int)
        points = shared_timestamps(self.grid, 0, self.num_steps)
        following = points[np.minimum(whole + 1, self.num_steps)]
        fraction = self.positions - whole
        passed = ((following - points[whole]).astype(np.int64) * fraction).round().astype("timedelta64[us]")
        return np.asarray(points[whole] + passed)

    def at_positions(self, path: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values at the positions, of a path over the steps of the grid; between two points linear in time."""
        if self.is_next:
            return np.ascontiguousarray(path)
        known = self._from_last(path)
        return np.asarray(np.interp(self.positions, np.arange(len(known)), known))

    def rates_at_positions(self, path: NDArray[np.float64]) -> NDArray[np.float64]:
        """How fast such a path changes at the positions, a step of the grid; on a point, on the way to it.

        A path that is linear between points has one rate between two of them. So the rates on the points add up to the
        path, from the last observation on.
        """
        return np.asarray(np.diff(self._from_last(path))[np.ceil(self.positions).astype(int) - 1])

    def _from_last(self, path: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.concatenate([self.series.values[-1:], path])


def ask(
    series: Series,
    horizon: Horizon,
    quantile_levels: Sequence[float] = (0.1, 0.5, 0.9),
    *,
    paths: Paths = NO_PATHS,
    rates: bool = False,
    max_steps: int = MAX_STEPS,
    system: System | None = None,
) -> Asked:
    """A question that can be answered.

    Args:
        series: The history, with at least two observations.
        horizon: What to answer for.
        quantile_levels: Between 0 and 1.
        paths: Which sample paths are wanted.
        rates: Whether the rate of change of the mean is wanted, too.
        max_steps: The longest horizon to accept.
        system: Which the series is a channel of: then steps are counted from the end of the system.

    Raises:
        ChannelUnknown: The series is no channel of the system.
        SeriesTooShort: It has fewer than two observations.
        FrequencyUnknown: It has no frequency.
        HorizonOutOfRange: The horizon is below one step, or longer than `max_steps`.
        HorizonNotAhead: A timestamp is asked that is not after the last observation.
        QuantileLevelOutOfRange: A level is not between 0 and 1.
    """
    if len(series) < MIN_OBSERVATIONS:
        raise SeriesTooShort(series.item_id, len(series), MIN_OBSERVATIONS, "a forecast")
    grid = _grid(series, system)
    positions = _positions(series, grid, horizon, max_steps)
    num_steps = int(np.ceil(positions.max()))
    levels = _checked_levels(tuple(quantile_levels))
    return Asked(series, grid.freq, grid, positions, num_steps, levels, paths=paths, rates=rates, system=system)


def _grid(series: Series, system: System | None) -> Grid:
    if system is not None:
        system.number(series.item_id)
        return system.grid(series)
    if series.freq is None:
        raise FrequencyUnknown(series.item_id)
    return series.grid(series.freq)


def with_future(series: Series, horizon: Horizon, signals: Mapping[str, Column]) -> Series:
    """A series with signals known in advance, a value for each timestamp that is asked, in the order of the answer.

    Raises:
        CovariateLengthMismatch, CovariateInvalid: A signal has not one value a timestamp.
        FrequencyUnknown, HorizonOutOfRange, HorizonNotAhead, SeriesTooShort: As `ask`.
    """
    if not signals:
        return series
    timestamps = ask(series, horizon).timestamps()
    found, faults = read_covariates(series.item_id, timestamps, RawCovariates(future=signals))
    for fault in faults:
        raise fault.error
    return replace(series, covariates=series.covariates.joined(found))


@lru_cache(maxsize=64)
def _checked_levels(levels: tuple[float, ...]) -> tuple[float, ...]:
    for level in levels:
        if not 0 < level < 1:
            raise QuantileLevelOutOfRange(level)
    return tuple(sorted(set(levels)))


def _positions(series: Series, grid: Grid, horizon: Horizon, max_steps: int) -> NDArray[np.float64]:
    """Where answers are wanted, in steps after the last observation.

    Raises:
        HorizonOutOfRange: None, or further away than `max_steps` or the last year of the calendar.
        HorizonNotAhead: Not after the last observation.
    """
    limit = min(max_steps, _last_position(grid))
    match horizon:
        case Steps(num_steps):
            pass
        case Until(timestamp):
            num_steps = int(_steps_until(series, grid, [series.instant(timestamp)], limit)[0] + 1e-9)
        case Duration(length):
            if series.is_counted:
                found = f"Series {series.item_id!r} was asked for a duration"
                raise AxesMixed(found, "its timestamps are whole numbers", item_id=series.item_id)
            num_steps = int(_steps_until(series, grid, [grid.anchor + length.to_timedelta64()], limit)[0] + 1e-9)
        case At(timestamps):
            return _steps_until(series, grid, [series.instant(one) for one in timestamps], limit)
    if not 1 <= num_steps <= limit:
        raise HorizonOutOfRange(num_steps, limit, item_id=series.item_id)
    return _first_steps(num_steps)


@lru_cache(maxsize=1024)
def _last_position(grid: Grid) -> int:
    """About where the calendar ends."""
    return int(grid.steps_until(LAST_INSTANT))


@lru_cache(maxsize=64)
def _first_steps(num_steps: int) -> NDArray[np.float64]:
    """Positions 1, 2, …: held once for all series that are asked for as many."""
    steps = np.arange(1.0, num_steps + 1)
    steps.flags.writeable = False
    return steps


def _steps_until(series: Series, grid: Grid, instants: list[np.datetime64], limit: int) -> NDArray[np.float64]:
    if not instants:
        raise HorizonOutOfRange(0, limit, item_id=series.item_id)
    asked = np.array(instants, dtype="datetime64[us]")
    if asked.min() <= grid.anchor:
        first, last = (str(one) for one in local_axis(np.array([asked.min(), grid.anchor]), series.clock))
        raise HorizonNotAhead(series.item_id, first, last)
    roughly = grid.steps_until(asked.max())
    if roughly > limit + 60:
        raise HorizonOutOfRange(int(roughly), limit, item_id=series.item_id)
    positions = grid.positions(asked)
    if positions.max() > limit:
        raise HorizonOutOfRange(int(np.ceil(positions.max())), limit, item_id=series.item_id)
    return positions

"""Series end to end, cut into the windows that are forecast, by rows of the payload."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.compat.nixtla.features import FeatureNames, values_of
from app.compat.nixtla.frequencies import modern
from app.compat.nixtla.payloads import Payload
from app.schemas.refusals import OptionUnsupported
from model import RawCovariates, Series, SeriesTooShort, TrainingConfig

_SOME_START: Final = "2000-01-01"
"""Where series are put that do not say when they begin; nothing that is answered depends on it."""

MIN_HISTORY: Final = 2
"""The fewest rows that a forecast is made from."""


@dataclass(frozen=True, eq=False)
class Rows:
    """One series of a payload.

    Attributes:
        name: Where it stands in the payload, as the package's user would count.
        first: Its first row of the payload.
        start: The timestamp of its first row.
        grid: An observation at every row, of no value.
        values: What was observed at each row; NaN where nothing was.
        features: What else is known at each row, feature by feature.
        later: What is known of the first features after the last row.
    """

    name: str
    first: int
    start: str
    grid: Series
    values: NDArray[np.float64]
    features: tuple[NDArray[np.float64], ...] = ()
    later: tuple[NDArray[np.float64], ...] = ()

    def __len__(self) -> int:
        return len(self.values)

    def lag(self, stop: int) -> int:
        """How many rows before a row, next to it, have no observation."""
        return stop - 1 - int(self._last_observed[stop - 1])

    def history(self, stop: int, *, length: int | None = None, name: str | None = None) -> Series:
        """The observations before a row.

        Args:
            stop: The row.
            length: How many rows to look back; all of them, if left out.
            name: What the series is called in a refusal; as here, if left out.

        Raises:
            SeriesTooShort: There is none.
        """
        start = 0 if length is None else max(0, stop - length)
        observed = start + np.flatnonzero(~np.isnan(self.values[start:stop]))
        if len(observed) == 0:
            raise SeriesTooShort(name or self.name, 0, MIN_HISTORY, "a forecast")
        return replace(
            self.grid,
            item_id=name or self.name,
            timestamps=self.grid.timestamps[observed],
            values=self.values[observed],
        )

    @cached_property
    def _last_observed(self) -> NDArray[np.int64]:
        """The last row with an observation, up to each row; -1 before the first."""
        return np.maximum.accumulate(np.where(np.isnan(self.values), -1, np.arange(len(self.values))))

    def with_covariates(self, names: FeatureNames, num_later: int = 0) -> "Rows":
        """The same, with its features as the covariates of its histories.

        Args:
            names: Of the features.
            num_later: How many rows after the last one those known in advance have to reach. Where they are not known
                as far, the last value is held: a forecast does not depend on what comes after it.
        """
        if not names.future and not names.past:
            return self
        num_future, unknown = len(names.future), np.full(num_later, np.nan)
        later = self.later or (np.empty(0),) * num_future
        ahead = [
            _hold(np.concatenate([known, after]), len(self) + num_later)
            for known, after in zip(self.features, later, strict=False)
        ]
        past = [np.concatenate([known, unknown]) for known in self.features[num_future:]]
        covariates = RawCovariates(
            dict(zip(names.past, past, strict=True)), dict(zip(names.future, ahead[:num_future], strict=True))
        )
        zeros = np.concatenate([np.zeros(len(self)), unknown])
        return replace(
            self, grid=Series.from_grid(self.name, self.start, str(self.grid.freq), zeros, covariates=covariates)
        )


def _hold(values: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    """Values continued by the last one."""
    return np.concatenate([values, np.full(max(0, length - len(values)), values[-1])])[:length]


@dataclass(frozen=True)
class Window:
    """Rows of one series to be forecast from what lies before them.

    Attributes:
        series: Which of the series.
        first: The first row forecast, counted within the series; at its end, the first one after it.
        length: How many.
    """

    series: int
    first: int
    length: int


def read_rows_of(payload: Payload, *, num_later: int = 0) -> tuple[Rows, ...]:
    """The series of a payload.

    Args:
        payload: The payload.
        num_later: For how many rows after the last one of each series features are sent.

    Raises:
        DataError: Their frequency or a start cannot be read.
        OptionUnsupported: A feature is no number, or is not known at each of the rows.
    """
    sent = payload.series
    if any(len(row) != num_later * len(sent.sizes) for row in sent.X_future or ()):
        raise OptionUnsupported(
            "X_future",
            f"a feature needs {num_later} values after each of {len(sent.sizes)} series",
            "Send one for each timestamp to forecast.",
        )
    return tuple(_each_series(payload, num_later))


def _each_series(payload: Payload, num_later: int) -> Iterator[Rows]:
    sent, freq = payload.series, modern(payload.freq)
    values = np.array([np.nan if one is None else one for one in sent.y], dtype=np.float64)
    first = 0
    for number, size in enumerate(sent.sizes):
        name = f"series[{number}]"
        start = sent.start_datetime[number] if sent.start_datetime else _SOME_START
        grid = Series.from_grid(name, start, freq, np.zeros(size))
        yield Rows(
            name,
            first,
            start,
            grid,
            values[first : first + size],
            values_of(sent.X or (), first, first + size),
            values_of(sent.X_future or (), number * num_later, (number + 1) * num_later),
        )
        first += size


def next_windows(rows: Sequence[Rows], h: int) -> tuple[Window, ...]:
    """What comes after each series."""
    return tuple(Window(number, len(one), h) for number, one in enumerate(rows))


def rolling_windows(rows: Sequence[Rows], h: int, n_windows: int, step_size: int) -> Iterator[Window]:
    """The same number of windows of each series, the last one at its end.

    Raises:
        SeriesTooShort: A series has too few rows before its first window.
    """
    reach = h + (n_windows - 1) * step_size
    for one in rows:
        if len(one) < reach + MIN_HISTORY:
            purpose = f"a cross-validation of {n_windows} windows of {h} steps, {step_size} apart,"
            raise SeriesTooShort(one.name, len(one), reach + MIN_HISTORY, purpose)
    for number, one in enumerate(rows):
        for window in range(n_windows):
            yield Window(number, len(one) - reach + window * step_size, h)


def in_sample_windows(rows: Sequence[Rows], config: TrainingConfig) -> Iterator[Window]:
    """Windows of the trained horizon side by side, as many as end with each series and leave a context before them.

    A series that is too short for one gets a shorter one, over its second half.

    Raises:
        SeriesTooShort: A series has too few rows to leave any for a forecast.
    """
    for number, one in enumerate(rows):
        yield from _tiles(number, one, config)


def _tiles(number: int, rows: Rows, config: TrainingConfig) -> Iterator[Window]:
    length = min(config.horizon, (len(rows) + 1) // 2)
    if len(rows) - length < MIN_HISTORY:
        raise SeriesTooShort(rows.name, len(rows), MIN_HISTORY + 1, "a forecast of its own past")
    count = max(1, (len(rows) - config.context_length) // length)
    for window in range(count):
        yield Window(number, len(rows) - (count - window) * length, length)

"""Series end to end, cut into the windows that are forecast, by rows of the payload."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.compat.nixtla.frequencies import modern
from app.compat.nixtla.payloads import Payload
from model import Series, SeriesTooShort, TrainingConfig

_SOME_START: Final = "2000-01-01"
"""Where series are put that do not say when they begin; nothing that is answered depends on it."""

_MARGIN_STEPS: Final = 8
MIN_HISTORY: Final = 2
"""The fewest rows that a forecast is made from."""


def memory(config: TrainingConfig) -> int:
    """How many steps of a history can matter to a forecast: the context, and the seasons that fill its gaps."""
    return config.context_length + 2 * config.season_length + _MARGIN_STEPS


@dataclass(frozen=True, eq=False)
class Rows:
    """One series of a payload.

    Attributes:
        name: Where it stands in the payload, as the package's user would count.
        first: Its first row of the payload.
        grid: An observation at every row, of no value.
        values: What was observed at each row; NaN where nothing was.
    """

    name: str
    first: int
    grid: Series
    values: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.values)

    def history(self, stop: int, *, length: int | None = None, name: str | None = None) -> tuple[Series, int]:
        """The observations before a row, and how many missing ones follow the last of them.

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
        known = replace(
            self.grid,
            item_id=name or self.name,
            timestamps=self.grid.timestamps[observed],
            values=self.values[observed],
        )
        return known, stop - 1 - int(observed[-1])


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


def read_rows_of(payload: Payload) -> tuple[Rows, ...]:
    """The series of a payload.

    Raises:
        DataError: Their frequency or a start cannot be read.
    """
    return tuple(_each_series(payload))


def _each_series(payload: Payload) -> Iterator[Rows]:
    sent, freq = payload.series, modern(payload.freq)
    values = np.array([np.nan if one is None else one for one in sent.y], dtype=np.float64)
    first = 0
    for number, size in enumerate(sent.sizes):
        name = f"series[{number}]"
        start = sent.start_datetime[number] if sent.start_datetime else _SOME_START
        grid = Series.from_grid(name, start, freq, np.zeros(size))
        yield Rows(name, first, grid, values[first : first + size])
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

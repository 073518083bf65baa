"""Many series read at once from the columns of one table."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.errors import FrequencyInvalid
from model.panels.columns import FIRST_INSTANT, LAST_INSTANT
from model.panels.counting import COUNTED, is_count
from model.panels.grid import Instants, frequency_name, infer_frequency, local_axis
from model.panels.reading import Aggregation, Reading, read_columns


@dataclass(frozen=True, eq=False)
class Rows:
    """The columns of a table with one observation a row.

    Attributes:
        names: The series.
        codes: Which of them a row belongs to; shape (n,).
        instants: UTC, or wall clock where `time_zone` is None; not-a-time where there is none; shape (n,).
        numbers: NaN where an observation is missing; shape (n,).
        time_zone: The zone that the timestamps came in.
    """

    names: Sequence[str]
    codes: NDArray[np.integer]
    instants: Instants
    numbers: NDArray[np.float64]
    time_zone: str | None


@dataclass(frozen=True, eq=False)
class RowsOfItem:
    """What the rows of one series hold, and which rows of the table they are."""

    reading: Reading
    positions: NDArray[np.intp]


def read_rows(rows: Rows, *, freq: str | None, duplicates: Aggregation) -> list[RowsOfItem]:
    """Reads every series as `read_columns` would, in the order in which they begin.

    Series whose rows are sorted and sound, as most are, are only cut out; a time axis that a series shares with the one
    before it is held once, and its frequency found once.

    Args:
        rows: The table.
        freq: A pandas offset alias for all; read from the timestamps of each if None.
        duplicates: How to aggregate the observations of one timestamp.
    """
    if len(rows.codes) == 0:
        return []
    order, starts = _runs(rows.codes)
    ends = np.append(starts[1:], len(rows.codes))
    codes, instants, numbers = (_ordered(one, order) for one in (rows.codes, rows.instants, rows.numbers))
    missing = np.isnan(numbers)
    num_missing = np.add.reduceat(missing, starts, dtype=np.int64)
    known = _known_frequency(freq)
    is_other = known is not None and is_count(known) != (rows.time_zone == COUNTED)
    unsound = is_other | _unsound(codes, instants, numbers, starts) | (num_missing == ends - starts)
    cutter = _Cutter(instants, numbers, missing, rows.time_zone, known)
    found: list[RowsOfItem] = []
    for number, (first, last) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
        name = rows.names[codes[first]]
        if unsound[number] or (freq is not None and known is None):
            times = local_axis(instants[first:last], rows.time_zone)
            reading = read_columns(name, times, numbers[first:last], freq=freq, duplicates=duplicates)
        else:
            reading = cutter.cut(name, first, last, int(num_missing[number]))
        found.append(RowsOfItem(reading, np.arange(first, last) if order is None else order[first:last]))
    return found if order is None else sorted(found, key=lambda one: int(one.positions[0]))


class _Cutter:
    """Cuts sound series out of the columns, remembering the last time axis."""

    def __init__(
        self,
        instants: Instants,
        numbers: NDArray[np.float64],
        missing: NDArray[np.bool_],
        time_zone: str | None,
        freq: str | None,
    ) -> None:
        self._instants, self._numbers, self._missing = instants, numbers, missing
        self._time_zone = time_zone
        self._given = freq
        self._axis = instants[:0]
        self._freq: str | None = None

    def cut(self, name: str, first: int, last: int, num_missing: int) -> Reading:
        instants, numbers = self._instants[first:last], self._numbers[first:last]
        if num_missing:
            observed = ~self._missing[first:last]
            instants, numbers = instants[observed], numbers[observed]
        if not np.array_equal(instants, self._axis):
            self._axis, self._freq = instants, self._frequency(name, instants)
        axis = self._axis
        return Reading(
            name, last - first, num_missing, axis, axis, numbers, self._freq, self._time_zone, (), ()
        )  # fmt: skip

    def _frequency(self, name: str, instants: Instants) -> str | None:
        if self._given is not None or len(instants) < 2:
            return self._given
        return infer_frequency(instants, self._time_zone, item_id=name)


def _runs(codes: NDArray[np.integer]) -> tuple[NDArray[np.intp] | None, NDArray[np.intp]]:
    """Where the rows of each series start; and in which order the rows must be taken first, if not in theirs."""
    starts = _starts(codes)
    if len(np.unique(codes[starts])) == len(starts):
        return None, starts
    order = np.argsort(codes, kind="stable")
    return order, _starts(codes[order])


def _starts(codes: NDArray[np.integer]) -> NDArray[np.intp]:
    return np.concatenate([[0], np.flatnonzero(codes[1:] != codes[:-1]) + 1])


def _ordered(column: NDArray, order: NDArray[np.intp] | None) -> NDArray:  # type: ignore[type-arg]
    return column if order is None else column[order]


def _unsound(
    codes: NDArray[np.integer], instants: Instants, numbers: NDArray[np.float64], starts: NDArray[np.intp]
) -> NDArray[np.bool_]:
    """Which series have a row that needs a closer look: out of order, repeated, out of the calendar, infinite."""
    odd = np.isinf(numbers) | ~((instants >= FIRST_INSTANT) & (instants <= LAST_INSTANT))
    odd[1:] |= ~(instants[1:] > instants[:-1]) & (codes[1:] == codes[:-1])
    return np.asarray(np.logical_or.reduceat(odd, starts))


def _known_frequency(freq: str | None) -> str | None:
    try:
        return None if freq is None else frequency_name(freq)
    except FrequencyInvalid:
        return None

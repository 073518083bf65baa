"""Raw columns of one series, read: instants and numbers, and everything that is wrong with them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.tseries.api import guess_datetime_format

from model.errors import (
    DataError,
    DuplicateTimestamps,
    FrequencyInvalid,
    LengthMismatch,
    SeriesTooShort,
    TimestampInvalid,
    TimeZonesMixed,
    ValueInvalid,
)
from model.grid import Instants, infer_frequency, parse_frequency

Aggregation = Literal["error", "mean", "sum", "first", "last"]
"""What to do with several observations at one timestamp."""

Column = Sequence[Any] | pd.Series | pd.DatetimeIndex | NDArray[Any]
Positions = NDArray[np.intp]

FIRST_INSTANT, LAST_INSTANT = np.datetime64("1000-01-01", "us"), np.datetime64("9000-01-01", "us")
"""Outside, calendars and ISO 8601 soon end."""

_ZONE = re.compile(r"(?:[zZ]|[+-]\d{2}:?\d{2})$")


def _nowhere() -> Positions:
    return np.empty(0, dtype=np.intp)


@dataclass(frozen=True, eq=False)
class Fault:
    """One reason why columns are no series.

    Attributes:
        error: The reason.
        positions: The rows it concerns, ascending; empty where that is not a matter of single rows.
    """

    error: DataError
    positions: Positions = field(default_factory=_nowhere)


@dataclass(frozen=True, eq=False)
class Reading:
    """What the raw columns of one series hold, as far as they can be read.

    Attributes:
        item_id: Its name.
        num_rows: Rows, missing observations included.
        num_missing: Rows at a point in time without an observation.
        rows: The instants of the observations in the order of their rows; UTC, or wall clock without a zone.
        instants: The same, sorted, each once.
        numbers: The observations at them.
        freq: The step of the grid; None where a single observation leaves it open.
        time_zone: The zone of the timestamps.
        offsets: The offsets from UTC that occur, where they differ and no zone is named; else none.
        faults: Everything that makes it no series, the first one first.
    """

    item_id: str
    num_rows: int
    num_missing: int
    rows: Instants
    instants: Instants
    numbers: NDArray[np.float64]
    freq: str | None
    time_zone: str | None
    offsets: tuple[str, ...]
    faults: tuple[Fault, ...]


def read_columns(
    item_id: str, timestamps: Column, values: Column, *, freq: str | None, duplicates: Aggregation
) -> Reading:
    """Reads the columns of one series; what cannot be read is left out, and told as a fault.

    Args:
        item_id: Its name.
        timestamps: ISO 8601 strings, datetimes, or a pandas datetime column.
        values: Numbers; None and NaN are missing.
        freq: A pandas offset alias; read from the timestamps if None.
        duplicates: How to aggregate the observations of one timestamp; `error` makes them a fault and keeps the first.
    """
    num_rows = min(len(timestamps), len(values))
    faults = [] if len(timestamps) == len(values) else [Fault(LengthMismatch(item_id, len(timestamps), len(values)))]
    step, wrong_step = _read_frequency(item_id, freq)
    numbers, wrong_numbers = read_numbers(item_id, values[:num_rows])
    times = read_timestamps(item_id, timestamps[:num_rows])
    faults += [*wrong_step, *wrong_numbers, *times.faults]
    observed = ~np.isnan(numbers) & ~np.isnat(times.instants)
    rows = times.instants[observed]
    instants, numbers, repeated = _one_per_timestamp(item_id, rows, numbers[observed], duplicates)
    faults += [Fault(one.error, np.flatnonzero(observed)[one.positions]) for one in repeated]
    if not faults and len(numbers) == 0:
        faults = [Fault(SeriesTooShort(item_id, 0, 1, "a series"))]
    if step is None and len(numbers) > 1:
        step = infer_frequency(instants, times.time_zone, item_id=item_id)
    num_missing = num_rows - int(observed.sum()) - sum(len(one.positions) for one in (*wrong_numbers, *times.faults))
    return Reading(
        item_id, num_rows, max(0, num_missing), rows, instants, numbers, step, times.time_zone, times.offsets,
        tuple(faults),
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Times:
    """A column of timestamps as far as it can be read.

    Attributes:
        instants: UTC, or wall clock where there is no zone; not-a-time where a row is at fault.
        time_zone: The zone; None for wall clocks.
        offsets: The offsets from UTC that occur, where they differ and no zone is named; else none.
        faults: What is wrong.
    """

    instants: Instants
    time_zone: str | None
    offsets: tuple[str, ...]
    faults: tuple[Fault, ...]


def read_timestamps(item_id: str, timestamps: Column) -> Times:
    """Reads a column of timestamps: all in one format, with a zone or without."""
    column = pd.Series(timestamps)
    if pd.api.types.is_numeric_dtype(column.dtype) and len(column):
        index = pd.DatetimeIndex(np.full(len(column), np.datetime64("NaT", "us")))
        return _to_times(item_id, column, index, (), ())
    for pattern in _patterns(column):
        try:
            return _to_times(item_id, column, pd.DatetimeIndex(pd.to_datetime(column, format=pattern)), (), ())
        except (ValueError, TypeError, OverflowError):
            continue
    return _read_one_by_one(item_id, column)


def read_numbers(item_id: str, values: Column) -> tuple[NDArray[np.float64], tuple[Fault, ...]]:
    """Reads a column of observations; NaN where one is missing or at fault."""
    column = pd.Series(values)
    try:
        if pd.api.types.is_bool_dtype(column.dtype):
            raise TypeError("bool")
        numbers = column.to_numpy(dtype=np.float64, na_value=np.nan, copy=True)
        wrong = np.isinf(numbers)
    except (TypeError, ValueError, OverflowError):
        parsed = [_number(value) for value in column]
        wrong = np.array([number is None or np.isinf(number) for number in parsed])
        numbers = np.array([np.nan if number is None else number for number in parsed])
    if not wrong.any():
        return numbers, ()
    positions = np.flatnonzero(wrong)
    first = int(positions[0])
    found = str(numbers[first]) if np.isinf(numbers[first]) else _shown(column.iloc[first])
    numbers[wrong] = np.nan
    return numbers, (Fault(ValueInvalid(item_id, first, found), positions),)


def _read_frequency(item_id: str, freq: str | None) -> tuple[str | None, tuple[Fault, ...]]:
    if freq is None:
        return None, ()
    try:
        return parse_frequency(freq, item_id=item_id).freqstr, ()
    except FrequencyInvalid as error:
        return None, (Fault(error),)


def _number(value: Any) -> float | None:
    """A number; NaN for what is missing, None for what is none."""
    if value is None or value is pd.NA:
        return np.nan
    if isinstance(value, (bool, np.bool_)):
        return None
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _patterns(column: "pd.Series[Any]") -> list[str]:
    guessed = guess_datetime_format(str(column.iloc[0])) if len(column) else None
    return ["ISO8601", guessed] if guessed else ["ISO8601"]


def _read_one_by_one(item_id: str, column: "pd.Series[Any]") -> Times:
    """Timestamps of which some cannot be read, or whose offsets differ, as a zone's do across a change of its clocks.

    They are kept in UTC.
    """
    texts = pd.Series([str(value) for value in column])
    tried = [
        pd.DatetimeIndex(pd.to_datetime(texts, format=pattern, utc=True, errors="coerce"))
        for pattern in _patterns(column)
    ]
    index = min(tried, key=lambda one: np.count_nonzero(one.isna()))
    zones = [_ZONE.search(text) for text in texts]
    naive = np.array([zone is None for zone in zones]) & ~np.asarray(index.isna())
    offsets = {zone.group().upper().replace("Z", "+00:00") for zone in zones if zone}
    if not offsets:
        return _to_times(item_id, column, index.tz_localize(None), (), ())
    mixed = (Fault(TimeZonesMixed(item_id), np.flatnonzero(naive)),) if naive.any() else ()
    return _to_times(item_id, column, index, tuple(sorted(offsets)) if len(offsets) > 1 else (), mixed)


def _to_times(
    item_id: str, column: "pd.Series[Any]", index: pd.DatetimeIndex, offsets: tuple[str, ...], mixed: tuple[Fault, ...]
) -> Times:
    time_zone = None if index.tz is None else str(index.tz)
    instants = (index if index.tz is None else index.tz_convert("UTC").tz_localize(None)).as_unit("us").to_numpy()
    faults: list[Fault] = []
    unread = np.flatnonzero(index.isna())
    if len(unread):
        faults.append(Fault(TimestampInvalid(item_id, int(unread[0]), _shown(column.iloc[unread[0]])), unread))
    faults += mixed
    instants, outside = within_calendar(item_id, instants)
    return Times(instants, time_zone, offsets, (*faults, *outside))


def within_calendar(item_id: str, instants: Instants) -> tuple[Instants, tuple[Fault, ...]]:
    """Instants, with not-a-time for those outside the years that calendars and ISO 8601 can express."""
    outside = (instants < FIRST_INSTANT) | (instants > LAST_INSTANT)
    if not outside.any():
        return instants, ()
    positions = np.flatnonzero(outside)
    found = f"{instants[positions[0]]}, outside the years 1000 to 9000,"
    kept = np.where(outside, np.datetime64("NaT", "us"), instants)
    return kept, (Fault(TimestampInvalid(item_id, int(positions[0]), found), positions),)


def _shown(value: Any) -> str:
    """A raw value as an error quotes it."""
    if value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return "nothing"
    return repr(value.item() if isinstance(value, np.generic) else value)[:80]


def _one_per_timestamp(
    item_id: str, instants: Instants, numbers: NDArray[np.float64], duplicates: Aggregation
) -> tuple[Instants, NDArray[np.float64], tuple[Fault, ...]]:
    order = np.argsort(instants, kind="stable")
    instants, numbers = instants[order], numbers[order]
    again = np.zeros(len(instants), dtype=bool)
    again[1:] = instants[1:] == instants[:-1]
    if not again.any():
        return instants, numbers, ()
    if duplicates == "error":
        error = DuplicateTimestamps(item_id, str(pd.Timestamp(instants[again][0])), int(again.sum()))
        return instants[~again], numbers[~again], (Fault(error, np.sort(order[again])),)
    aggregated = pd.Series(numbers).groupby(instants).agg(duplicates)
    return aggregated.index.to_numpy().astype("datetime64[us]"), aggregated.to_numpy(dtype=np.float64), ()

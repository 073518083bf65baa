"""One raw column: its timestamps or its numbers, and every row that holds none."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.tseries.api import guess_datetime_format

from model.errors import DataError, TimestampInvalid, TimeZonesMixed, ValueInvalid
from model.panels.counting import COUNTED, MAX_COUNT, to_instants
from model.panels.grid import Instants

Column = Sequence[Any] | pd.Series | pd.Index | NDArray[Any]
Positions = NDArray[np.intp]

FIRST_INSTANT, LAST_INSTANT = np.datetime64("1000-01-01", "us"), np.datetime64("9000-01-01", "us")
"""Outside, calendars and ISO 8601 soon end."""

_PLAIN_NUMBERS = {float, int, type(None)}
_TEMPLATE, _PLAIN_LENGTHS = "dddd-dd-ddTdd:dd:dd", (10, 16, 19)
_WHOLE = re.compile(r"\s*[+-]?\d{1,18}\s*", re.ASCII)
_YEARS = ("1500", "2200")
"""Between these, texts of four digits are years."""

_NUMERIC_DATE = re.compile(r"\d{1,2}(?P<mark>[./-] ?)\d{1,2}(?P=mark)(?=\d{4}(?!\d))", re.ASCII)
"""What begins a date that has its year last, such as 3.4.2026."""

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
class Times:
    """A column of timestamps as far as it can be read.

    Attributes:
        instants: UTC, or wall clock where there is no zone; not-a-time where a row is at fault.
        time_zone: The zone; None for wall clocks, `COUNTED` for whole numbers.
        offsets: The offsets from UTC that occur, where they differ and no zone is named; else none.
        faults: What is wrong.
        day_unsure: Whether day and month could be exchanged in every row; they were read month first.
    """

    instants: Instants
    time_zone: str | None
    offsets: tuple[str, ...]
    faults: tuple[Fault, ...]
    day_unsure: bool = False


def read_timestamps(item_id: str, timestamps: Column, *, counted: bool = False) -> Times:
    """Reads a column of timestamps: all in one format, with a zone or without; or all of them whole numbers.

    Numbers are never seconds since 1970. Texts that could be dates, as 20260131 could, are dates, and so are those of
    four digits if all lie between 1500 and 2200.

    Args:
        item_id: The series.
        timestamps: The column.
        counted: Whether texts are whole numbers, even if they could be dates.
    """
    if isinstance(timestamps, list) and not counted:
        plain = _read_plain(timestamps)
        if plain is not None:
            instants, outside = _within_calendar(item_id, plain)
            return Times(instants, "UTC" if timestamps[0].endswith("Z") else None, (), outside)
    column = pd.Series(timestamps)
    if pd.api.types.is_numeric_dtype(column.dtype) and len(column):
        return _read_counts(item_id, column)
    if (counted or _are_no_years(column)) and _are_whole(column):
        return _read_counts(item_id, _to_counts(column))
    return _read_dates(item_id, column)


def _read_dates(item_id: str, column: "pd.Series[Any]") -> Times:
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return _to_times(item_id, column, pd.DatetimeIndex(column), (), ())
    for pattern in _patterns(column):
        try:
            times = _to_times(item_id, column, pd.DatetimeIndex(pd.to_datetime(column, format=pattern)), (), ())
        except (ValueError, TypeError, OverflowError):
            continue
        return replace(times, day_unsure=_could_be_day_first(column, pattern))
    if _are_whole(column):
        return _read_counts(item_id, _to_counts(column))
    return _read_one_by_one(item_id, column)


def _are_no_years(column: "pd.Series[Any]") -> bool:
    """Whether texts of four digits are no years, since one of them is far from any that is observed."""
    first = column.iloc[0] if len(column) else None
    if not isinstance(first, str) or not (len(first) == 4 and first.isdecimal() and first.isascii()):
        return False
    earliest, latest = _YEARS
    return not all(isinstance(one, str) and earliest <= one <= latest for one in column)


def _are_whole(column: "pd.Series[Any]") -> bool:
    """Whether all that is there is whole numbers, or texts of them; empty texts are nothing."""
    there = [one for one in column if not (one is None or one is pd.NaT or one is pd.NA or one == "")]
    return bool(there) and all(map(_is_whole, there))


def _is_whole(value: Any) -> bool:
    if isinstance(value, str):
        return _WHOLE.fullmatch(value) is not None
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _to_counts(column: "pd.Series[Any]") -> "pd.Series[Any]":
    return pd.Series([_number(None if one == "" else one) for one in column], dtype=np.float64)


def _read_counts(item_id: str, column: "pd.Series[Any]") -> Times:
    """Timestamps that are numbers: whole ones not too far from 0, or at fault."""
    raw = column.to_numpy(dtype=np.float64, na_value=np.nan)
    wrong = ~(np.abs(raw) <= MAX_COUNT) | (raw != np.rint(raw))
    if pd.api.types.is_bool_dtype(column.dtype):
        wrong[:] = True
    instants = to_instants(np.where(wrong, np.nan, raw))
    positions = np.flatnonzero(wrong)
    if not len(positions):
        return Times(instants, COUNTED, (), ())
    first = int(positions[0])
    far = f", farther from 0 than {MAX_COUNT}," if abs(raw[first]) > MAX_COUNT else ""
    found = f"{_shown(column.iloc[first])}{far}"
    return Times(instants, COUNTED, (), (Fault(TimestampInvalid(item_id, first, found), positions),))


def read_instants(texts: list[str], *, counted: bool = False) -> Times | None:
    """Timestamps that are all sound and of one zone; None where one of them needs a closer look.

    Args:
        texts: They.
        counted: Whether they are whole numbers, even if they could be dates.
    """
    if not texts:
        return None
    times = read_timestamps("", texts, counted=counted)
    return None if times.faults or times.offsets else times


def read_numbers(item_id: str, values: Column) -> tuple[NDArray[np.float64], tuple[Fault, ...]]:
    """Reads a column of observations; NaN where one is missing or at fault."""
    if isinstance(values, list) and set(map(type, values)) <= _PLAIN_NUMBERS:
        # Millions of numbers from JSON need no table.
        try:
            plain = np.array(values, dtype=np.float64)
        except OverflowError:
            plain = np.array([np.inf])
        if not np.isinf(plain).any():
            return plain, ()
    column = pd.Series(values)
    try:
        if pd.api.types.is_bool_dtype(column.dtype) or not pd.api.types.is_numeric_dtype(column.dtype):
            raise TypeError
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


def _number(value: Any) -> float | None:
    """A number; NaN for what is missing, None for what is none."""
    if value is None or value is pd.NA:
        return np.nan
    if isinstance(value, (bool, np.bool_)) or (isinstance(value, str) and "_" in value):
        # Python reads 1_000 as a number; no table means that.
        return None
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _read_plain(timestamps: list[Any]) -> Instants | None:
    """Timestamps that are all written alike, as dates or to the minute or second, in UTC or without a zone; else None.

    That is most of what is sent, and many times faster to read than what may be anything.
    """
    if not timestamps or set(map(type, timestamps)) != {str} or len(set(map(len, timestamps))) != 1:
        return None
    length = len(timestamps[0].removesuffix("Z"))
    template = np.frombuffer(_TEMPLATE[:length].encode(), dtype=np.uint8)
    try:
        letters = np.frombuffer("".join(timestamps).encode("ascii"), dtype=np.uint8).reshape(len(timestamps), -1)
    except UnicodeEncodeError:
        return None
    zone = letters[:, length:]
    ours = letters[:, :length]
    are_digits = (ours >= ord("0")) & (ours <= ord("9"))
    if length not in _PLAIN_LENGTHS or (length == 10 and zone.size) or not (zone == ord("Z")).all():
        return None
    if not np.where(template == ord("d"), are_digits, ours == template).all():
        return None
    try:
        return np.ascontiguousarray(ours).view(f"S{length}")[:, 0].astype("datetime64[us]")
    except ValueError:
        return None


def _patterns(column: "pd.Series[Any]") -> Iterator[str]:
    """How timestamps may be written; with dots in dates day first, else month first where that suits all of them."""
    yield "ISO8601"
    first = str(column.iloc[0]) if len(column) else ""
    numeric = _NUMERIC_DATE.match(first)
    if numeric is None:
        guessed = [guess_datetime_format(first)]
    else:
        mark = numeric["mark"]
        month_first = guess_datetime_format(f"01{mark}02{mark}{first[numeric.end() :]}")
        guessed = [month_first, month_first and _exchanged(month_first)]
        guessed = guessed[::-1] if mark.startswith(".") else guessed
    yield from (one for one in guessed if one)


def _exchanged(pattern: str) -> str:
    """The pattern with day and month in each other's place."""
    return re.sub("%[dm]", lambda one: "%m" if one.group() == "%d" else "%d", pattern)


def _could_be_day_first(column: "pd.Series[Any]", pattern: str) -> bool:
    """Whether what was read month first could be day first throughout, and would be something else."""
    if not re.match("%m[/-]", pattern):
        return False
    texts = column[~column.isna()]
    exchanged = pd.to_datetime(texts, format=_exchanged(pattern), errors="coerce")
    return bool(exchanged.notna().all() and (exchanged != pd.to_datetime(texts, format=pattern)).any())


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
    instants = (index if index.tz is None else index.tz_convert("UTC").tz_localize(None)).to_numpy()
    faults: list[Fault] = []
    unread = np.flatnonzero(index.isna())
    if len(unread):
        faults.append(Fault(TimestampInvalid(item_id, int(unread[0]), _shown(column.iloc[unread[0]])), unread))
    faults += mixed
    instants, outside = _within_calendar(item_id, instants)
    return Times(instants, time_zone, offsets, (*faults, *outside))


def _within_calendar(item_id: str, instants: Instants) -> tuple[Instants, tuple[Fault, ...]]:
    """Instants of any unit, with not-a-time for those outside the years that calendars and ISO 8601 can express."""
    # Seconds reach further than microseconds, and are compared as they are; nanoseconds do not reach these years.
    if np.datetime_data(instants.dtype)[0] == "ns":
        instants = instants.astype("datetime64[us]")
    first, last = FIRST_INSTANT.astype(instants.dtype), LAST_INSTANT.astype(instants.dtype)
    outside = (instants < first) | (instants > last)
    if not outside.any():
        return instants.astype("datetime64[us]"), ()
    positions = np.flatnonzero(outside)
    found = f"{instants[positions[0]]}, outside the years 1000 to 9000,"
    kept = np.where(outside, np.datetime64("NaT"), instants).astype("datetime64[us]")
    return kept, (Fault(TimestampInvalid(item_id, int(positions[0]), found), positions),)


def _shown(value: Any) -> str:
    """A raw value as an error quotes it."""
    if value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return "nothing"
    return repr(value.item() if isinstance(value, np.generic) else value)[:80]

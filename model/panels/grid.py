"""Regular grids of timestamps, fixed or of the calendar, and the position of any timestamp on them."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from model.errors import FrequencyInvalid, FrequencyUnknown
from model.panels.counting import COUNTED, is_count, to_numbers

Instants = NDArray[Any]
"""Points in time, UTC, in microseconds (`datetime64[us]`)."""

_MICROSECONDS_PER_DAY = 86_400_000_000
_DAYS_PER_YEAR = 365.25
LONGEST_SEASON = 100_000
"""In steps."""

_SOME_DAY = pd.Timestamp("2000-01-03")
_SHORTEST_STEP, _LONGEST_STEP = pd.Timedelta(1, unit="us"), pd.Timedelta(3700, unit="D")
_OFFSETS = (
    pd.offsets.Day,
    pd.offsets.BusinessDay,
    pd.offsets.Week,
    pd.offsets.MonthBegin,
    pd.offsets.MonthEnd,
    pd.offsets.BusinessMonthBegin,
    pd.offsets.BusinessMonthEnd,
    pd.offsets.QuarterBegin,
    pd.offsets.QuarterEnd,
    pd.offsets.BQuarterBegin,
    pd.offsets.BQuarterEnd,
    pd.offsets.YearBegin,
    pd.offsets.YearEnd,
    pd.offsets.BYearBegin,
    pd.offsets.BYearEnd,
)
_ROUND_SECONDS = (1, 5, 10, 15, 30, 60, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200)
_PERIODS_PER_YEAR = {"W": 52, "M": 12, "Q": 4}
_FIRST_QUARTER, _LAST_QUARTER = ("JAN", "FEB", "MAR"), ("OCT", "NOV", "DEC")
_CALENDAR_GAPS_DAYS = (("M", 28, 31), ("Q", 89, 92), ("Y", 365, 366))


def parse_frequency(freq: str, *, item_id: str | None = None) -> pd.offsets.BaseOffset:
    """The pandas offset that an alias such as `15min`, `h`, `D`, `W-MON` or `MS` names, or a count such as `1`.

    Raises:
        FrequencyInvalid: The alias is unknown, or its step is not between a microsecond and ten years.
    """
    try:
        return _parse(freq)
    except (ValueError, TypeError, OverflowError, pd.errors.OutOfBoundsDatetime) as error:
        raise FrequencyInvalid(freq, item_id=item_id) from error


@lru_cache(maxsize=256)
def _parse(freq: str) -> pd.offsets.BaseOffset:
    offset = pd.offsets.Milli(int(freq)) if is_count(freq) else pd.tseries.frequencies.to_offset(freq)
    step = _SOME_DAY + offset - _SOME_DAY
    known = isinstance(offset, pd.offsets.Tick) or type(offset) in _OFFSETS
    if not known or not _SHORTEST_STEP <= step <= _LONGEST_STEP:
        raise ValueError(freq)
    return offset


def frequency_name(freq: str, *, item_id: str | None = None) -> str:
    """A frequency as it is written everywhere, whichever way it was.

    Raises:
        FrequencyInvalid: It is none.
    """
    offset = parse_frequency(freq, item_id=item_id)
    return str(int(freq)) if is_count(freq) else str(offset.freqstr)


def season_length(freq: str) -> int:
    """How many steps of a grid make its usual season: a day below a day, a week of days, a year of longer steps.

    Of steps so short that a day has more than `LONGEST_SEASON` of them nobody looks a day back: they have none, 1. Nor
    have steps that are only counted.
    """
    if is_count(freq):
        return 1
    offset = parse_frequency(freq)
    step = _fixed_step_microseconds(offset)
    if step is not None:
        return _within_reach(max(1, _MICROSECONDS_PER_DAY // step))
    letter = offset.rule_code[0] if not isinstance(offset, pd.offsets.BusinessDay) else "B"
    by_letter = {"D": 7, "B": 5, **_PERIODS_PER_YEAR}
    return max(1, by_letter.get(letter, 1) // offset.n)


def _within_reach(season: int) -> int:
    return season if season <= LONGEST_SEASON else 1


def week_length(freq: str) -> int | None:
    """How many steps make a week, the second season of what is observed within the day; None for longer steps."""
    season = season_length(freq)
    return 7 * season if _fixed_step_microseconds(parse_frequency(freq)) is not None and season > 1 else None


def year_length(freq: str) -> int | None:
    """About how many steps make a year; None for steps of a year or longer, and for those that are only counted."""
    if is_count(freq):
        return None
    offset = parse_frequency(freq)
    first = _SOME_DAY + offset
    steps = round(60 * _DAYS_PER_YEAR * pd.Timedelta(1, unit="D") / (first + 60 * offset - first))
    return steps if steps > 1 else None


def infer_frequency(timestamps: Instants, time_zone: str | None, *, item_id: str) -> str:
    """The frequency that most gaps agree on; for scattered timestamps, the round step nearest their median gap.

    Raises:
        FrequencyUnknown: There are fewer than two timestamps.
    """
    if len(timestamps) < 2:
        raise FrequencyUnknown(item_id)
    gaps = np.diff(timestamps).astype(np.int64)
    if time_zone == COUNTED:
        return str(_counted_step(np.diff(to_numbers(timestamps))))
    local = localize(timestamps, time_zone)
    values, counts = np.unique(gaps, return_counts=True)
    typical = int(values[np.argmax(counts)])
    calendar = _calendar_frequency(local, float(np.median(gaps)) / _MICROSECONDS_PER_DAY)
    if calendar is not None:
        return calendar
    if counts.max() * 2 < len(gaps):
        typical = _round_step(float(np.median(gaps)))
    days = round(typical / _MICROSECONDS_PER_DAY)
    # Beyond a year hours do not matter, and nanoseconds, in which pandas keeps shorter steps, run out after centuries.
    if typical == days * _MICROSECONDS_PER_DAY or days > 366:
        return _day_frequency(local, min(days, _LONGEST_STEP.days))
    return str(pd.tseries.frequencies.to_offset(pd.Timedelta(typical, unit="us")).freqstr)


def _counted_step(gaps: NDArray[Any]) -> int:
    """The whole number that most gaps are, else the one nearest to their median."""
    values, counts = np.unique(gaps, return_counts=True)
    typical = values[np.argmax(counts)] if counts.max() * 2 >= len(gaps) else np.median(gaps)
    return max(1, round(float(typical)))


def local_axis(timestamps: Instants, time_zone: str | None) -> "pd.Index[Any]":
    """UTC instants as their users have them: wall-clock times of a zone, or whole numbers."""
    return pd.Index(to_numbers(timestamps)) if time_zone == COUNTED else localize(timestamps, time_zone)


def localize(timestamps: Instants, time_zone: str | None) -> pd.DatetimeIndex:
    """UTC instants as wall-clock times of a zone; naive where there is no zone."""
    index = pd.DatetimeIndex(timestamps)
    return index if time_zone is None else index.tz_localize("UTC").tz_convert(time_zone)


@dataclass(frozen=True)
class Grid:
    """The points `origin + n · step` for every integer n, in one time zone.

    Attributes:
        anchor: The instant that position 0 is at, or rolled back from if it does not lie on a calendar offset.
        freq: A pandas offset alias.
        time_zone: The zone whose calendar days, weeks and months count; None for naive ones, `COUNTED` for numbers.
    """

    anchor: np.datetime64
    freq: str
    time_zone: str | None

    def timestamps(self, first: int, last: int) -> Instants:
        """The instants of positions `first` to `last`, both included."""
        if self._step is not None:
            return self.anchor + np.arange(first, last + 1) * np.timedelta64(self._step, "us")
        return self._to_instants(self._wall_clock(first, last))

    def positions(self, timestamps: Instants) -> NDArray[np.float64]:
        """Where timestamps lie, in steps from position 0; between two grid points linear in time."""
        if self._step is not None:
            return (timestamps - self.anchor).astype(np.int64) / self._step
        if len(timestamps) == 0:
            return np.empty(0)
        first, last = self._cover(timestamps.min()), self._cover(timestamps.max())
        table = self.timestamps(first - 2, last + 2).astype(np.int64)
        return np.interp(timestamps.astype(np.int64), table, np.arange(first - 2, last + 3))

    def steps_until(self, instant: np.datetime64) -> float:
        """About how many steps an instant is away, by the mean length of a step; quick however far it is."""
        if self._step is not None:
            return float((instant - self.anchor).astype(np.int64) / self._step)
        some = self.timestamps(0, 60).astype(np.int64)
        return float((instant - self.anchor).astype(np.int64) / ((some[-1] - some[0]) / 60))

    @cached_property
    def _offset(self) -> Any:
        return parse_frequency(self.freq)

    @cached_property
    def _step(self) -> int | None:
        return _fixed_step_microseconds(self._offset)

    @cached_property
    def _origin(self) -> pd.Timestamp:
        wall_clock = localize(np.array([self.anchor]), self.time_zone).tz_localize(None)[0]
        return pd.Timestamp(self._offset.rollback(wall_clock))

    def _wall_clock(self, first: int, last: int) -> pd.DatetimeIndex:
        days = _days(self._offset)
        if days is not None:
            # pandas would add one step after the other, a million times where many long series are put on grids.
            steps = np.arange(first, last + 1) * np.timedelta64(days * _MICROSECONDS_PER_DAY, "us")
            return pd.DatetimeIndex(self._origin.as_unit("us").to_datetime64() + steps)
        before = pd.date_range(end=self._origin, periods=1 - min(first, 0), freq=self._offset)
        after = pd.date_range(start=self._origin, periods=max(last, 0) + 1, freq=self._offset)
        table = pd.DatetimeIndex(before.append(after[1:])).as_unit("us")
        return table[first - min(first, 0) : last - min(first, 0) + 1]

    def _to_instants(self, wall_clock: pd.DatetimeIndex) -> Instants:
        if self.time_zone is None:
            return wall_clock.to_numpy()
        ambiguous = np.ones(len(wall_clock), dtype=bool)
        aware = wall_clock.tz_localize(self.time_zone, ambiguous=ambiguous, nonexistent="shift_forward")
        return aware.tz_convert("UTC").tz_localize(None).to_numpy()

    def _cover(self, instant: np.datetime64) -> int:
        """A position within a step or two of an instant of the calendar."""
        guess = int(np.floor(self.steps_until(instant)))
        while self.timestamps(guess, guess)[0] > instant:
            guess -= 1
        while self.timestamps(guess + 1, guess + 1)[0] <= instant:
            guess += 1
        return guess


@lru_cache(maxsize=1024)
def shared_grid(anchor: np.datetime64, freq: str, time_zone: str | None) -> Grid:
    """A grid: the same one, with all that was found out about it, for the many series that end together."""
    return Grid(anchor, freq, time_zone)


@lru_cache(maxsize=16)
def shared_timestamps(grid: Grid, first: int, last: int) -> Instants:
    """Its instants of positions `first` to `last`, held once for all series on it; not to be written to."""
    timestamps = grid.timestamps(first, last).astype("datetime64[us]")
    timestamps.flags.writeable = False
    return timestamps


def _fixed_step_microseconds(offset: Any) -> int | None:
    """The length of one step where every step has the same, else None (days follow the calendar of their zone)."""
    return int(offset.nanos // 1000) if isinstance(offset, pd.offsets.Tick) else None


def _days(offset: Any) -> int | None:
    """How many days of the calendar one step has where every step has as many, else None."""
    if isinstance(offset, pd.offsets.Week):
        return 7 * int(offset.n)
    return int(offset.n) if isinstance(offset, pd.offsets.Day) else None


def _calendar_frequency(local: pd.DatetimeIndex, median_gap_days: float) -> str | None:
    for letter, shortest, longest in _CALENDAR_GAPS_DAYS:
        if not shortest <= median_gap_days <= longest:
            continue
        dates = local.tz_localize(None).normalize()
        if (dates.day == 1).all():
            return _anchored(letter, "S", dates)
        if dates.is_month_end.all():
            return _anchored(letter, "E", dates)
    return None


def _anchored(letter: str, side: str, dates: pd.DatetimeIndex) -> str:
    if letter == "M":
        return f"M{side}"
    months = _FIRST_QUARTER if side == "S" else _LAST_QUARTER
    month = dates.month_name()[-1][:3].upper() if letter == "Y" else months[(dates.month[-1] - 1) % 3]
    return f"{letter}{side}-{month}"


def _day_frequency(local: pd.DatetimeIndex, days: int) -> str:
    if days == 7:
        return f"W-{local.day_name()[-1][:3].upper()}"
    weekdays_only = days == 1 and len(local) > 10 and bool((local.day_of_week < 5).all())
    if weekdays_only:
        return "B"
    return "D" if days == 1 else f"{days}D"


def _round_step(median_gap: float) -> int:
    """The round duration nearest a gap, by ratio, in microseconds."""
    candidates = [seconds * 1_000_000 for seconds in _ROUND_SECONDS]
    candidates += [days * _MICROSECONDS_PER_DAY for days in range(1, 8)]
    if median_gap > candidates[-1] * 1.5:
        return round(median_gap / _MICROSECONDS_PER_DAY) * _MICROSECONDS_PER_DAY
    return min(candidates, key=lambda step: abs(np.log(step / median_gap)))

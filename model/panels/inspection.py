"""The observations of one series, inspected: gaps, clocks, outliers and whatever else may harm a forecast."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from model.errors import ConfigurationInvalid
from model.panels.counting import COUNTED
from model.panels.findings import MAX_PLACES, Finding, found, from_fault, written
from model.panels.grid import Grid, Instants, season_length
from model.panels.reading import Reading

MANY_GAPS: Final = 0.05
"""The share of missing observations from which gaps are a warning."""

MANY_ZEROS: Final = 0.5
OUTLIER_SPREADS: Final = 8.0
"""How many robust standard deviations a seasonal difference of an outlier measures at least."""

_LONG_RUN: Final = 10
"""So many equal gaps in a row, none of one step, are another frequency and no accident."""

_LEAST_SPREAD: Final = 1e-9
"""Of numbers between -1 and 1; below it they differ by rounding alone."""

_OFF_GRID_STEPS: Final = 0.01
_AHEAD_OF_UTC: Final = timedelta(hours=14)
"""A wall clock without a zone may be as far ahead of UTC as any zone is."""


def inspect(reading: Reading, *, time_zone: str | None, now: datetime | None) -> Iterator[Finding]:
    """Everything there is to say about one series.

    Args:
        reading: Its columns.
        time_zone: Where the wall clocks are that timestamps without a zone were read from, if that is known.
        now: The present; timestamps after it are in the future.

    Raises:
        ConfigurationInvalid: There is no such time zone.
    """
    yield from (from_fault(fault, reading.num_rows) for fault in reading.faults)
    yield from _in_rows(reading)
    yield from _in_clocks(reading, time_zone, now)
    if reading.freq is None or len(reading.instants) < 2:
        if len(reading.instants) == 1:
            yield _at(reading, "frequency_unknown", "has a single observation, which tells no frequency",
                      reading.instants)  # fmt: skip
        return
    grid = Grid(np.datetime64(reading.instants[-1]), reading.freq, reading.time_zone)
    positions = grid.positions(reading.instants)
    yield from _in_grid(reading, positions)
    yield from _in_numbers(reading, positions)


def _in_rows(reading: Reading) -> Iterator[Finding]:
    if reading.num_missing:
        detail = f"Series {reading.item_id!r} has {reading.num_missing} rows without an observation."
        yield found("values_missing", detail, item_id=reading.item_id, count=reading.num_missing, of=reading.num_rows)
    descents = np.flatnonzero(np.diff(reading.rows) < np.timedelta64(0)) + 1
    if len(descents):
        yield _at(reading, "timestamps_unsorted", f"goes back in time at {len(descents)} rows", reading.rows[descents])


def _in_clocks(reading: Reading, time_zone: str | None, now: datetime | None) -> Iterator[Finding]:
    if reading.offsets:
        shown = ", ".join(reading.offsets[:MAX_PLACES])
        detail = (
            f"Series {reading.item_id!r} has timestamps at several offsets from UTC ({shown}); "
            "it is kept in UTC, whose days begin at another hour than local ones."
        )
        rows = len(reading.rows)
        yield found("offsets_mixed", detail, item_id=reading.item_id, count=rows, of=rows)
    if reading.day_unsure:
        what = "has dates whose day and month could be exchanged throughout; they were read month first"
        yield _at(reading, "dates_ambiguous", what, reading.instants)
    if now is not None and reading.time_zone != COUNTED:
        latest = now.astimezone(UTC) + (_AHEAD_OF_UTC if reading.time_zone is None else timedelta(0))
        ahead = reading.instants[reading.instants > np.datetime64(latest.replace(tzinfo=None), "us")]
        if len(ahead):
            yield _at(reading, "timestamps_in_future", f"has {len(ahead)} observations in the future", ahead)
    if time_zone is not None:
        yield from _at_clock_changes(reading, time_zone)


def _at_clock_changes(reading: Reading, time_zone: str) -> Iterator[Finding]:
    index = pd.DatetimeIndex(reading.rows if reading.time_zone is None else reading.rows[:0])
    try:
        twice = index.tz_localize(time_zone, ambiguous="NaT", nonexistent="shift_forward").isna()
    except (KeyError, ValueError, OSError) as error:
        needed = "a name of the time-zone database, such as Europe/Berlin"
        raise ConfigurationInvalid("time_zone", time_zone[:80], needed) from error
    never = index.tz_localize(time_zone, ambiguous=np.zeros(len(index), dtype=bool), nonexistent="NaT").isna()
    for code, chosen, what in (
        ("local_times_ambiguous", twice, f"occur twice, as the clocks of {time_zone} go back"),
        ("local_times_nonexistent", never, f"do not exist, as the clocks of {time_zone} skip them"),
    ):
        odd = reading.rows[np.flatnonzero(chosen)]
        if len(odd):
            yield _at(reading, code, f"has {len(odd)} timestamps that {what}", odd)


def _in_grid(reading: Reading, positions: NDArray[np.float64]) -> Iterator[Finding]:
    nearest = np.round(positions)
    off = np.abs(positions - nearest) > _OFF_GRID_STEPS
    if off.any():
        what = f"has {int(off.sum())} observations between the points of its grid of {reading.freq}"
        yield _at(reading, "timestamps_irregular", what, reading.instants[off])
    run = _other_frequency(positions)
    if run is not None:
        what = f"has a frequency of {reading.freq}, but stretches in which observations are {run[0]:g} steps apart"
        yield _at(reading, "frequency_mixed", what, reading.instants[run[1]])
    gaps = np.diff(nearest).astype(np.int64) - 1
    span, missing = int(nearest[-1] - nearest[0]) + 1, int(gaps[gaps > 0].sum())
    if missing:
        what = f"lacks {missing} of {span} observations of its grid of {reading.freq}, at most {gaps.max()} in a row"
        code = "many_gaps" if missing / span > MANY_GAPS else "gaps"
        yield _at(reading, code, what, reading.instants[:-1][gaps > 0], count=missing, of=span)


def _other_frequency(positions: NDArray[np.float64]) -> tuple[float, NDArray[np.intp]] | None:
    """The gap, in steps, of the longest stretch with another frequency, and where all such stretches begin."""
    gaps = np.round(np.diff(positions), 3)
    starts = np.flatnonzero(np.diff(gaps, prepend=np.nan) != 0)
    lengths = np.diff(starts, append=len(gaps))
    others = (lengths >= _LONG_RUN) & (np.abs(gaps[starts] - 1) > _OFF_GRID_STEPS)
    if not others.any():
        return None
    longest = int(np.argmax(np.where(others, lengths, 0)))
    return float(gaps[starts[longest]]), starts[others]


def _in_numbers(reading: Reading, positions: NDArray[np.float64]) -> Iterator[Finding]:
    numbers = reading.numbers
    if numbers.min() == numbers.max():
        yield _at(reading, "constant", f"has the same value {numbers[0]:g} throughout", reading.instants, places=0)
        return
    zeros = numbers == 0
    if zeros.mean() >= MANY_ZEROS:
        what = f"is zero at {int(zeros.sum())} of {len(numbers)} observations"
        yield _at(reading, "mostly_zero", what, reading.instants[zeros], places=0)
    # Differences of the largest numbers there are would overflow, and what is far does not depend on the unit.
    outlying = _outliers(numbers / np.abs(numbers).max(), np.round(positions), season_length(str(reading.freq)))
    if outlying.any():
        what = f"has {int(outlying.sum())} observations far from those one season before and after"
        yield _at(reading, "outliers", what, reading.instants[outlying])


def _outliers(numbers: NDArray[np.float64], positions: NDArray[np.float64], season: int) -> NDArray[np.bool_]:
    """Which observations stick out against both the season before and the season after, in the same direction.

    Numbers lie between -1 and 1. The unit is the median absolute deviation of the seasonal differences; a lasting
    change of level sticks out against one side only.
    """
    found = np.searchsorted(positions, positions - season)
    earlier = np.minimum(found, len(positions) - 1)
    known = positions[earlier] == positions - season
    differences = (numbers - numbers[earlier])[known]
    outlying = np.zeros(len(numbers), dtype=bool)
    spread = _robust_spread(differences) if len(differences) else 0.0
    if spread == 0:
        return outlying
    before, after = np.full(len(numbers), np.nan), np.full(len(numbers), np.nan)
    before[known] = (differences - np.median(differences)) / spread
    after[earlier[known]] = -before[known]
    both = ~np.isnan(before) & ~np.isnan(after)
    weaker = np.where(np.abs(before) < np.abs(after), before, after)
    weaker = np.where(both, np.where(before * after > 0, weaker, 0.0), np.where(np.isnan(before), after, before))
    outlying[np.abs(weaker) > OUTLIER_SPREADS] = True
    # In the first and the last season one side alone speaks, and it may be the other observation that sticks out.
    later = np.arange(len(numbers))[known]
    for one, other in ((later, earlier[known]), (earlier[known], later)):
        outlying[one[~both[one] & both[other] & outlying[other]]] = False
    return outlying


def _robust_spread(values: NDArray[np.float64]) -> float:
    """The standard deviation that a normal distribution of this median absolute deviation has.

    Iglewicz and Hoaglin, "How to detect and handle outliers", 1993; where more than half of the values agree, the mean
    absolute deviation takes its place. The same by the deviation that a fifth of the values exceed, where that is more:
    what a fifth of them do, as at weekends, is no outlier.
    """
    deviations = np.abs(values - np.median(values))
    spread = float(1.4826 * np.median(deviations) or 1.2533 * deviations.mean())
    spread = max(spread, float(np.quantile(deviations, 0.8)) / 1.2816)
    return max(spread, _LEAST_SPREAD) if spread else 0.0


def _at(
    reading: Reading,
    code: str,
    what: str,
    instants: Instants,
    *,
    count: int | None = None,
    of: int | None = None,
    places: int = MAX_PLACES,
) -> Finding:
    return found(
        code,
        f"Series {reading.item_id!r} {what}.",
        item_id=reading.item_id,
        count=len(instants) if count is None else count,
        of=of or len(reading.rows),
        timestamps=written(instants[:places], reading.time_zone),
    )

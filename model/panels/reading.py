"""The raw columns of one series, read: observations at their instants, and everything that is wrong with them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from model.errors import (
    AxesMixed,
    DuplicateTimestamps,
    FrequencyInvalid,
    LengthMismatch,
    SeriesTooShort,
    TimestampInvalid,
)
from model.panels.axes import AxisReader
from model.panels.columns import LAST_INSTANT, Column, Fault, Times, read_numbers
from model.panels.counting import COUNTED, is_count
from model.panels.covariates import NO_COVARIATES, Covariates, RawCovariates, read_covariates
from model.panels.grid import Grid, Instants, frequency_name, local_axis

Aggregation = Literal["error", "mean", "sum", "first", "last"]
"""What to do with several observations at one timestamp."""

_NO_FAULTS: tuple[Fault, ...] = ()


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
        time_zone: The zone of the timestamps; `COUNTED` where they are whole numbers.
        offsets: The offsets from UTC that occur, where they differ and no zone is named; else none.
        faults: Everything that makes it no series, the first one first.
        covariates: What is known beside the observations.
        day_unsure: Whether day and month could be exchanged in every timestamp; they were read month first.
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
    covariates: Covariates = NO_COVARIATES
    day_unsure: bool = False


def read_columns(
    item_id: str,
    timestamps: Column,
    values: Column,
    *,
    freq: str | None,
    duplicates: Aggregation,
    covariates: RawCovariates | None = None,
    axes: AxisReader | None = None,
) -> Reading:
    """Reads the columns of one series; what cannot be read is left out, and told as a fault.

    Args:
        item_id: Its name.
        timestamps: ISO 8601 strings, datetimes, or a pandas datetime column.
        values: Numbers; None and NaN are missing.
        freq: A pandas offset alias; read from the timestamps if None.
        duplicates: How to aggregate the observations of one timestamp; `error` makes them a fault and keeps the first.
        covariates: What is known beside the observations, a value a row, also in rows without an observation.
        axes: Reads the timestamps; given where several series are read that may share theirs.
    """
    axes = axes or AxisReader()
    num_rows = min(len(timestamps), len(values))
    faults = [] if len(timestamps) == len(values) else [Fault(LengthMismatch(item_id, len(timestamps), len(values)))]
    step, wrong_step = _read_frequency(item_id, freq)
    numbers, wrong_numbers = read_numbers(item_id, values[:num_rows])
    axis = axes.read(item_id, timestamps[:num_rows], counted=is_count(step))
    times = axis.times
    step, wrong_kind = _of_one_kind(item_id, step, times)
    faults += [*wrong_step, *wrong_numbers, *times.faults, *wrong_kind]
    known, wrong_covariates = _read_beside(item_id, times.instants, covariates)
    faults += wrong_covariates
    observed = ~np.isnan(numbers) & ~np.isnat(times.instants)
    rows, numbers = (times.instants, numbers) if observed.all() else (times.instants[observed], numbers[observed])
    instants, repeated = rows, _NO_FAULTS
    if not axis.is_ascending:
        instants, numbers, repeated = _one_per_timestamp(item_id, rows, numbers, duplicates, times.time_zone)
    faults += [Fault(one.error, np.flatnonzero(observed)[one.positions]) for one in repeated]
    if not faults and len(numbers) == 0:
        faults = [Fault(SeriesTooShort(item_id, 0, 1, "a series"))]
    if step is None and len(numbers) > 1:
        step = axes.frequency(instants, times.time_zone, item_id=item_id)
    num_missing = num_rows - int(observed.sum()) - sum(len(one.positions) for one in (*wrong_numbers, *times.faults))
    return Reading(
        item_id, num_rows, max(0, num_missing), rows, instants, numbers, step, times.time_zone, times.offsets,
        tuple(faults), known, times.day_unsure,
    )  # fmt: skip


def _read_beside(
    item_id: str, instants: Instants, covariates: RawCovariates | None
) -> tuple[Covariates, tuple[Fault, ...]]:
    return (NO_COVARIATES, ()) if covariates is None else read_covariates(item_id, instants, covariates)


def read_grid(
    item_id: str,
    start: Any,
    freq: str,
    values: Sequence[Any] | NDArray[Any],
    *,
    covariates: RawCovariates | None = None,
    axes: AxisReader | None = None,
) -> Reading:
    """Reads values that stand one step apart from `start` on; missing ones are None or NaN."""
    axes = axes or AxisReader()
    step, wrong_step = _read_frequency(item_id, freq)
    first = axes.read(item_id, [start], counted=is_count(step)).times
    numbers, wrong_numbers = read_numbers(item_id, values)
    instants = np.empty(0, dtype="datetime64[us]")
    step, wrong_kind = _of_one_kind(item_id, step, first)
    faults = [*wrong_step, *first.faults, *wrong_kind, *wrong_numbers]
    if step is not None and not first.faults:
        instants, too_late = _grid_instants(item_id, axes, Grid(first.instants[0], step, first.time_zone), len(numbers))
        faults += too_late
    observed = ~np.isnan(numbers[: len(instants)])
    known = NO_COVARIATES
    if not faults:
        known, wrong_covariates = _read_beside(item_id, instants, covariates)
        faults += wrong_covariates
    if not faults and not observed.any():
        faults = [Fault(SeriesTooShort(item_id, 0, 1, "a series"))]
    rows, num_wrong = instants[observed], sum(len(one.positions) for one in wrong_numbers)
    return Reading(
        item_id, len(numbers), int(np.isnan(numbers).sum()) - num_wrong, rows, rows, numbers[: len(instants)][observed],
        step, first.time_zone, (), tuple(faults), known,
    )  # fmt: skip


def _grid_instants(item_id: str, axes: AxisReader, grid: Grid, num_rows: int) -> tuple[Instants, list[Fault]]:
    if grid.steps_until(LAST_INSTANT) < num_rows:
        error = TimestampInvalid(item_id, num_rows - 1, "a date past the year 9000")
        return np.empty(0, dtype="datetime64[us]"), [Fault(error)]
    return axes.on_grid(grid, num_rows), []


def _read_frequency(item_id: str, freq: str | None) -> tuple[str | None, tuple[Fault, ...]]:
    if freq is None:
        return None, ()
    try:
        return frequency_name(freq, item_id=item_id), ()
    except FrequencyInvalid as error:
        return None, (Fault(error),)


def _named(instant: np.datetime64, zone: str | None) -> Any:
    """An instant in an error: a date in UTC, or a whole number."""
    return local_axis(np.array([instant]), zone if zone == COUNTED else None)[0]


def _of_one_kind(item_id: str, step: str | None, times: Times) -> tuple[str | None, tuple[Fault, ...]]:
    """The frequency, unless it is one of dates and timestamps are numbers, or the other way round."""
    if step is None or times.faults or is_count(step) == (times.time_zone == COUNTED):
        return step, ()
    found = f"Series {item_id!r} has timestamps that are {'whole numbers' if times.time_zone == COUNTED else 'dates'}"
    return None, (Fault(AxesMixed(found, f"its frequency is {step!r}", item_id=item_id)),)


def _one_per_timestamp(
    item_id: str, instants: Instants, numbers: NDArray[np.float64], duplicates: Aggregation, zone: str | None
) -> tuple[Instants, NDArray[np.float64], tuple[Fault, ...]]:
    order = np.argsort(instants, kind="stable")
    instants, numbers = instants[order], numbers[order]
    again = np.zeros(len(instants), dtype=bool)
    again[1:] = instants[1:] == instants[:-1]
    if not again.any():
        return instants, numbers, ()
    if duplicates == "error":
        error = DuplicateTimestamps(item_id, str(_named(instants[again][0], zone)), int(again.sum()))
        return instants[~again], numbers[~again], (Fault(error, np.sort(order[again])),)
    aggregated = pd.Series(numbers).groupby(instants).agg(duplicates)
    return aggregated.index.to_numpy().astype("datetime64[us]"), aggregated.to_numpy(dtype=np.float64), ()

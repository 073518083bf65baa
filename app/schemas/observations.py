"""What a dataset holds, answered in JSON: its series, and the observations of one."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from app.time_axes import Axis, format_timestamps, zone_name
from model import Series

MAX_PREVIEW: Final = 400
"""The most values in a preview of one series."""


@dataclass(frozen=True)
class SeriesSummary:
    """One series of a dataset, without its observations; `preview` has as many values as were asked for, at most."""

    item_id: str
    freq: str | None
    time_zone: str | None
    num_observations: int
    first: str | float
    last: str | float
    preview: list[float]


@dataclass(frozen=True)
class SeriesPage:
    """The series of a dataset, in its order."""

    data: list[SeriesSummary]
    num_series: int
    next_cursor: str | None


@dataclass(frozen=True)
class ObservationsBody:
    """The observations of one series, in the form in which requests take one."""

    item_id: str
    freq: str | None
    timestamps: Axis
    target: list[float | None]
    past_covariates: dict[str, list[float | None]] = field(default_factory=dict)
    future_covariates: dict[str, list[float | None]] = field(default_factory=dict)
    static_covariates: dict[str, str | float] = field(default_factory=dict)


def from_series(series: Sequence[Series], *, start: int, limit: int, num_preview: int) -> SeriesPage:
    """A part of the series as JSON has it.

    Args:
        series: All of them.
        start: Where the part begins.
        limit: How many it has at most.
        num_preview: How many values of each series are to be shown.
    """
    stop = start + limit
    data = [_summary(one, num_preview) for one in series[start:stop]]
    return SeriesPage(data, len(series), str(stop) if stop < len(series) else None)


def from_observations(series: Series) -> ObservationsBody:
    """The observations of a series as JSON has them, with its covariates."""
    beside = series.covariates
    axis = np.union1d(series.timestamps, beside.timestamps) if len(beside.timestamps) else series.timestamps
    signals = {**beside.past, **beside.future}
    return ObservationsBody(
        series.item_id,
        series.freq,
        format_timestamps(replace(series, timestamps=axis)),
        _at(axis, series.timestamps, series.values),
        {name: _at(axis, beside.timestamps, values) for name, values in signals.items()},
        {name: [] for name in beside.future},
        dict(beside.static),
    )


def _at(axis: NDArray[Any], timestamps: NDArray[Any], values: NDArray[np.float64]) -> list[float | None]:
    """Values at the timestamps of an axis, null where there is none."""
    whole = np.full(len(axis), np.nan)
    whole[np.searchsorted(axis, timestamps)] = values
    return [None if np.isnan(one) else one for one in whole.tolist()]


def _summary(series: Series, num_preview: int) -> SeriesSummary:
    ends = [0, -1]
    first, last = format_timestamps(replace(series, timestamps=series.timestamps[ends], values=series.values[ends]))
    zone, preview = zone_name(series.time_zone), _preview(series.values, num_preview)
    return SeriesSummary(series.item_id, series.freq, zone, len(series), first, last, preview)


def _preview(values: NDArray[np.float64], num_preview: int) -> list[float]:
    """Values in their order, few enough to be drawn small: of each stretch its least and its greatest."""
    if len(values) <= num_preview:
        return [float(value) for value in values]
    stretches = np.array_split(values, max(1, num_preview // 2)) if num_preview else []
    return [float(edge) for one in stretches for edge in (one.min(), one.max())][:num_preview]

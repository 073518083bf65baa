"""Forecasts that were kept, shown again in JSON."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pydantic import TypeAdapter

from app.schemas.answers import (
    AnyForecastBody,
    CalibrationBody,
    FailedBody,
    Numbers,
    Timings,
    Usage,
    VersionUsed,
)
from app.stores.database import Page
from app.stores.kept_forecasts import KeptForecast
from app.time_axes import Axis, TimeAxes
from model import ItemForecast, Series

_FEWEST, _MOST = 48, 1000
"""Observations that are kept of what came before a forecast: twice as many as its steps, within these."""


@dataclass(frozen=True)
class HistoryBody:
    """The last observations before a forecast, and the dataset they are from."""

    item_id: str
    dataset: str | None
    timestamps: Axis
    target: Numbers


@dataclass(frozen=True)
class KeptForecastBody:
    """A forecast as it was answered, with the end of what it was made from."""

    id: str
    created_at: datetime
    model: VersionUsed
    forecasts: list[AnyForecastBody | FailedBody]
    history: list[HistoryBody]
    calibration: CalibrationBody
    usage: Usage
    timings_ms: Timings


@dataclass(frozen=True)
class KeptForecastSummary:
    """A forecast that is kept, without its numbers."""

    id: str
    created_at: datetime
    model: str
    version: int
    item_id: str | None
    num_series: int


@dataclass(frozen=True)
class KeptForecastPage:
    """Forecasts that are kept, newest first."""

    data: list[KeptForecastSummary]
    next_cursor: str | None


_ADAPTER: Final = TypeAdapter(KeptForecastBody)


def read_kept(content: bytes) -> KeptForecastBody:
    """The forecast that was kept."""
    return _ADAPTER.validate_json(content)


def end_of(series: Series, forecast: ItemForecast) -> Series:
    """The end of a series, as long as goes well with its forecast; it does not hold on to the rest."""
    first = -min(max(2 * len(forecast.mean), _FEWEST), _MOST)
    return Series(
        series.item_id, series.timestamps[first:].copy(), series.values[first:].copy(), series.freq, series.time_zone
    )


def from_ends(ends: Sequence[Series], sources: Mapping[str, str]) -> Iterator[HistoryBody]:
    """What came before forecasts, as JSON has it."""
    axes = TimeAxes()
    for one in ends:
        yield HistoryBody(one.item_id, sources.get(one.item_id), axes.written(one), one.values)


def from_kept(page: Page[KeptForecast]) -> KeptForecastPage:
    """A part of the list as JSON has it."""
    shown = (
        KeptForecastSummary(one.id, one.made_at, one.name, one.number, one.first_item, one.num_series)
        for one in page.items
    )
    return KeptForecastPage(list(shown), page.next_cursor)

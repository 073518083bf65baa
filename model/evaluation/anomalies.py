"""Anomalies: observations outside the calibrated interval of a forecast that was made before them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from model.contexts.inputs import require_ahead
from model.contexts.system import System
from model.errors import FrequencyUnknown, HorizonOutOfRange, QuantileLevelOutOfRange, SeriesTooShort
from model.forecasting.asking import MIN_OBSERVATIONS, Asked
from model.forecasting.forecaster import Forecaster
from model.forecasting.horizon import Steps
from model.panels.grid import Instants, local_axis
from model.panels.series import ItemForecast, Moment, Notice, Panel, Series

MAX_SCORE = 1e6
"""Scores end here: an interval without width puts whatever is outside infinitely far away."""


@dataclass(frozen=True)
class Search:
    """Which observations are judged, and by which forecasts.

    Attributes:
        level: Of the interval, in percent.
        last: How many of each series' last observations are judged; the trained horizon if neither this nor `since` is.
        since: The first timestamp that is judged.
        lead: Steps that one forecast is used for: 1 forecasts each observation from all before it.
    """

    level: float = 99.0
    last: int | None = None
    since: Moment | None = None
    lead: int = 1


@dataclass(frozen=True, eq=False)
class ItemAnomalies:
    """The observations of one series that were judged.

    Attributes:
        item_id: The series.
        timestamps: When they were observed; UTC, or wall clock where `time_zone` is None; shape (n,).
        values: The observations; shape (n,).
        expected: The median of the forecast; shape (n,).
        lower: The lower end of the interval; shape (n,).
        upper: The upper end of the interval; shape (n,).
        scores: The distance from the median, in units of the interval's half on that side; shape (n,).
        is_anomaly: Whether the observation lies outside the interval: its score is above 1; shape (n,).
        time_zone: The zone of the series.
        notices: What the reader should know.
    """

    item_id: str
    timestamps: Instants
    values: NDArray[np.float64]
    expected: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    scores: NDArray[np.float64]
    is_anomaly: NDArray[np.bool_]
    time_zone: str | None
    notices: tuple[Notice, ...] = ()

    def local_timestamps(self) -> "pd.Index[Any]":
        """The timestamps in the zone of the series."""
        return local_axis(self.timestamps, self.time_zone)


@dataclass(frozen=True, eq=False)
class _Block:
    """Observations that one forecast is compared with.

    Attributes:
        series: Where the series stands in the panel.
        history: What is known before them, as far as a forecast looks back.
        cutoff: The last instant that is known.
        judged: Which observations of the series.
        num_steps: How far ahead the last of them is.
    """

    series: int
    history: Series
    cutoff: np.datetime64
    judged: slice
    num_steps: int


def count_cutoffs(forecaster: Forecaster, series: Series, search: Search, *, at_most: int | None = None) -> int:
    """How many forecasts one look at a series takes; raises what `find_anomalies` would raise for it.

    Args:
        forecaster: The version.
        series: The series.
        search: What is judged, and how.
        at_most: Where to stop counting, one beyond it.
    """
    blocks = _blocks(forecaster, 0, series, search, np.ones(len(series), dtype=bool))
    return sum(1 for _ in islice(blocks, None if at_most is None else at_most + 1))


def find_anomalies(forecaster: Forecaster, panel: Panel, search: Search = Search()) -> tuple[ItemAnomalies, ...]:
    """Compares observations with forecasts made before them; each forecast sees all that lies before its block.

    All but anomalies: what a first look finds outside is left out of the histories of a second, whose verdict counts,
    so that an anomaly does not spoil what is expected after it. An observation after a gap longer than the calibrated
    leads is not judged, since no interval is calibrated for it.

    Args:
        forecaster: The version.
        panel: Histories together with what is judged.
        search: What is judged, and how.

    Raises:
        QuantileLevelOutOfRange: The level is not between 0 and 100.
        HorizonOutOfRange: The lead is below one step or beyond the calibrated ones, or nothing is to be judged.
        SeriesTooShort: Nothing of a series is left to judge: two observations have to lie before it.
        FrequencyUnknown: A series has no frequency.
        CovariateMissing: A series lacks a covariate that the version uses.
        ChannelMissing, ChannelUnknown: The series are not the channels of the system that the version forecasts.
    """
    tail = _tail(search.level)
    levels = (tail, 0.5, round(1 - tail, 10))
    known = [np.ones(len(one), dtype=bool) for one in panel]
    look = _Look(forecaster, panel, known, search, levels)
    looked = look.judge(range(len(panel)))
    spoilt = [number for number, (found, _) in looked.items() if found.is_anomaly.any()]
    for number in spoilt:
        found, rows = looked[number]
        known[number][rows[found.is_anomaly]] = False
    # What one channel of a system did is in the forecasts of all.
    looked |= look.judge(range(len(panel)) if spoilt and forecaster.config.channels else spoilt)
    return tuple(found for found, _ in looked.values())


@dataclass(frozen=True, eq=False)
class _Look:
    """Judges series of a panel from histories without what is not to be known."""

    forecaster: Forecaster
    panel: Panel
    known: Sequence[NDArray[np.bool_]]
    search: Search
    levels: tuple[float, ...]

    def judge(self, numbers: Iterable[int]) -> dict[int, tuple[ItemAnomalies, NDArray[np.intp]]]:
        """The verdicts on some series by their numbers, with the rows of each that were judged."""
        blocks: dict[int, list[_Block]] = {
            number: list(_blocks(self.forecaster, number, self.panel.series[number], self.search, self.known[number]))
            for number in numbers
        }
        systems = self._systems({block.cutoff for some in blocks.values() for block in some})
        asked = [self._ask(block, systems.get(block.cutoff)) for some in blocks.values() for block in some]
        forecasts = iter(self.forecaster.answer(asked))
        return {
            number: _judge(self.panel.series[number], [(block, next(forecasts)) for block in some], self.levels)
            for number, some in blocks.items()
        }

    def _ask(self, block: _Block, system: System | None) -> Asked:
        series, num_steps = self.panel.series[block.series], block.num_steps
        if system is not None:
            last = series.timestamps[block.judged.stop - 1 : block.judged.stop]
            num_steps = max(1, int(np.ceil(system.grid(series).positions(last)[0] - 1e-6)))
        return self.forecaster.ask(block.history, Steps(num_steps), self.levels, system=system)

    def _systems(self, cutoffs: Iterable[np.datetime64]) -> dict[np.datetime64, System]:
        """What is known of the system at each cutoff; nothing where each series is forecast by itself."""
        found = {cutoff: self.forecaster.system(self._until(cutoff)) for cutoff in cutoffs}
        return {cutoff: system for cutoff, system in found.items() if system is not None}

    def _until(self, cutoff: np.datetime64) -> Iterator[Series]:
        for one, known in zip(self.panel, self.known, strict=True):
            before = one.timestamps <= cutoff
            rows = before & known if (before & known).any() else before
            if not rows.any():
                raise SeriesTooShort(one.item_id, 0, 1, "judging what its system did before it begins")
            yield replace(one, timestamps=one.timestamps[rows], values=one.values[rows])


def _tail(level: float) -> float:
    if not 0 < level < 100:
        raise QuantileLevelOutOfRange(level / 100)
    return round((100 - level) / 200, 10)


def _blocks(
    forecaster: Forecaster, number: int, series: Series, search: Search, known: NDArray[np.bool_]
) -> Iterator[_Block]:
    """The blocks of a series in order, those after too long a gap left out."""
    longest = max(forecaster.calibration.longest_lead, forecaster.config.horizon)
    if not 1 <= search.lead <= longest:
        raise HorizonOutOfRange(search.lead, longest, item_id=series.item_id)
    if series.freq is None:
        raise FrequencyUnknown(series.item_id)
    forecaster.require_channel(series.item_id)
    require_ahead(series, forecaster.config.covariates, series.grid(series.freq), 0.0)
    first = _first_judged(series, search, forecaster.config.horizon)
    positions = series.grid(series.freq).positions(series.timestamps)
    while first < len(series):
        # What lies further back than a forecast looks does not have to be put on the grid again each time.
        oldest = min(
            int(np.searchsorted(positions, positions[first - 1] - forecaster.memory)), first - MIN_OBSERVATIONS
        )
        after = int(np.searchsorted(positions, positions[first - 1] + search.lead + 1e-6, side="right"))
        judged = slice(first, max(first + 1, after))
        for rows in (oldest + np.flatnonzero(known[oldest:first]), np.arange(oldest, first)):
            if len(rows) < MIN_OBSERVATIONS:
                continue
            num_steps = max(1, int(np.ceil(positions[judged.stop - 1] - positions[rows[-1]] - 1e-6)))
            if num_steps <= longest:
                history = replace(series, timestamps=series.timestamps[rows], values=series.values[rows])
                yield _Block(number, history, series.timestamps[first - 1], judged, num_steps)
                break
        first = judged.stop


def _first_judged(series: Series, search: Search, horizon: int) -> int:
    if search.since is not None:
        first = int(np.searchsorted(series.timestamps, series.instant(search.since)))
    else:
        last = horizon if search.last is None else search.last
        if last < 1:
            raise HorizonOutOfRange(last, len(series), item_id=series.item_id)
        first = max(0, len(series) - last)
    first = max(first, MIN_OBSERVATIONS)
    if first >= len(series):
        purpose = "judging those that are asked for"
        raise SeriesTooShort(series.item_id, len(series), max(first, MIN_OBSERVATIONS) + 1, purpose)
    return first


def _judge(
    series: Series, found: Sequence[tuple[_Block, ItemForecast]], levels: tuple[float, ...]
) -> tuple[ItemAnomalies, NDArray[np.intp]]:
    found = sorted(found, key=lambda one: one[0].judged.start)
    rows = np.concatenate([np.arange(0), *(np.arange(one.judged.start, one.judged.stop) for one, _ in found)]).astype(
        int
    )
    quantiles = [
        np.concatenate([np.empty(0), *(_at(series, block, forecast, level) for block, forecast in found)])
        for level in levels
    ]
    lower, expected, upper = quantiles
    values = series.values[rows]
    judged = ItemAnomalies(
        series.item_id,
        series.timestamps[rows],
        values,
        expected,
        lower,
        upper,
        _scores(values, lower, expected, upper),
        (values < lower) | (values > upper),
        series.time_zone,
        _notices(series, found, len(rows)),
    )
    return judged, rows


def _at(series: Series, block: _Block, forecast: ItemForecast, level: float) -> NDArray[np.float64]:
    """A quantile at the timestamps of a block; between two points of the grid linear in time."""
    known = np.concatenate([block.history.timestamps[-1:], forecast.timestamps]).astype(np.int64)
    path = np.concatenate([block.history.values[-1:], forecast.quantiles[level]])
    return np.asarray(np.interp(series.timestamps[block.judged].astype(np.int64), known, path))


def _scores(
    values: NDArray[np.float64],
    lower: NDArray[np.float64],
    expected: NDArray[np.float64],
    upper: NDArray[np.float64],
) -> NDArray[np.float64]:
    distance = np.abs(values - expected)
    half = np.where(values < expected, expected - lower, upper - expected)
    scores = np.divide(distance, half, out=np.where(distance > 0, MAX_SCORE, 0.0), where=half > 0)
    return np.asarray(np.minimum(scores, MAX_SCORE))


def _notices(series: Series, found: Sequence[tuple[_Block, ItemForecast]], num_judged: int) -> tuple[Notice, ...]:
    # That a channel ends early is no news where anomalies are left out of it.
    told = (notice for _, forecast in reversed(found) for notice in forecast.notices)
    first = {notice.code: notice for notice in told if notice.code != "channel_ends_early"}
    notices = list(first.values())
    judged_from = found[0][0].judged.start if found else len(series)
    left_out = len(series) - judged_from - num_judged if found else len(series)
    if left_out:
        detail = f"{left_out} observations follow a gap longer than the calibrated leads, and are not judged."
        notices.append(Notice("gap_too_long", detail))
    return tuple(notices)

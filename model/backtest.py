"""Rolling-origin evaluation beside the baselines."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from model import metrics
from model.baselines import BASELINES, seasonal_naive
from model.errors import HorizonOutOfRange, SeriesTooShort, TrainingCancelled
from model.forecaster import MAX_STEPS, MIN_OBSERVATIONS, Forecaster
from model.grid import week_length
from model.horizon import At
from model.series import Panel, Series
from model.windows import on_grid

LEVELS = tuple(round(0.1 * number, 1) for number in range(1, 10))


@dataclass(frozen=True)
class Score:
    """How one method did, averaged over series and cutoffs.

    Attributes:
        method: `longshot`, `seasonal_naive`, `drift`, or `weekly_naive` for what is observed within the day.
        mase: Mean absolute error over that of the seasonal naive method within the history.
        smape: Symmetric mean absolute percentage error, 0..200.
        mae: Mean absolute error, in the unit of the series.
        pinball: Mean pinball loss over the levels 0.1 … 0.9, in the unit of the series; None for point methods.
        coverage: Share of truths inside the 80 % interval; None for point methods.
    """

    method: str
    mase: float
    smape: float
    mae: float
    pinball: float | None
    coverage: float | None


@dataclass(frozen=True)
class BacktestReport:
    """Scores of all methods on the same cutoffs.

    Attributes:
        horizon: Steps ahead.
        num_cutoffs: Cutoffs a series, one horizon apart.
        num_forecasts: Series times cutoffs that were scored.
        season_length: Of the seasonal naive method and of MASE.
        scores: One a method; Longshot's first.
        overlaps_training: Whether the version had seen some of what it was asked to forecast.
    """

    horizon: int
    num_cutoffs: int
    num_forecasts: int
    season_length: int
    scores: tuple[Score, ...]
    overlaps_training: bool

    def to_json(self) -> dict[str, Any]:
        """The report as JSON's own types."""
        return {**asdict(self), "scores": [asdict(score) for score in self.scores]}


@dataclass(frozen=True, eq=False)
class _Case:
    """One series cut in two."""

    history: Series
    future: Series


def backtest(
    forecaster: Forecaster,
    panel: Panel,
    *,
    horizon: int,
    num_cutoffs: int = 1,
    should_stop: Callable[[], bool] = lambda: False,
) -> BacktestReport:
    """Forecasts the end of each series from what lies before it, and scores that beside the baselines.

    Every method is scored at the timestamps that were really observed.

    Args:
        forecaster: The version.
        panel: Series with their ends.
        horizon: Steps to forecast from each cutoff.
        num_cutoffs: Cutoffs a series; they lie one horizon apart, the last one a horizon before its end.
        should_stop: Asked before each series.

    Raises:
        HorizonOutOfRange: The horizon is below one step or too long.
        SeriesTooShort: No series is long enough for a single cutoff.
        TrainingCancelled: `should_stop` said so.
    """
    if not 1 <= horizon <= MAX_STEPS or num_cutoffs < 1:
        raise HorizonOutOfRange(min(horizon, num_cutoffs), MAX_STEPS)
    rows: list[dict[str, Score]] = []
    cutoffs: list[np.datetime64] = []
    for case in _cases(panel, forecaster.config.freq, horizon, num_cutoffs):
        if should_stop():
            raise TrainingCancelled(0)
        cutoffs.append(case.history.last)
        rows.append(_scores(forecaster, case))
    if not rows:
        longest = max(panel, key=len)
        needed = horizon + max(MIN_OBSERVATIONS, forecaster.config.season_length + 1)
        raise SeriesTooShort(longest.item_id, len(longest), needed, f"a backtest of {horizon} steps")
    trained_until = pd.Timestamp(forecaster.manifest.trained_until).to_datetime64()
    return BacktestReport(
        horizon=horizon,
        num_cutoffs=num_cutoffs,
        num_forecasts=len(rows),
        season_length=forecaster.config.season_length,
        scores=tuple(_average([row[one] for row in rows]) for one in rows[0] if all(one in row for row in rows)),
        overlaps_training=bool(np.min(cutoffs) < trained_until),
    )


def _cases(panel: Panel, freq: str, horizon: int, num_cutoffs: int) -> Iterator[_Case]:
    for series in panel:
        grid = series.grid(series.freq or freq)
        cutoffs = grid.timestamps(-horizon * num_cutoffs, 0)[::horizon]
        for cutoff, end in pairwise(cutoffs):
            try:
                history, future = series.until(cutoff), series.until(end).after(cutoff)
            except SeriesTooShort:
                continue
            if len(history) > MIN_OBSERVATIONS and np.ptp(history.values) > 0:
                yield _Case(history, future)


def _scores(forecaster: Forecaster, case: _Case) -> dict[str, Score]:
    history, truth = case.history, case.future.values
    season = forecaster.config.season_length
    grid = on_grid(history, history.freq or forecaster.config.freq, season)
    unit = metrics.seasonal_error(grid.values, grid.observed, season)
    forecast = forecaster.forecast(Panel((history,)), At(tuple(case.future.local_timestamps())), LEVELS).items[0]
    scores = {"longshot": _score("longshot", truth, forecast.mean, unit, forecast.quantiles)}
    positions = history.grid(history.freq or forecaster.config.freq).positions(case.future.timestamps)
    for name, method in BASELINES.items():
        scores[name] = _score(name, truth, method(grid.values, positions, season), unit)
    week = week_length(forecaster.config.freq)
    if week is not None and len(grid.values) >= week:
        scores["weekly_naive"] = _score("weekly_naive", truth, seasonal_naive(grid.values, positions, week), unit)
    return scores


def _score(
    method: str,
    truth: NDArray[np.float64],
    point: NDArray[np.float64],
    unit: float,
    quantiles: Mapping[float, NDArray[np.float64]] | None = None,
) -> Score:
    error = metrics.mae(truth, point)
    return Score(
        method,
        mase=error / unit,
        smape=metrics.smape(truth, point),
        mae=error,
        pinball=metrics.pinball(truth, quantiles) if quantiles else None,
        coverage=metrics.coverage(truth, quantiles[0.1], quantiles[0.9]) if quantiles else None,
    )


def _average(scores: list[Score]) -> Score:
    def mean(values: list[float | None]) -> float:
        return float(np.mean([value for value in values if value is not None]))

    probabilistic = scores[0].pinball is not None
    return Score(
        scores[0].method,
        mase=mean([one.mase for one in scores]),
        smape=mean([one.smape for one in scores]),
        mae=mean([one.mae for one in scores]),
        pinball=mean([one.pinball for one in scores]) if probabilistic else None,
        coverage=mean([one.coverage for one in scores]) if probabilistic else None,
    )

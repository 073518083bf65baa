"""Rolling-origin evaluation beside the baselines."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from model.configuration.config import TrainingConfig
from model.contexts.grid_series import on_grid
from model.contexts.system import require_channels
from model.errors import HorizonOutOfRange, SeriesTooShort, TrainingCancelled
from model.evaluation import metrics
from model.evaluation.baselines import BASELINES, seasonal_naive
from model.evaluation.scores import Attempt, LeadScores, Score, Trial, average, by_lead
from model.forecasting.asking import MAX_STEPS, MIN_OBSERVATIONS
from model.forecasting.forecaster import Forecaster
from model.forecasting.horizon import At
from model.panels.grid import Grid, Instants
from model.panels.series import ItemForecast, Panel, Series

LEVELS = tuple(round(0.1 * number, 1) for number in range(1, 10))
_SPARE_STEPS = 100

_CASES_TOGETHER = 32
"""So many are forecast in one pass: most of what a large batch saves, and a cancelled job still ends at once."""


@dataclass(frozen=True)
class Cutoffs:
    """From where a backtest forecasts, and how far.

    Attributes:
        horizon: Steps to forecast from each cutoff.
        count: Cutoffs a series; the last one lies a horizon before its end.
        stride: Steps from one cutoff to the next; a horizon, if left out.
    """

    horizon: int
    count: int = 1
    stride: int | None = None

    @property
    def step(self) -> int:
        """Steps from one cutoff to the next."""
        return self.horizon if self.stride is None else self.stride


@dataclass(frozen=True)
class BacktestReport:
    """Scores of all methods on the same cutoffs.

    Attributes:
        horizon: Steps ahead.
        num_cutoffs: Cutoffs a series.
        stride: Steps from one cutoff to the next.
        num_forecasts: Series times cutoffs that were scored.
        season_length: Of the seasonal naive method and of MASE.
        scores: One a method; Longshot's first.
        leads: The scores by bucket of leads; none in the report of an earlier release.
        overlaps_training: Whether the version had seen some of what it was asked to forecast.
    """

    horizon: int
    num_cutoffs: int
    stride: int
    num_forecasts: int
    season_length: int
    scores: tuple[Score, ...]
    leads: tuple[LeadScores, ...]
    overlaps_training: bool

    def to_json(self) -> dict[str, Any]:
        """The report as JSON's own types."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "BacktestReport":
        """The report that `to_json` gave, in this release or an earlier one."""
        leads = (LeadScores(**{**one, "scores": _scores(one)}) for one in content.get("leads", ()))
        return cls(
            **{"stride": content["horizon"], **content, "scores": _scores(content), "leads": tuple(leads)},
        )

    def mase(self, method: str) -> float:
        """The MASE of a method that took part."""
        return next(score.mase for score in self.scores if score.method == method)


@dataclass(frozen=True, eq=False)
class _Case:
    """One series cut in two.

    Attributes:
        history: Up to the cutoff.
        future: After it, as far as the horizon.
        leads: Of the future's observations, in steps after the cutoff; between two steps, the later one.
        channels: All channels of its system up to the cutoff; none where it is forecast by itself.
    """

    history: Series
    future: Series
    leads: NDArray[np.int64]
    channels: tuple[Series, ...] = ()


def backtest(
    forecaster: Forecaster,
    panel: Panel,
    cutoffs: Cutoffs,
    *,
    season_length: int | None = None,
    on_forecast: Callable[[int, int], None] = lambda done, total: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> BacktestReport:
    """Forecasts what followed each cutoff from what lies before it, and scores that beside the baselines.

    Every method is scored at the timestamps that were really observed.

    Args:
        forecaster: The version.
        panel: Series with their ends.
        cutoffs: From where, and how far.
        season_length: Of the seasonal naive method and of MASE; the version's own, if left out.
        on_forecast: Told every few cutoffs of a series how many of how many are done.
        should_stop: Asked as often.

    Raises:
        HorizonOutOfRange: The horizon is below one step or too long.
        SeriesTooShort: No series is long enough for a single cutoff.
        ChannelMissing, ChannelUnknown: The series are not the channels of the system that the version forecasts.
        TrainingCancelled: `should_stop` said so.
    """
    check_backtest(panel, forecaster.config, cutoffs)
    season = forecaster.config.season_length if season_length is None else season_length
    trials: list[Trial] = []
    seen: list[np.datetime64] = []
    done, cases = 0, _cases(panel, forecaster.config, cutoffs)
    while together := tuple(islice(cases, _CASES_TOGETHER)):
        if should_stop():
            raise TrainingCancelled(0)
        known = [case for case in together if case is not None]
        seen.extend(case.history.last for case in known)
        trials.extend(_trials(forecaster, known, season))
        done += len(together)
        on_forecast(done, len(panel) * cutoffs.count)
    trained_until = pd.Timestamp(forecaster.manifest.trained_until).to_datetime64()
    return BacktestReport(
        horizon=cutoffs.horizon,
        num_cutoffs=cutoffs.count,
        stride=cutoffs.step,
        num_forecasts=len(trials),
        season_length=season,
        scores=average(trials, 1, cutoffs.horizon),
        leads=by_lead(trials, cutoffs.horizon),
        overlaps_training=bool(np.min(seen) < trained_until),
    )


def check_backtest(panel: Panel, config: TrainingConfig, cutoffs: Cutoffs) -> None:
    """Refuses what `backtest` would refuse, without a forecast.

    Raises:
        HorizonOutOfRange: The horizon is below one step or too long.
        SeriesTooShort: No series is long enough for a single cutoff.
        ChannelMissing, ChannelUnknown: The series are not the channels of the system that the version forecasts.
    """
    if config.channels:
        require_channels(panel, config.channels)
    for found in (cutoffs.horizon, cutoffs.step, cutoffs.count):
        if not 1 <= found <= MAX_STEPS:
            raise HorizonOutOfRange(found, MAX_STEPS)
    if not any(_cases(panel, config, cutoffs)):
        longest = max(panel, key=len)
        needed = cutoffs.horizon + max(MIN_OBSERVATIONS, config.season_length + 1)
        raise SeriesTooShort(longest.item_id, len(longest), needed, f"a backtest of {cutoffs.horizon} steps")


def _cases(panel: Panel, config: TrainingConfig, cutoffs: Cutoffs) -> Iterator[_Case | None]:
    """Each series at each of its cutoffs; None where there is too little before or nothing after.

    Channels of a system share their cutoffs, counted from its end.
    """
    farthest = cutoffs.horizon + (cutoffs.count - 1) * cutoffs.step
    end, channels = max(one.last for one in panel), panel.series if config.channels else ()
    for series in panel:
        own = series.grid(series.freq or config.freq)
        grid = Grid(end, config.freq, series.time_zone) if channels else own
        # No more of the grid than the series spans, however far back the cutoffs would reach.
        reach = min(farthest, int(-grid.steps_until(series.timestamps[0])) + _SPARE_STEPS)
        points = grid.timestamps(-reach, 0)
        for number in range(cutoffs.count):
            back = farthest - number * cutoffs.step
            case = _case(series, grid, points[reach - back :], back, cutoffs.horizon) if back <= reach else None
            yield _in_system(case, channels, points[reach - back]) if case is not None and channels else case


def _in_system(case: _Case, channels: Sequence[Series], cutoff: np.datetime64) -> _Case | None:
    """A case with all channels up to its cutoff; None where one has not begun by then."""
    try:
        return replace(case, channels=tuple(one.until(cutoff) for one in channels))
    except SeriesTooShort:
        return None


def _case(series: Series, grid: Grid, points: Instants, back: int, horizon: int) -> _Case | None:
    """A series cut at the first of some points of its grid, which lies so many steps back."""
    try:
        history, future = series.until(points[0]), series.until(points[horizon]).after(points[0])
    except SeriesTooShort:
        return None
    if len(history) <= MIN_OBSERVATIONS or history.values.min() == history.values.max():
        return None
    leads = np.ceil(grid.positions(future.timestamps) + back - 1e-9).astype(np.int64)
    return _Case(history, future, leads)


def _trials(forecaster: Forecaster, cases: Sequence[_Case], season: int) -> list[Trial]:
    """What all methods forecast for some cases; Longshot in one pass for those of the same length."""
    asked = []
    for case in cases:
        timestamps = At(tuple(case.future.local_timestamps().tolist()))
        asked.append(forecaster.ask(case.history, timestamps, LEVELS, system=forecaster.system(case.channels)))
    forecasts = forecaster.answer(asked)
    return [_trial(case, one, forecaster.config, season) for case, one in zip(cases, forecasts, strict=True)]


def _trial(case: _Case, forecast: ItemForecast, config: TrainingConfig, season: int) -> Trial:
    history = case.history
    freq = history.freq or config.freq
    grid = on_grid(history, freq, season)
    positions = history.grid(freq).positions(case.future.timestamps)
    attempts = [Attempt("longshot", forecast.mean, forecast.quantiles)]
    for name, method in BASELINES.items():
        attempts.append(Attempt(name, method(grid.values, positions, season)))
    week = config.week_length
    if week is not None and len(grid.values) >= week:
        attempts.append(Attempt("weekly_naive", seasonal_naive(grid.values, positions, week)))
    return Trial(
        leads=case.leads,
        truth=case.future.values,
        unit=metrics.seasonal_error(grid.values, grid.observed, season),
        attempts=tuple(attempts),
    )


def _scores(content: dict[str, Any]) -> tuple[Score, ...]:
    return tuple(Score(**one) for one in content["scores"])

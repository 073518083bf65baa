"""What of a panel is held back from a training, for the exam of the version that comes of it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import pandas as pd

from model import (
    BacktestReport,
    Cutoffs,
    Forecaster,
    Panel,
    Reasoned,
    Series,
    SeriesTooShort,
    TrainingConfig,
    TrainingOptions,
    WarmStart,
    backtest,
    choose_from,
    configure,
)

_LEAST_KEPT: Final = 0.8
"""The share of a series that must be left for training when its last horizon is held back."""

_MOST_HELD_BACK: Final = 0.05
_MOST_CUTOFFS: Final = 4
"""More than one horizon is held back only as long as it is a small part of the shortest series examined."""


@dataclass(frozen=True, eq=False)
class Exam:
    """What versions are examined on: whole series, whose ends the new one has not seen.

    Attributes:
        panel: The series.
        cutoffs: From where to forecast.
        season_length: Of the seasonal naive forecast and of MASE, the same for every version examined.
    """

    panel: Panel
    cutoffs: Cutoffs
    season_length: int

    def report(self, forecaster: Forecaster, should_stop: Callable[[], bool]) -> BacktestReport:
        """How a version does, beside the baselines.

        Raises:
            TrainingCancelled: `should_stop` said so.
        """
        return backtest(forecaster, self.panel, self.cutoffs, season_length=self.season_length, should_stop=should_stop)


def hold_back(panel: Panel, options: TrainingOptions, start: WarmStart | None) -> tuple[Reasoned, Panel, Exam | None]:
    """The choices for all there is, what to train on, and the exam on what is held back, if that leaves enough."""
    planned = choose_from(panel, options, start)
    config = planned.config
    examined = _examined(panel, _without(panel, config, config.horizon))
    if not examined:
        return planned, panel, None
    spare = min(len(one) for one in examined) * _MOST_HELD_BACK
    num_cutoffs = max(1, min(_MOST_CUTOFFS, int(spare / config.horizon)))
    kept = _without(panel, config, num_cutoffs * config.horizon)
    examined = _examined(panel, kept)
    try:
        configure(kept, replace(options, horizon=config.horizon), start)
    except SeriesTooShort:
        return planned, panel, None
    if not examined:
        return planned, panel, None
    return planned, kept, Exam(Panel(examined), Cutoffs(config.horizon, num_cutoffs), config.season_length)


def _examined(panel: Panel, kept: Panel) -> tuple[Series, ...]:
    return tuple(one for one, before in zip(panel, kept, strict=True) if before is not one)


def _without(panel: Panel, config: TrainingConfig, num_steps: int) -> Panel:
    """The panel without its last steps, a system at once; what would be left with too little stays as it is."""
    if not config.channels:
        return Panel(tuple(_without_last(one, config.freq, num_steps) for one in panel))
    cutoff = max(panel, key=lambda one: one.last).grid(config.freq).timestamps(-num_steps, -num_steps)[0]
    if any((one.timestamps <= cutoff).sum() < _LEAST_KEPT * len(one) for one in panel):
        return panel
    return Panel(tuple(one.until(cutoff) for one in panel))


def _without_last(series: Series, freq: str, num_steps: int) -> Series:
    """The series without its last steps; the series itself where too little would be left."""
    cutoff = series.grid(freq).timestamps(-num_steps, -num_steps)[0]
    if (series.timestamps <= cutoff).sum() < _LEAST_KEPT * len(series):
        return series
    return series.until(cutoff)


def has_seen(start: WarmStart, kept: Panel, exam: Exam) -> bool:
    """Whether the version that a training started from may have learned from what was held back."""
    examined = {one.item_id for one in exam.panel}
    first = min(one.last for one in kept if one.item_id in examined)
    return bool(first < pd.Timestamp(start.checkpoint.manifest.trained_until).to_datetime64())

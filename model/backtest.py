"""Rolling-origin evaluation beside the baselines."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from model.forecaster import Forecaster
from model.series import Panel


@dataclass(frozen=True)
class Score:
    """How one method did, averaged over series and cutoffs.

    Attributes:
        method: `longshot`, `seasonal_naive` or `drift`.
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
        raise NotImplementedError


def backtest(
    forecaster: Forecaster,
    panel: Panel,
    *,
    horizon: int,
    num_cutoffs: int = 1,
    should_stop: Callable[[], bool] = lambda: False,
) -> BacktestReport:
    raise NotImplementedError

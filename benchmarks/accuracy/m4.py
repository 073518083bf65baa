"""Hourly and weekly series of the M4 competition (Makridakis and others, 2020).

OWA is the mean of two ratios, of sMAPE and of MASE, to those of Naive2: the last value of the seasonally adjusted
series, put back into its season.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.accuracy.suite import Suite, Values, series, trained
from benchmarks.measurement import Measurement
from model import Panel, Steps, TrainingOptions
from model.evaluation.metrics import coverage, mae, smape


@dataclass(frozen=True)
class Group:
    """Series of one frequency.

    Attributes:
        name: Of its files.
        freq: Of its grid.
        horizon: Steps ahead.
        season: Steps, as the competition counts them.
        published: OWA by name.
    """

    name: str
    freq: str
    horizon: int
    season: int
    published: dict[str, float]


HOURLY = Group("Hourly", "h", 48, 24, {"ES-RNN": 0.440, "FFORMA": 0.484, "sNaive": 0.627, "Theta": 1.006})
WEEKLY = Group("Weekly", "W", 13, 1, {"ProLogistica": 0.766, "FFORMA": 0.796, "ES-RNN": 0.851, "Theta": 0.971})


def run(group: Group, files: Sequence[Path], options: TrainingOptions) -> list[Measurement]:
    """OWA, its two parts, and what the intervals cover."""
    known, truths = (_read(path) for path in files)
    panel = Panel(tuple(series(name, values, group.freq, "1970-01-01") for name, values in known.items()))
    version = trained(panel, replace(options, horizon=group.horizon))
    answers = version.forecaster.forecast(panel, Steps(group.horizon), (0.025, 0.1, 0.5, 0.9, 0.975)).items
    ours = {answer.item_id: answer.quantiles for answer in answers}
    naive = {name: naive2(values, group.season, group.horizon) for name, values in known.items()}

    def errors(forecasts: dict[str, Values]) -> tuple[float, float]:
        pairs = [
            (smape(truths[name], forecast), mae(truths[name], forecast) / _unit(known[name], group.season))
            for name, forecast in forecasts.items()
        ]
        mean_smape, mean_mase = np.mean(pairs, axis=0)
        return float(mean_smape), float(mean_mase)

    own, against = errors({name: quantiles[0.5] for name, quantiles in ours.items()}), errors(naive)
    owa = (own[0] / against[0] + own[1] / against[1]) / 2
    covered = {
        share: float(np.mean([coverage(truths[name], one[low], one[high]) for name, one in ours.items()]))
        for share, low, high in ((80, 0.1, 0.9), (95, 0.025, 0.975))
    }
    prefix = f"m4.{group.name.lower()}"
    settings = {**version.settings, "seed": options.seed, "series": len(known)}
    return [
        Measurement(f"{prefix}.owa", owa, "OWA", group.published, settings),
        Measurement(f"{prefix}.smape", own[0], "sMAPE", {"Naive2": against[0]}, settings),
        Measurement(f"{prefix}.mase", own[1], "MASE", {"Naive2": against[1]}, settings),
        *(Measurement(f"{prefix}.coverage_{one}", share, "share", {}, settings) for one, share in covered.items()),
    ]


def naive2(values: Values, season: int, horizon: int) -> Values:
    """The competition's benchmark: seasonal where the autocorrelation at a season is significant at 90 %."""
    if season == 1 or not _is_seasonal(values, season):
        return np.repeat(values[-1], horizon)
    indices = _seasonal_indices(values, season)
    phases = np.arange(len(values), len(values) + horizon) % season
    return np.asarray(values[-1] / indices[(len(values) - 1) % season] * indices[phases])


def _is_seasonal(values: Values, season: int) -> bool:
    if len(values) < 3 * season:
        return False
    centred = values - values.mean()
    correlations = [float((centred[lag:] * centred[:-lag]).sum() / (centred**2).sum()) for lag in range(1, season + 1)]
    limit = 1.645 * np.sqrt((1 + 2 * np.square(correlations[:-1]).sum()) / len(values))
    return bool(abs(correlations[-1]) > limit)


def _seasonal_indices(values: Values, season: int) -> Values:
    """Of the classical multiplicative decomposition, by phase; their mean is 1."""
    weights = np.ones(season) / season
    if season % 2 == 0:
        weights = np.r_[0.5, np.ones(season - 1), 0.5] / season
    trend = np.convolve(values, weights, "valid")
    first = (len(weights) - 1) // 2
    ratios = values[first : first + len(trend)] / trend
    phases = np.arange(first, first + len(trend)) % season
    indices = np.array([ratios[phases == phase].mean() for phase in range(season)])
    return np.asarray(indices / indices.mean())


def _unit(values: Values, season: int) -> float:
    return float(np.abs(values[season:] - values[:-season]).mean())


def _read(path: Path) -> dict[str, Values]:
    """Each row's values by its name; rows are as long as their series."""
    frame = pd.read_csv(path, index_col=0)
    return {str(name): row[~np.isnan(row)] for name, row in zip(frame.index, frame.to_numpy(float), strict=True)}


def _suite(group: Group) -> Suite:
    return Suite((f"{group.name}-train.csv*", f"{group.name}-test.csv*"), partial(run, group))


HOURLY_SUITE, WEEKLY_SUITE = _suite(HOURLY), _suite(WEEKLY)

"""Task ETT_1H of fev-bench: 14 hourly channels, 20 cutoffs a week apart, 168 hours ahead.

One version is trained on what lies before the first cutoff, and asked at each with the whole history before it. The
unit of an error is the mean absolute difference of a series' values a day apart in that history.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.accuracy.suite import Suite, Values, trained
from benchmarks.measurement import Measurement
from model import Panel, Series, Steps, TrainingOptions
from model.evaluation.metrics import mae, pinball, seasonal_error

HORIZON, NUM_CUTOFFS, SEASON = 168, 20, 24
LEVELS = tuple(round(0.1 * tenth, 1) for tenth in range(1, 10))

PUBLISHED = {"TS-ICL": 1.100, "Chronos-2": 1.126, "PatchTST": 1.199, "AutoARIMA": 1.262, "seasonal naive": 1.323}
"""MASE."""


def run(files: Sequence[Path], options: TrainingOptions) -> list[Measurement]:
    """The mean scaled errors of the median and of nine quantiles."""
    frames = {path.name.split(".")[0]: pd.read_csv(path) for path in files}
    columns = [(name, str(column)) for name, frame in frames.items() for column in frame.columns[1:]]

    def panel(until: int) -> Panel:
        return Panel(
            tuple(
                Series.from_values(
                    f"{name} {column}", frames[name].iloc[:until, 0], frames[name][column].to_numpy(float)[:until]
                )
                for name, column in columns
            )
        )

    num_rows = min(len(frame) for frame in frames.values())
    cutoffs = [num_rows - HORIZON * (NUM_CUTOFFS - number) for number in range(NUM_CUTOFFS)]
    version = trained(panel(cutoffs[0]), options)
    scores = []
    for cutoff in cutoffs:
        answers = version.forecaster.forecast(panel(cutoff), Steps(HORIZON), LEVELS)
        for (name, column), answer in zip(columns, answers.items, strict=True):
            values = frames[name][column].to_numpy(float)
            scores.append(_scaled(values[:cutoff], values[cutoff : cutoff + HORIZON], answer.quantiles))
    mase, sql = np.mean(scores, axis=0)
    settings = {**version.settings, "seed": options.seed, "windows": len(scores)}
    return [
        Measurement("fev.ETT_1H.mase", float(mase), "MASE", PUBLISHED, settings),
        Measurement("fev.ETT_1H.sql", float(sql), "SQL", {}, settings),
    ]


def _scaled(history: Values, truth: Values, quantiles: Mapping[float, Values]) -> tuple[float, float]:
    """Absolute error of the median and twice the pinball loss of all levels, in seasonal units."""
    unit = seasonal_error(history, np.ones(len(history), dtype=bool), SEASON)
    return mae(truth, quantiles[0.5]) / unit, 2 * pinball(truth, quantiles) / unit


SUITE = Suite(("ETTh1.csv*", "ETTh2.csv*"), run)

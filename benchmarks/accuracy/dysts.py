"""Chaotic systems (Gilpin, "Chaos as an interpretable benchmark", 2021): 1,000 points known, 200 ahead.

One version learns all systems at once, where the literature trains one model for each. A hundred points are about one
period of a system, so that a step is told as a hundredth of a day.
"""

import gzip
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.accuracy.suite import Suite, Values, series, trained
from benchmarks.measurement import Measurement
from model import Panel, Steps, TrainingOptions
from model.evaluation.metrics import smape

KNOWN, HORIZON, FREQ, PERIOD = 1000, 200, "864s", 100

PUBLISHED = {"N-BEATS": 67.7, "Transformer": 101.4, "RNN": 102.0, "random forest": 106.0, "seasonal naive": 125.3}
"""Median sMAPE over the systems."""


def run(files: Sequence[Path], options: TrainingOptions) -> list[Measurement]:
    """The median over the systems of the error over 200 steps."""
    with gzip.open(files[0]) as file:
        systems = {name: np.array(one["values"], dtype=float).ravel() for name, one in json.load(file).items()}
    panel = Panel(tuple(series(name, values[:KNOWN], FREQ) for name, values in systems.items()))
    version = trained(panel, replace(options, horizon=options.horizon or HORIZON))
    answers = version.forecaster.forecast(panel, Steps(HORIZON), (0.5,))
    truths: list[Values] = [values[KNOWN : KNOWN + HORIZON] for values in systems.values()]
    ours = [smape(truth, answer.quantiles[0.5]) for truth, answer in zip(truths, answers.items, strict=True)]
    repeated = [np.tile(values[KNOWN - PERIOD : KNOWN], HORIZON // PERIOD) for values in systems.values()]
    naive = [smape(truth, forecast) for truth, forecast in zip(truths, repeated, strict=True)]
    compared = PUBLISHED | {"last hundred points": float(np.median(naive))}
    settings = {**version.settings, "seed": options.seed, "systems": len(systems)}
    return [Measurement("dysts.univariate.median_smape", float(np.median(ours)), "sMAPE", compared, settings)]


SUITE = Suite(("test_univariate__*.json.gz",), run)

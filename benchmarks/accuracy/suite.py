"""What the suites share: a training on a panel, and a line of their tables."""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.measurement import Measurement
from model import Forecaster, Panel, Series, TrainingOptions, fit, select

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Suite:
    """A benchmark of the literature.

    Attributes:
        files: What it needs below the data folder, as patterns.
        run: From those files, in their order, and options to figures.
    """

    files: tuple[str, ...]
    run: Callable[[Sequence[Path], TrainingOptions], list[Measurement]]


@dataclass(frozen=True, eq=False)
class Trained:
    """A version and what it took.

    Attributes:
        forecaster: That answers.
        settings: Every choice, and the seconds of trials and training.
    """

    forecaster: Forecaster
    settings: Mapping[str, object]


def trained(panel: Panel, options: TrainingOptions) -> Trained:
    """One version of a panel, as it configures itself within the options."""
    started = time.monotonic()
    chosen = select(panel, options, on_trial=lambda trial: print(f"trial  {trial}", file=sys.stderr, flush=True))
    checkpoint = fit(panel, chosen.config, trials=chosen.trials, reasons=chosen.reasons)
    seconds = round(time.monotonic() - started, 1)
    return Trained(Forecaster(checkpoint), {"config": chosen.config.to_json(), "seconds": seconds})


def series(item_id: str, values: Values, freq: str, start: str = "2000-01-03") -> Series:
    """Values on a grid that starts somewhere."""
    return Series.from_values(item_id, pd.date_range(start, periods=len(values), freq=freq), values)


def line(measurement: Measurement) -> str:
    """A line of a table: the figure, then those that it is compared with."""
    others = "".join(f"   {name} {value:.3f}" for name, value in measurement.compared_with.items())
    return f"{measurement.name:<42}{measurement.value:>9.3f}{others}"


def find(folder: Path, *patterns: str) -> Path:
    """The first file below a folder that fits one of the patterns.

    Raises:
        FileNotFoundError: There is none.
    """
    for pattern in patterns:
        for path in sorted(folder.rglob(pattern)):
            return path
    raise FileNotFoundError(f"There is no {' or '.join(patterns)} below {folder}.")

"""Accuracy on the long-horizon sets, by the protocol of the literature.

    python -m benchmarks.accuracy --data DIR --datasets ETTh1 --horizons 96
    python -m benchmarks.accuracy --data DIR --option dropout=0.2 --option context_length=336

Values are z-scored by the mean and deviation of each channel's training part; mean square and mean absolute errors are
over all test windows (stride 1, none dropped) and channels. What is chosen is chosen on the validation part; the test
part is looked at once, at the end.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from benchmarks.measurement import Measurement, write
from model import Checkpoint, Panel, Progress, Series, TrainingConfig, TrainingOptions, choose_config, fit
from model.device import choose_device
from model.inference import Predictor
from model.scaling import Scale
from model.windows import Windows, WindowShape, split


@dataclass(frozen=True)
class Borders:
    """Where the training, validation and test parts of a set end, in rows."""

    train: int
    validation: int
    test: int


@dataclass(frozen=True)
class Published:
    """Errors in the literature: DUET (KDD 2025), by the same protocol."""

    mse: float
    mae: float


ETT = {
    "ETTh1": Borders(8640, 11520, 14400),
    "ETTh2": Borders(8640, 11520, 14400),
    "ETTm1": Borders(34560, 46080, 57600),
}

PUBLISHED = {
    ("ETTh1", 96): Published(0.352, 0.384),
    ("ETTh1", 192): Published(0.398, 0.409),
    ("ETTh1", 336): Published(0.414, 0.426),
    ("ETTh1", 720): Published(0.429, 0.455),
    ("ETTh2", 96): Published(0.270, 0.336),
    ("ETTh2", 192): Published(0.332, 0.374),
    ("ETTh2", 336): Published(0.353, 0.397),
    ("ETTh2", 720): Published(0.382, 0.425),
    ("ETTm1", 96): Published(0.279, 0.333),
    ("ETTm1", 192): Published(0.320, 0.358),
    ("ETTm1", 336): Published(0.348, 0.377),
    ("ETTm1", 720): Published(0.405, 0.408),
    ("exchange_rate", 96): Published(0.080, 0.198),
    ("national_illness", 24): Published(1.577, 0.760),
}


@dataclass(frozen=True)
class Record:
    """One line of the table.

    Attributes:
        dataset: Its name.
        horizon: Steps ahead.
        mse: Mean square error of the mean forecast.
        mae: Mean absolute error of the mean forecast.
        coverage: Share of the truth inside the calibrated 80 % interval.
        validation_mse: The mean square error on the validation part: what to choose options by.
        validation_mae: The mean absolute error there.
        seed: Of the training.
        seconds: Training, validation and all test windows together.
        num_windows: Test windows times channels.
        published_mse: The best published one.
        published_mae: That of the same method.
        config: Every choice of the training.
    """

    dataset: str
    horizon: int
    mse: float
    mae: float
    coverage: float
    validation_mse: float
    validation_mae: float
    seed: int
    seconds: float
    num_windows: int
    published_mse: float | None
    published_mae: float | None
    config: dict[str, object]


def main(words: Sequence[str] | None = None) -> int:
    """Runs the benchmark that the command line asks for; 2 if a dataset is not there."""
    asked = _parser().parse_args(words)
    torch.set_num_threads(asked.threads)
    records = []
    print(
        f"{'dataset':<18}{'horizon':>8}{'MSE':>8}{'MAE':>8}{'DUET MSE':>10}{'MAE':>8}{'80 %':>8}"
        f"{'val. MSE':>10}{'MAE':>8}{'seconds':>9}"
    )
    for name in asked.datasets:
        path = _find(asked.data, name)
        if path is None:
            print(f"There is no {name}.csv or {name}.csv.gz below {asked.data}.", file=sys.stderr)
            return 2
        for horizon in asked.horizons:
            for seed in asked.seeds:
                record = _measure(
                    name, path, TrainingOptions(**dict(asked.options) | {"horizon": horizon, "seed": seed})
                )
                records.append(record)
                print(_row(record), flush=True)
    if asked.json:
        write(asked.json, [measurement for record in records for measurement in _measurements(record)])
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__.splitlines()[0])
    folder = os.environ.get("LONGSHOT_DATA", "data")
    parser.add_argument("--data", type=Path, default=Path(folder), help="a folder with the sets somewhere below it")
    parser.add_argument("--datasets", nargs="+", default=["ETTh1"])
    parser.add_argument("--horizons", nargs="+", type=int, default=[96])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--threads", type=int, default=1, help="of torch; more seldom pay for matrices of this size")
    parser.add_argument(
        "--option",
        dest="options",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        type=_option,
        help="a field of TrainingOptions to set by hand; may be repeated",
    )
    parser.add_argument("--json", type=Path, help="write the records to this file")
    return parser


def _option(text: str) -> tuple[str, int | float]:
    name, _, value = text.partition("=")
    if name not in {field.name for field in fields(TrainingOptions)} - {"horizon", "seed", "validation_steps"}:
        raise argparse.ArgumentTypeError(f"{name!r} is no option of a training")
    return name, json.loads(value)


def _find(folder: Path, name: str) -> Path | None:
    found = [path for suffix in (".csv", ".csv.gz") for path in sorted(folder.rglob(name + suffix))]
    return found[0] if found else None


def _measure(name: str, path: Path, options: TrainingOptions) -> Record:
    started = time.monotonic()
    frame = pd.read_csv(path)
    borders = ETT.get(name) or _seven_one_two(len(frame))
    values = frame.iloc[: borders.test, 1:].to_numpy(dtype=np.float64)
    values = (values - values[: borders.train].mean(0)) / values[: borders.train].std(0)
    seen = _panel(frame, values[: borders.validation])
    options = TrainingOptions(**{**asdict(options), "validation_steps": borders.validation - borders.train})
    config = choose_config(seen, options)
    checkpoint = fit(seen, config, on_epoch=_show)
    if sys.stderr.isatty():
        print("\r" + " " * 60, end="\r", file=sys.stderr)
    windows = _last_windows(_panel(frame, values), config, borders.test - borders.validation)
    mse, mae, coverage = _errors(checkpoint, windows, values)
    earlier = _last_windows(seen, config, borders.validation - borders.train)
    validation_mse, validation_mae, _ = _errors(checkpoint, earlier, values[: borders.validation])
    published = PUBLISHED.get((name, config.horizon))
    return Record(
        dataset=name,
        horizon=config.horizon,
        mse=mse,
        mae=mae,
        coverage=coverage,
        validation_mse=validation_mse,
        validation_mae=validation_mae,
        seed=config.seed,
        seconds=round(time.monotonic() - started, 1),
        num_windows=len(windows),
        published_mse=published and published.mse,
        published_mae=published and published.mae,
        config=config.to_json(),
    )


def _seven_one_two(num_rows: int) -> Borders:
    test = int(num_rows * 0.2)
    train = int(num_rows * 0.7)
    return Borders(train, num_rows - test, num_rows)


def _panel(frame: pd.DataFrame, values: NDArray[np.float64]) -> Panel:
    timestamps = frame.iloc[: len(values), 0]
    names = [str(column) for column in frame.columns[1:]]
    return Panel(tuple(Series.from_values(one, timestamps, values[:, number]) for number, one in enumerate(names)))


def _last_windows(panel: Panel, config: TrainingConfig, num_steps: int) -> Windows:
    """Every window whose targets lie in the last `num_steps`: what training calls validation, of the longer panel."""
    shape = WindowShape(config.freq, config.season_length, config.context_length, config.horizon, num_steps)
    return split(panel, shape, choose_device()).validation


def _errors(checkpoint: Checkpoint, windows: Windows, values: NDArray[np.float64]) -> tuple[float, float, float]:
    """Mean square error, mean absolute error and coverage, in units of the training part's deviation."""
    config, validation = checkpoint.config, checkpoint.validation
    predictor = Predictor(
        checkpoint.network.to(windows.values.device),
        block_length=validation.block_length,
        season_length=config.season_length,
    )
    # Windows hold each series in units of its own deviation over all its rows.
    channel = torch.div(windows.starts, len(values), rounding_mode="floor")
    unit = torch.from_numpy(values.std(0)).to(windows.values.device)[channel]
    low, high = config.quantile_levels.index(0.1), config.quantile_levels.index(0.9)
    totals = torch.zeros(4, dtype=torch.float64)
    for numbers in torch.arange(len(windows), device=windows.values.device).split(512):
        batch = windows.batch(numbers)
        context = batch.context.double()
        raw = predictor.quantiles(context, config.horizon)
        quantiles = validation.calibration.apply(raw, Scale.of(context).spread)
        error = (batch.target - predictor.mean(raw)) * unit[numbers, None]
        covered = (batch.target >= quantiles[..., low]) & (batch.target <= quantiles[..., high])
        sums = [(error.square() * batch.known).sum(), (error.abs() * batch.known).sum(), (covered & batch.known).sum()]
        totals += torch.stack([*sums, batch.known.sum()]).cpu()
    mse, mae, coverage = (totals[:3] / totals[3]).tolist()
    return mse, mae, coverage


def _measurements(record: Record) -> list[Measurement]:
    """One figure each, with all that is needed to measure it again."""
    figures = {
        "mse": (record.mse, "MSE", record.published_mse),
        "mae": (record.mae, "MAE", record.published_mae),
        "coverage": (record.coverage, "share", None),
        "validation_mse": (record.validation_mse, "MSE", None),
        "validation_mae": (record.validation_mae, "MAE", None),
        "seconds": (record.seconds, "s", None),
    }
    sizes = {"dataset": record.dataset, "horizon": record.horizon, "seed": record.seed, "windows": record.num_windows}
    return [
        Measurement(
            name=f"accuracy.{record.dataset}.{record.horizon}.{name}",
            value=value,
            unit=unit,
            compared_with={} if published is None else {"DUET (KDD 2025)": published},
            settings=sizes | {"config": record.config},
        )
        for name, (value, unit, published) in figures.items()
    ]


def _show(progress: Progress) -> None:
    if sys.stderr.isatty():
        text = f"\repoch {progress.epoch}/{progress.num_epochs}, {progress.eta_seconds:.0f} s left"
        print(text, end="", file=sys.stderr, flush=True)


def _row(record: Record) -> str:
    published = [record.published_mse, record.published_mae]
    theirs = [f"{value:.3f}" if value is not None else "-" for value in published]
    return (
        f"{record.dataset:<18}{record.horizon:>8}{record.mse:>8.3f}{record.mae:>8.3f}"
        f"{theirs[0]:>10}{theirs[1]:>8}{record.coverage:>8.1%}"
        f"{record.validation_mse:>10.3f}{record.validation_mae:>8.3f}{record.seconds:>9.0f}"
    )


if __name__ == "__main__":
    raise SystemExit(main())

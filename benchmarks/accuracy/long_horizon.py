"""The long-horizon sets: one version is trained for the longest horizon and asked for all of them.

Values are z-scored by the mean and deviation of each channel's training part; mean square and mean absolute errors are
over all test windows (stride 1, none dropped) and channels. What is chosen is chosen on the validation part; the test
part is looked at once, at the end.
"""

import copy
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.measurement import Measurement
from model import Checkpoint, Panel, Progress, Series, TrainingConfig, TrainingOptions, fit, select
from model.config import DEFAULT_QUANTILE_LEVELS
from model.device import choose_device
from model.inference import Predictor
from model.precedents import Past, moved
from model.scaling import Scale
from model.windows import Windows, WindowShape, split

MAX_VALIDATION_WINDOWS = 4096
LEVELS = DEFAULT_QUANTILE_LEVELS
_PAIRS = (LEVELS.index(0.1), LEVELS.index(0.025))

CHOSEN = ("context_length", "patch_length", "training_horizons", "dropout", "learning_rate", "anchored", "num_epochs")

HEADER = (
    f"{'dataset':<17}{'h':>6}{'MSE / MAE':>16}{'DUET':>16}{'repeat last':>16}{'repeat season':>16}{'validation':>16}"
    f"{'80 %':>8}{'95 %':>8}{'late 80':>8}{'late 95':>8}"
)
ABLATION_HEADER, REMOVED_HEADER = f"{'flow alone':>16}{'line alone':>16}", f"{'values removed':>16}"


@dataclass(frozen=True)
class Borders:
    """Where the training, validation and test parts of a set end, in rows."""

    train: int
    validation: int
    test: int


@dataclass(frozen=True)
class Errors:
    """How far forecasts were from what happened.

    Attributes:
        mse: Mean square error of the mean.
        mae: Mean absolute error of the mean.
        coverage_80: Share of the truth inside the calibrated 80 % interval.
        coverage_95: The same at 95 %.
        late_coverage_80: That at 80 % over the last quarter of the leads.
        late_coverage_95: The same at 95 %.
    """

    mse: float
    mae: float
    coverage_80: float = 0.0
    coverage_95: float = 0.0
    late_coverage_80: float = 0.0
    late_coverage_95: float = 0.0


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
    ("exchange_rate", 192): Published(0.162, 0.288),
    ("exchange_rate", 336): Published(0.294, 0.392),
    ("exchange_rate", 720): Published(0.583, 0.580),
    ("national_illness", 24): Published(1.577, 0.760),
    ("national_illness", 36): Published(1.596, 0.794),
    ("national_illness", 48): Published(1.632, 0.810),
    ("national_illness", 60): Published(1.660, 0.815),
}


@dataclass(frozen=True)
class Record:
    """One line of the table.

    Attributes:
        dataset: Its name.
        horizon: Steps ahead.
        errors: Of the mean forecast on the test part, and of what its intervals cover.
        thinned: The same from contexts of which a share was removed, if asked for, at the shortest horizon.
        flow: The same of the flow without its line, if asked for.
        line: The same of the line without its flow, if asked for.
        validation: On the validation part, at most some thousand windows of it: what to choose options by.
        last: Of repeating the last value.
        season: Of repeating the last season.
        seed: Of the training.
        seconds: Trials and training.
        processor_seconds: The processor time in them.
        num_windows: Test windows times channels.
        published: The best published errors.
        config: Every choice of the training.
    """

    dataset: str
    horizon: int
    errors: Errors
    thinned: Errors | None
    flow: Errors | None
    line: Errors | None
    validation: Errors
    last: Errors
    season: Errors
    seed: int
    seconds: float
    processor_seconds: float
    num_windows: int
    published: Published | None
    config: dict[str, object]


@dataclass(frozen=True, eq=False)
class LongHorizonSet:
    """A set, z-scored by its training part.

    Attributes:
        name: Its name.
        borders: Where its parts end.
        frame: Its timestamps and channel names.
        values: Of all parts; shape (rows, channels).
    """

    name: str
    borders: Borders
    frame: pd.DataFrame
    values: NDArray[np.float64]

    @classmethod
    def read(cls, name: str, path: Path) -> "LongHorizonSet":
        """The set in a file with a column of dates and one for each channel."""
        frame = pd.read_csv(path)
        borders = ETT.get(name) or _seven_one_two(len(frame))
        values = frame.iloc[: borders.test, 1:].to_numpy(dtype=np.float64)
        values = (values - values[: borders.train].mean(0)) / values[: borders.train].std(0)
        return cls(name, borders, frame, values)

    @property
    def names(self) -> list[str]:
        """Of the channels."""
        return [str(column) for column in self.frame.columns[1:]]

    def until(self, row: int) -> Panel:
        """Everything before a row."""
        return _panel(self.frame, self.values[:row])


def measured(
    data: LongHorizonSet,
    options: TrainingOptions,
    horizons: Sequence[int],
    *,
    removed: float = 0.0,
    ablation: bool = False,
) -> list[Record]:
    """Trains one version and asks it for every horizon."""
    borders = data.borders
    seen = data.until(borders.validation)
    options = replace(options, validation_steps=borders.validation - borders.train)
    started = time.monotonic(), time.process_time()
    chosen = select(seen, options, on_trial=lambda trial: print(f"trial  {trial}", file=sys.stderr, flush=True))
    checkpoint = fit(seen, chosen.config, trials=chosen.trials, reasons=chosen.reasons, on_epoch=show_epoch)
    seconds, worked = time.monotonic() - started[0], time.process_time() - started[1]
    if sys.stderr.isatty():
        print("\r" + " " * 60, end="\r", file=sys.stderr)
    whole, records = data.until(borders.test), []
    values = data.values[:, np.argsort(data.names)] if chosen.config.channels else data.values
    for horizon in horizons:
        config = replace(chosen.config, horizon=horizon, training_horizons=())
        share, season = removed if horizon == horizons[0] else 0.0, config.season_length
        test = last_windows(whole, config, borders.test - borders.validation)
        earlier = last_windows(seen, config, borders.validation - borders.train).thinned(MAX_VALIDATION_WINDOWS)
        version = partial(_version, checkpoint, horizon)
        errors = {
            "errors": errors_of(version, test, values, season),
            "thinned": errors_of(version, test, values, season, removed=share) if share else None,
            "flow": errors_of(partial(version, share=0.0), test, values, season) if ablation else None,
            "line": errors_of(partial(version, share=1.0), test, values, season) if ablation else None,
            "validation": errors_of(version, earlier, values[: borders.validation], season),
            "last": errors_of(partial(_repeated, 1, horizon), test, values, season),
            "season": errors_of(partial(_repeated, season, horizon), test, values, season),
        }
        records.append(
            Record(
                dataset=data.name,
                horizon=horizon,
                **errors,
                seed=config.seed,
                seconds=round(seconds, 1),
                processor_seconds=round(worked, 1),
                num_windows=len(test) * test.num_channels,
                published=PUBLISHED.get((data.name, horizon)),
                config=chosen.config.to_json(),
            )
        )
    return records


def _seven_one_two(num_rows: int) -> Borders:
    test = int(num_rows * 0.2)
    train = int(num_rows * 0.7)
    return Borders(train, num_rows - test, num_rows)


def _panel(frame: pd.DataFrame, values: NDArray[np.float64]) -> Panel:
    timestamps = frame.iloc[: len(values), 0]
    names = [str(column) for column in frame.columns[1:]]
    return Panel(tuple(Series.from_values(one, timestamps, values[:, number]) for number, one in enumerate(names)))


def last_windows(panel: Panel, config: TrainingConfig, num_steps: int) -> Windows:
    """Every window whose targets lie in the last `num_steps`: what training calls validation, of the longer panel."""
    shape = WindowShape(
        config.freq,
        config.season_length,
        config.context_length,
        config.horizon,
        num_steps,
        channels=config.channels,
    )
    return split(panel, shape, choose_device()).validation


Pasts = Callable[[], list[Past]]
"""All that is known before each window, for whoever looks farther back than its context."""

Forecasts = Callable[[Tensor, Pasts], tuple[Tensor, Tensor]]
"""From contexts and pasts to means (batch, horizon) and quantiles (batch, horizon, levels)."""


def _version(
    checkpoint: Checkpoint, horizon: int, context: Tensor, pasts: Pasts, *, share: float | None = None
) -> tuple[Tensor, Tensor]:
    """The version's answers; with another share of its line, and without precedents, if one is given."""
    config, validation = checkpoint.config, checkpoint.validation
    network = checkpoint.network.to(context.device)
    if share is not None and network.linear is not None:
        network = copy.deepcopy(network)
        network.linear.share.fill_(share)
    predictor = Predictor(
        network,
        block_length=validation.block_length,
        season_length=config.season_length,
        trust=validation.trust,
        width=validation.width,
    )
    raw = predictor.quantiles(context, horizon)
    if validation.precedents and share is None:
        told, trained, period = validation.precedents, config.horizon, network.period
        pairs = zip(raw.cpu(), pasts(), strict=True)
        raw = torch.stack([moved(one, told, past, trained, period) for one, past in pairs]).to(raw)
    return predictor.mean(raw), validation.calibration.apply(raw, Scale.of(context).spread)


def _repeated(period: int, horizon: int, context: Tensor, _pasts: Pasts) -> tuple[Tensor, Tensor]:
    last = context[:, -min(period, context.shape[1]) :]
    mean = last.repeat(1, -(-horizon // last.shape[1]))[:, :horizon]
    return mean, mean[..., None].expand(-1, -1, len(LEVELS))


def errors_of(
    forecasts: Forecasts, windows: Windows, values: NDArray[np.float64], season: int, *, removed: float = 0.0
) -> Errors:
    """In units of the training part's deviation, over all windows."""
    # Windows hold each series in units of its own deviation over all its rows.
    units = torch.from_numpy(values.std(0)).to(windows.values.device)
    late = torch.arange(windows.horizon) >= windows.horizon * 3 // 4
    generator = torch.Generator().manual_seed(0)
    totals = torch.zeros(8, dtype=torch.float64)
    for numbers in windows.groups(512):
        batch = windows.batch(numbers)
        unit = units[torch.div(windows.places(numbers), len(values), rounding_mode="floor")]
        context = batch.context.double()
        if removed:
            context = _bridged(context, torch.rand(context.shape, generator=generator).to(context.device) >= removed)
        mean, quantiles = forecasts(context, partial(_pasts, windows, numbers, context, season))
        error = (batch.target - mean) * unit[:, None]
        known, known_late = batch.known, batch.known & late.to(batch.known.device)
        inside = [
            (batch.target >= quantiles[..., pair]) & (batch.target <= quantiles[..., -1 - pair]) for pair in _PAIRS
        ]
        shares = [(one & some).sum() for some in (known, known_late) for one in inside]
        sums = [(error.square() * known).sum(), (error.abs() * known).sum(), *shares, known.sum(), known_late.sum()]
        totals += torch.stack(sums).cpu()
    all_known, late_known = totals[6], totals[7]
    return Errors(*(totals[:4] / all_known).tolist(), *(totals[4:6] / late_known).tolist())


def _pasts(windows: Windows, numbers: Tensor, contexts: Tensor, season: int) -> list[Past]:
    """What is known before windows, ending with contexts that may not be as they were."""
    pasts = []
    for start, context in zip(windows.places(numbers).tolist(), contexts.cpu(), strict=True):
        values, observed = windows.past(start)
        pasts.append(Past(torch.cat([values[: -len(context)].cpu().double(), context]), observed.cpu(), season))
    return pasts


def _bridged(context: Tensor, kept: Tensor) -> Tensor:
    """Values that were not kept are linear between those that were; the last one always is."""
    kept[:, -1] = True
    places = torch.arange(context.shape[1], device=context.device).expand_as(context)
    after = torch.where(kept, places, context.shape[1]).flip(1).cummin(1).values.flip(1)
    before = torch.where(kept, places, -1).cummax(1).values
    before = torch.where(before < 0, after, before)
    share = (places - before) / (after - before).clamp_min(1)
    return context.gather(1, before) * (1 - share) + context.gather(1, after) * share


def measurements(record: Record) -> list[Measurement]:
    """One figure each, with all that is needed to measure it again."""
    sizes = {"dataset": record.dataset, "horizon": record.horizon, "seed": record.seed, "windows": record.num_windows}
    sides = {"": record.errors, "validation_": record.validation}
    others = {"thinned_": record.thinned, "flow_alone_": record.flow, "line_alone_": record.line}
    sides |= {prefix: side for prefix, side in others.items() if side is not None}
    spent = {"seconds": record.seconds, "processor_seconds": record.processor_seconds}
    figures = {prefix + name: value for prefix, side in sides.items() for name, value in asdict(side).items()}
    return [
        Measurement(
            name=f"accuracy.{record.dataset}.{record.horizon}.{name}",
            value=value,
            unit={"mse": "MSE", "mae": "MAE", "seconds": "s"}.get(name.split("_")[-1], "share"),
            compared_with=_compared(record, name),
            settings=sizes | {"config": record.config},
        )
        for name, value in (figures | spent).items()
    ]


def _compared(record: Record, name: str) -> dict[str, float]:
    if name not in ("mse", "mae"):
        return {}
    sides = {"DUET (KDD 2025)": record.published, "repeat last": record.last, "repeat season": record.season}
    return {side: getattr(errors, name) for side, errors in sides.items() if errors is not None}


def show_epoch(progress: Progress) -> None:
    """Tells a terminal how far a training is."""
    if sys.stderr.isatty():
        text = (
            f"\repoch {progress.epoch}/{progress.num_epochs}, {progress.throughput}, {progress.eta_seconds:.0f} s left"
        )
        print(text, end="", file=sys.stderr, flush=True)


def rows(records: Sequence[Record]) -> list[str]:
    """The table of one version, its mean over horizons last, and what its configuration is."""
    lines = [_row(record, str(record.horizon)) for record in records]
    if len(records) > 1:
        lines.append(_mean_row(records))
    config = records[0].config
    chosen = "  ".join(f"{name} {config[name]}" for name in CHOSEN)
    spent = f"{records[0].seconds:.0f} s, {records[0].processor_seconds:.0f} s of the processor"
    return [*lines, f"  seed {records[0].seed}, trained in {spent}  {chosen}"]


def _mean_row(records: Sequence[Record]) -> str:
    def mean(sides: Sequence[Errors | Published | None]) -> Errors | None:
        if any(side is None for side in sides):
            return None
        fields_of = [list(asdict(side).values()) for side in sides]
        return Errors(*(float(np.mean(column)) for column in zip(*fields_of, strict=True)))

    names = ("errors", "thinned", "flow", "line", "validation", "last", "season", "published")
    means = {name: mean([getattr(record, name) for record in records]) for name in names}
    return _row(replace(records[0], **means), "mean")


def _row(record: Record, horizon: str) -> str:
    sides = [record.errors, record.published, record.last, record.season, record.validation]
    sides += [side for side in (record.flow, record.line, record.thinned) if side is not None]
    pairs = [f"{side.mse:.3f} / {side.mae:.3f}" if side is not None else "-" for side in sides]
    errors = record.errors
    shares = [errors.coverage_80, errors.coverage_95, errors.late_coverage_80, errors.late_coverage_95]
    return (
        f"{record.dataset:<17}{horizon:>6}"
        + "".join(f"{one:>16}" for one in pairs[:5])
        + "".join(f"{one:>8.1%}" for one in shares)
        + "".join(f"{one:>16}" for one in pairs[5:])
    )

"""What the long-horizon sets' benchmark writes: one record a horizon, as a table and as measurements."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from benchmarks.accuracy.window_errors import Errors
from benchmarks.measurement import Measurement

CHOSEN = ("context_length", "patch_length", "training_horizons", "dropout", "learning_rate", "anchored", "num_epochs")

HEADER = (
    f"{'dataset':<17}{'h':>6}{'MSE / MAE':>16}{'DUET':>16}{'repeat last':>16}{'repeat season':>16}{'validation':>16}"
    f"{'80 %':>8}{'95 %':>8}{'late 80':>8}{'late 95':>8}"
)
ABLATION_HEADER, REMOVED_HEADER = f"{'flow alone':>16}{'line alone':>16}", f"{'values removed':>16}"


@dataclass(frozen=True)
class Published:
    """Errors in the literature: DUET (KDD 2025), by the same protocol."""

    mse: float
    mae: float


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
        validation: On the validation part, at most some thousand windows of it: what to choose options by. None
            of a version that has learned from it in the end; `refit=none` keeps it from that.
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
    validation: Errors | None
    last: Errors
    season: Errors
    seed: int
    seconds: float
    processor_seconds: float
    num_windows: int
    published: Published | None
    config: dict[str, object]


def measurements(record: Record) -> list[Measurement]:
    """One figure each, with all that is needed to measure it again."""
    sizes = {"dataset": record.dataset, "horizon": record.horizon, "seed": record.seed, "windows": record.num_windows}
    others = {
        "validation_": record.validation,
        "thinned_": record.thinned,
        "flow_alone_": record.flow,
        "line_alone_": record.line,
    }
    sides = {"": record.errors} | {prefix: side for prefix, side in others.items() if side is not None}
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
        known = [side for side in sides if side is not None]
        if len(known) < len(sides):
            return None
        fields_of = [list(asdict(side).values()) for side in known]
        return Errors(*(float(np.mean(column)) for column in zip(*fields_of, strict=True)))

    names = ("errors", "thinned", "flow", "line", "validation", "last", "season", "published")
    means: dict[str, Any] = {name: mean([getattr(record, name) for record in records]) for name in names}
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

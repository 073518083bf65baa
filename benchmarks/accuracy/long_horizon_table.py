"""What the long-horizon sets' benchmark writes: one record a horizon, as a table and as measurements."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from benchmarks.accuracy import published
from benchmarks.accuracy.published import Published
from benchmarks.accuracy.window_errors import Errors
from benchmarks.measurement import Measurement

CHOSEN = ("context_length", "patch_length", "training_horizons", "dropout", "learning_rate", "anchored", "num_epochs")

HEADER = (
    f"{'dataset':<17}{'h':>6}{'MSE / MAE':>16}{'DUET':>16}{'repeat last':>16}{'repeat season':>16}{'validation':>16}"
    f"{'80 %':>8}{'95 %':>8}{'late 80':>8}{'late 95':>8}"
)
ABLATION_HEADER, REMOVED_HEADER = f"{'flow alone':>16}{'line alone':>16}", f"{'values removed':>16}"


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
        published: The published errors by method, where there are any.
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
    published: Mapping[str, Published]
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
    sides = {**record.published, "repeat last": record.last, "repeat season": record.season}
    return {side: getattr(errors, name) for side, errors in sides.items()}


def rows(records: Sequence[Record]) -> list[str]:
    """The table of one version, its mean over horizons last, what its configuration is, and what is published."""
    lines = [_row(record, str(record.horizon)) for record in records]
    if len(records) > 1:
        lines.append(_mean_row(records))
    config = records[0].config
    chosen = "  ".join(f"{name} {config[name]}" for name in CHOSEN)
    spent = f"{records[0].seconds:.0f} s, {records[0].processor_seconds:.0f} s of the processor"
    known = published.rows(records[0].dataset, [record.horizon for record in records])
    return [*lines, f"  seed {records[0].seed}, trained in {spent}  {chosen}", *known]


def _mean_row(records: Sequence[Record]) -> str:
    def mean(sides: Sequence[Errors | Published | None]) -> Errors | None:
        known = [side for side in sides if side is not None]
        if len(known) < len(sides):
            return None
        fields_of = [list(asdict(side).values()) for side in known]
        return Errors(*(float(np.mean(column)) for column in zip(*fields_of, strict=True)))

    names = ("errors", "thinned", "flow", "line", "validation", "last", "season")
    means: dict[str, Any] = {name: mean([getattr(record, name) for record in records]) for name in names}
    best = mean([record.published.get("DUET") for record in records])
    means["published"] = {} if best is None else {"DUET": best}
    return _row(replace(records[0], **means), "mean")


def _row(record: Record, horizon: str) -> str:
    sides = [record.errors, record.published.get("DUET"), record.last, record.season, record.validation]
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

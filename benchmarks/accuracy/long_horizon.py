"""The long-horizon sets: one version is trained for the longest horizon and asked for all of them.

Mean square and mean absolute errors are over all test windows (stride 1, none dropped) and channels. What is chosen is
chosen on the validation part; the test part is looked at once, at the end.
"""

import copy
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.accuracy.long_horizon_sets import LongHorizonSet, last_windows
from benchmarks.accuracy.long_horizon_table import Record
from benchmarks.accuracy.published import PUBLISHED
from benchmarks.accuracy.window_errors import LEVELS, Pasts, errors_of
from model import Checkpoint, Progress, TrainingOptions, fit, select
from model.contexts.scaling import Scale
from model.networks.inference import Predictor
from model.networks.past import Past
from model.networks.precedents import moved
from model.networks.trend import Trend, towards
from model.uncertainty.recent import errors_of_late, misses_of, reach_of

MAX_VALIDATION_WINDOWS = 4096


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
    unseen = {one.choice: one.value for one in checkpoint.manifest.reasons}.get("refit", "none") == "none"
    values = data.values[:, np.argsort(data.names)] if chosen.config.channels else data.values
    for horizon in horizons:
        config = replace(chosen.config, horizon=horizon, training_horizons=())
        share = removed if horizon == horizons[0] else 0.0
        test = last_windows(whole, config, borders.test - borders.validation)
        earlier = last_windows(seen, config, borders.validation - borders.train).thinned(MAX_VALIDATION_WINDOWS)
        version = partial(_version, checkpoint, horizon)
        records.append(
            Record(
                dataset=data.name,
                horizon=horizon,
                errors=errors_of(version, test, values),
                thinned=errors_of(version, test, values, removed=share) if share else None,
                flow=errors_of(partial(version, share=0.0), test, values) if ablation else None,
                line=errors_of(partial(version, share=1.0), test, values) if ablation else None,
                validation=errors_of(version, earlier, values[: borders.validation]) if unseen else None,
                last=errors_of(partial(repeated, 1, horizon), test, values),
                season=errors_of(partial(repeated, config.season_length, horizon), test, values),
                seed=config.seed,
                seconds=round(seconds, 1),
                processor_seconds=round(worked, 1),
                num_windows=len(test) * test.num_channels,
                published=PUBLISHED.get((data.name, horizon), {}),
                config=chosen.config.to_json(),
            )
        )
    return records


def _version(
    checkpoint: Checkpoint, horizon: int, context: Tensor, pasts: Pasts, *, share: float | None = None
) -> tuple[Tensor, Tensor]:
    """The version's answers; with another share of its line, and without precedents, if one is given."""
    config, validation = checkpoint.config, checkpoint.validation
    network = checkpoint.network.to(context.device)
    if share is not None:
        network = copy.deepcopy(network)
        if network.linear is not None:
            network.linear.share.fill_(share)
    predictor = Predictor(
        network,
        block_length=validation.block_length,
        season_length=config.season_length,
        trust=validation.trust,
        width=validation.width,
    )
    raw, line, recent = predictor.quantiles(context, horizon), network.linear, validation.calibration.recent
    if share is not None:
        return predictor.mean(raw), validation.calibration.apply(raw, Scale.of(context).spread)
    is_asked = validation.precedents or validation.trend or recent
    known = pasts(config.season_length, network.period) if is_asked else []
    if validation.trend:
        path = Trend.of(known).path(config.horizon, validation.trust)
        raw = towards(raw, predictor.mean(raw), path, validation.trend, config.season_length)
    if validation.precedents:
        raw = moved(raw.cpu(), validation.precedents, known, config.horizon).to(raw)
    late = None if recent is None or line is None else _late(misses_of(line.weights, recent.steps), known)
    return predictor.mean(raw), validation.calibration.apply(raw, Scale.of(context).spread, late)


def _late(misses: NDArray[np.float64], pasts: Sequence[Past]) -> NDArray[np.float64]:
    """Errors of late before each window, NaN where its series does not go back so far."""
    length = len(misses) - misses.shape[1] + reach_of(misses.shape[1])
    late = np.full(len(pasts), np.nan)
    rows = [number for number, past in enumerate(pasts) if len(past.values) >= length]
    if rows:
        values, observed = (np.stack(ends) for ends in zip(*(_end(pasts[row], length) for row in rows), strict=True))
        late[rows] = errors_of_late(misses, values, observed)
    return late


def _end(past: Past, length: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    return past.values[-length:].numpy(), past.observed[-length:].numpy()


def repeated(period: int, horizon: int, context: Tensor, _pasts: Pasts) -> tuple[Tensor, Tensor]:
    """The last values again and again: the naive forecast, seasonal or not."""
    last = context[:, -min(period, context.shape[1]) :]
    mean = last.repeat(1, -(-horizon // last.shape[1]))[:, :horizon]
    return mean, mean[..., None].expand(-1, -1, len(LEVELS))


def show_epoch(progress: Progress) -> None:
    """Tells a terminal how far a training is."""
    if sys.stderr.isatty():
        text = (
            f"\repoch {progress.epoch}/{progress.num_epochs}, {progress.throughput}, {progress.eta_seconds:.0f} s left"
        )
        print(text, end="", file=sys.stderr, flush=True)

"""What validation windows decide after training: whom to trust, how far a flow goes, how wide intervals are."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from model.configuration.config import TrainingConfig
from model.contexts.scaling import Scale
from model.contexts.splitting import Split
from model.contexts.windows import Windows
from model.networks.inference import Predictor
from model.networks.linear import LinearPath
from model.networks.loss import mean_weights
from model.networks.network import ShootingNetwork
from model.networks.precedents import NO_PRECEDENTS, Precedents, moved
from model.networks.trend import Trend, towards
from model.training.evidence import Kinship
from model.training.lenses import Case, pasts_of, shares_of
from model.training.trusting import CLEARLY_BETTER, Told, best_trust, most_trust, trend_share
from model.uncertainty.calibration import Calibration, Residuals, calibrate
from model.uncertainty.narrowing import best_width
from model.uncertainty.recent import Recent, errors_of_late, misses_of, reach_of, steps_of
from model.uncertainty.sampling import INDEPENDENT, Dependence, dependence_of
from model.uncertainty.yardstick import Yardstick

MAX_WINDOWS = 512
_ROWS = 128
MIN_WINDOWS = 16
MAX_BUCKETS = 16
MIN_BUCKETS = 8
LONGEST_BLOCK_IN_HORIZONS = 8
MAX_LENGTH = 1_000_000


@dataclass(frozen=True)
class Validation:
    """The choices made after training; stored with the checkpoint.

    Attributes:
        block_length: Steps for which a flow is continued before the context moves on; see `inference`.
        calibration: Of the intervals.
        trust: How far forecasts go from the last value towards what the network says; see `inference`.
        width: The share of the network's spreads that calibration starts from; none where the network is not trusted,
            less where its spreads tell nothing of its errors.
        dependence: Of the leads of sample paths and of the channels of a system; none in a version of an earlier
            release.
        precedents: Which have a share in what is said; none in a version of an earlier release.
        levels: Whether histories are moved where they jumped, see `model.contexts.shifts`; not in a version of an
            earlier release.
        trend: The share of going on as on average over the whole history; none in a version of an earlier release.
    """

    block_length: int
    calibration: Calibration
    trust: float = 1.0
    width: float = 1.0
    dependence: Dependence = INDEPENDENT
    precedents: Precedents = NO_PRECEDENTS
    levels: bool = False
    trend: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """The choices as JSON's own types."""
        return {
            "block_length": self.block_length,
            "calibration": self.calibration.to_json(),
            "trust": self.trust,
            "width": self.width,
            "autocorrelations": list(self.dependence.autocorrelations),
            "channel_correlations": [list(row) for row in self.dependence.channel_correlations],
            "precedents": self.precedents.to_json(),
            "levels": self.levels,
            "trend": self.trend,
        }

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "Validation":
        """The choices that `to_json` gave, or those of an earlier release.

        That one trusted every network, or kept the width of one that it did not trust.
        """
        calibration = Calibration.from_json(content["calibration"])
        channels = tuple(tuple(row) for row in content.get("channel_correlations", ()))
        dependence = Dependence(tuple(content.get("autocorrelations", ())), channels)
        trust, width = content.get("trust", 1.0), content.get("width", 1.0)
        precedents = Precedents.from_json(content["precedents"]) if "precedents" in content else NO_PRECEDENTS
        levels, trend = bool(content.get("levels", False)), content.get("trend", 0.0)
        return cls(content["block_length"], calibration, trust, width, dependence, precedents, levels, trend)

    def check(self, config: TrainingConfig) -> None:
        """Refuses choices that no validation of this configuration makes.

        Raises:
            TypeError, ValueError
        """
        calibration = self.calibration
        lengths: tuple[object, ...] = (self.block_length, calibration.bucket_length)
        for length in lengths:
            if not isinstance(length, int) or not 1 <= length <= MAX_LENGTH:
                raise ValueError("lengths")
        calibration.check(len(config.quantile_levels) // 2)
        if calibration.recent:
            calibration.recent.check(config.horizon)
        if not all(0 <= share <= 1 for share in (self.trust, self.width, self.trend)):
            raise ValueError("shares")
        self.dependence.check(len(config.channels))
        self.precedents.check()
        summary = calibration.summary
        counts: tuple[object, ...] = (summary.num_scores, summary.longest_lead)
        if str(summary.method) != summary.method or not all(isinstance(one, int) for one in counts):
            raise TypeError("summary")
        if not all(map(math.isfinite, (summary.nominal, summary.realised_coverage))):
            raise ValueError("coverage")


def validated(
    network: ShootingNetwork, parts: Sequence[Split], config: TrainingConfig, halves: Sequence[Split] = ()
) -> Validation:
    """Chooses the trust in the network, the length of blocks and the shares of precedents, then calibrates.

    Where the network is not trusted at all, intervals are those of the last value: nothing was learned for it, so that
    training windows tell as honestly as validation windows how far it is off, and are far more.

    Args:
        network: Trained.
        parts: The windows by horizon, the longest last.
        config: Of the training.
        halves: The windows of the horizon and of shorter ones, whatever it was trained on.
    """
    longest, by_horizon = parts[-1].validation, _told(network, (*parts, *halves), config)
    judged = list(by_horizon.values())
    trend = 0.0 if config.covariates or config.channels else trend_share(judged)
    trained = [by_horizon[part.validation.horizon] for part in parts if len(part.validation)]
    trust = min(best_trust(trained, trend), most_trust(judged, trend))

    def predictor(block_length: int, width: float = 1.0 if trust else 0.0) -> Predictor:
        season = config.season_length
        return Predictor(network, block_length=block_length, season_length=season, trust=trust, width=width)

    block_length = _best_block_length(predictor, longest, config)
    told = (longest if trust else longest.joined(parts[-1].training)).thinned(MAX_WINDOWS)
    forecasts, width = _said(predictor(block_length), told, trend), 0.0
    if trust:
        width = best_width(Residuals.of(forecasts), config.quantile_levels, _bucket_length(config))
        forecasts = forecasts if width == 1 else _said(predictor(block_length, width), told, trend)
    precedents = _look_back(network, told, config, forecasts)
    residuals = Residuals.of(forecasts)
    yardstick = _yardstick(parts[-1], told, config) if trust else None
    recent = None
    if trust and network.linear is not None and not config.channels and not config.covariates:
        recent, residuals = _followed(network.linear, told, config, residuals)
    calibration = calibrate(residuals, config.quantile_levels, _bucket_length(config), yardstick, recent)
    calibrated = calibration.apply(forecasts[0], torch.ones(len(forecasts[0]), dtype=torch.float64))
    dependence = dependence_of(
        replace(residuals, quantiles=calibrated.numpy()),
        config.quantile_levels,
        num_channels=config.num_channels,
        num_apart=told.num_apart(),
    )
    levels = bool(longest.level_season)
    return Validation(block_length, calibration, trust, width, dependence, precedents, levels, trend)


def _said(predictor: Predictor, windows: Windows, share: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """As `forecasts_of`, with a share of the trend."""
    quantiles, target, known, spread = forecasts_of(predictor, windows)
    if share:
        mean = quantiles @ mean_weights(predictor.network.levels.double()).cpu()
        pasts = pasts_of(windows, _in_time(windows), predictor.season_length, predictor.network.period)
        path = Trend.of(pasts).path(windows.horizon, predictor.trust)
        quantiles = towards(quantiles, mean, path, share, predictor.season_length)
    return quantiles, target, known, spread


def _yardstick(longest: Split, judged: Windows, config: TrainingConfig) -> Yardstick:
    """For some of the validation windows, in time."""
    found = Yardstick.of(judged, longest.training, config.season_length, len(longest.validation) / len(judged))
    rows = torch.arange(len(judged) * judged.num_channels).view(len(judged), -1)
    return found.in_order(rows[_in_time(judged).cpu()].flatten().numpy())


def _followed(
    line: LinearPath, windows: Windows, config: TrainingConfig, residuals: Residuals
) -> tuple[Recent | None, Residuals]:
    """What errors of late say of those of some of the validation windows, and what is left of these then."""
    steps = steps_of(config.horizon, config.season_length)
    misses, parts = misses_of(line.weights, steps), []
    for numbers in _in_time(windows).split(_ROWS):
        values, observed, whole = windows.histories(numbers, reach_of(steps) + windows.context_length)
        found = errors_of_late(misses, values.double().cpu().numpy(), observed.cpu().numpy())
        parts.append(np.where(whole.cpu().numpy(), found, np.nan))
    late = np.concatenate(parts)
    recent = Recent.learned(steps, late, residuals.errors(), residuals.distances(), residuals.known)
    return recent, residuals if recent is None else residuals.over(recent.factors(late))


def _look_back(
    network: ShootingNetwork, windows: Windows, config: TrainingConfig, forecasts: tuple[Tensor, ...]
) -> Precedents:
    """Chooses the shares of precedents, and moves the quantiles of the forecasts by them in place."""
    if not config.precedent_windows:
        return NO_PRECEDENTS
    quantiles, target, known = forecasts[:3]
    numbers = _in_time(windows)
    pasts = pasts_of(windows, numbers, config.season_length, network.period)
    cases = [Case(*case) for case in zip(pasts, quantiles[..., network.median], target, known, strict=True)]
    some = slice(None, None, -(-len(cases) // config.precedent_windows))
    kinship, num_apart = Kinship.of(windows, numbers, windows.horizon)[some], windows.num_apart()
    chosen = shares_of(cases[some], kinship, config.season_length, num_apart=num_apart)
    if chosen:
        quantiles[:] = moved(quantiles, chosen, pasts, config.horizon)
    return chosen


def _in_time(windows: Windows) -> Tensor:
    """The numbers of windows by their cutoffs, counted from the ends of their series."""
    return torch.argsort(windows.starts - windows.ends, stable=True)


def _bucket_length(config: TrainingConfig) -> int:
    """A patch, but no more than a season where that leaves windows enough: what is farther ahead is less sure.

    Nor more than an eighth of the horizon: in one bucket the first leads would be too wide, and the last too narrow.
    """
    most, least = (-(-config.horizon // number) for number in (MIN_BUCKETS, MAX_BUCKETS))
    return min(config.patch_length, max(config.season_length, least), most)


def _told(network: ShootingNetwork, parts: Sequence[Split], config: TrainingConfig) -> dict[int, Told]:
    """What the network by itself says of validation windows, by horizon."""
    predictor = Predictor(network, block_length=config.horizon, season_length=config.season_length)
    weights, told = mean_weights(network.levels.double()).cpu(), {}
    each = {part.validation.horizon: part.validation for part in parts if len(part.validation)}
    for horizon, windows in ((length, one.thinned(MAX_WINDOWS // 2)) for length, one in each.items()):
        quantiles, target, known, spread = forecasts_of(predictor, windows)
        numbers = _in_time(windows)
        trend = Trend.of(pasts_of(windows, numbers, config.season_length, network.period))
        kinship = Kinship.of(windows, numbers, config.horizon)
        told[horizon] = Told(quantiles @ weights, target, known, spread, trend, kinship)
    return told


def _best_block_length(predictor: Callable[[int], Predictor], windows: Windows, config: TrainingConfig) -> int:
    """The one with the least mean square error past the trained horizon, as far as validation reaches.

    The shortest one that is not clearly worse: few windows reach so far, and how a flow goes on past what it was
    trained on may change where it is refitted.
    """
    candidates = [config.horizon << power for power in range(LONGEST_BLOCK_IN_HORIZONS.bit_length())]
    reachable = [length for length in candidates if len(windows.with_horizon(length)) >= MIN_WINDOWS]
    if len(reachable) < 2:
        return config.horizon
    longest = windows.with_horizon(reachable[-1]).thinned(MAX_WINDOWS // 4)

    def error(block_length: int) -> float:
        one = predictor(block_length)
        quantiles, target, known, spread = forecasts_of(one, longest)
        squares = ((quantiles[..., one.network.median] - target) * spread * known).square()
        return float(squares[:, config.horizon :].sum())

    errors = {block_length: error(block_length) for block_length in reachable}
    return next(length for length, one in errors.items() if CLEARLY_BETTER * one <= min(errors.values()))


def forecasts_of(predictor: Predictor, windows: Windows) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Quantiles, targets and which of them are known, in units of each context's spread, and those; by cutoff.

    Contexts are what a forecast sees: moved where they jumped.
    """
    parts = []
    for numbers in _in_time(windows).split(max(1, 128 // windows.num_channels)):
        batch = windows.levelled_batch(numbers)
        scale = Scale.of(batch.context)
        quantiles = predictor.quantiles(scale.remove(batch.context).double(), windows.horizon, batch.inputs)
        parts.append((quantiles, scale.remove(batch.target).double(), batch.known, scale.spread))
    return tuple(torch.cat(column).cpu() for column in zip(*parts, strict=True))  # type: ignore[return-value]

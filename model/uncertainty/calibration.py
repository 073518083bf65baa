"""Conformal intervals by lead time.

Validation windows say how far each interval is moved, and a yardstick says by what factor they were wilder or calmer
than other windows.

Legend: Q quantile levels in pairs (τ, 1 − τ) around the median; a lead bucket is a few steps in a row.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.uncertainty.recent import Recent
from model.uncertainty.yardstick import Yardstick

NOMINAL_COVERAGE = 0.8

LEAST_WIDTH = 0.1
"""The share of its half that an interval keeps on either side, however much it is to be narrowed.

A network that has hardly learned errs less than it says. What one window can give up is more than all that another has:
without a limit the interval of that other window would be a point.
"""


@dataclass(frozen=True)
class CalibrationSummary:
    """How the intervals of a version were calibrated, and how they did.

    Attributes:
        method: `conformal` (conformalized quantile regression), or `none` where validation data were too few.
        num_scores: Validation residuals behind it.
        longest_lead: Steps up to which it holds.
        nominal: The coverage intended, e.g. 0.8.
        realised_coverage: What the nominal interval covered on data that calibration did not use.
    """

    method: str
    num_scores: int
    longest_lead: int
    nominal: float
    realised_coverage: float


_UNTRIED = CalibrationSummary("none", 0, 0, NOMINAL_COVERAGE, 0.0)


@dataclass(frozen=True)
class Calibration:
    """By how much each interval is widened, in units of the context's spread.

    Romano, Patterson, Candès, "Conformalized Quantile Regression", NeurIPS 2019; here by bucket of lead times.

    Attributes:
        bucket_length: Steps of a bucket.
        widenings: For each bucket the widening of each pair of levels, from the outermost to the innermost one.
        summary: What it was learned from, and how it did.
        factors: For each bucket by what the widened halves of each pair are multiplied; none in a version of an earlier
            release.
        recent: How errors of late widen intervals; None where nothing tells, and in a version of an earlier release.
        restored: For each lead by what the distance of each level from the median is multiplied before all that; none
            where the network is the one that was judged. See `widths`.
    """

    bucket_length: int
    widenings: tuple[tuple[float, ...], ...]
    summary: CalibrationSummary
    factors: tuple[tuple[float, ...], ...] = ()
    recent: Recent | None = None
    restored: tuple[float, ...] = ()

    def apply(self, quantiles: Tensor, spread: Tensor, late: NDArray[np.float64] | None = None) -> Tensor:
        """Quantiles (batch, horizon, Q) moved outwards, or inwards by less than to the median, still ascending.

        Leads past the last bucket are widened as in the one that widens most, so that no interval narrows there.

        Args:
            quantiles: Of each lead.
            spread: Of each context; shape (batch, 1).
            late: Errors of late, for `recent`, NaN where unknown; shape (batch,). None where they all are.
        """
        if not self.widenings:
            return quantiles
        # One level after the other: what is computed then lies side by side.
        levels = quantiles.movedim(-1, 0).contiguous()
        median = len(levels) // 2
        if self.restored:
            levels = torch.lerp(levels[median], levels, self._restored(quantiles.shape[1]).to(quantiles))
        kept = torch.lerp(levels[median], levels, LEAST_WIDTH)
        moved = levels + self._shifts(quantiles.shape[1]).to(quantiles)[:, None] * spread.view(1, -1, 1)
        below, above = moved[:median], moved[median + 1 :]
        moved[median] = levels[median]
        torch.minimum(below, kept[:median], out=below)
        torch.maximum(above, kept[median + 1 :], out=above)
        weights = [self._multiplied(quantiles.shape[1]).to(quantiles)[:, None]] if self.factors else []
        if self.recent and late is not None:
            weights.append(torch.from_numpy(self.recent.factors(late)).to(quantiles)[:, None])
        if weights:
            moved = torch.lerp(levels[median], moved, math.prod(weights[1:], start=weights[0]))
        paths = moved.unbind()
        for inner, outer in pairwise(reversed(paths[:median])):
            torch.minimum(outer, inner, out=outer)
        for inner, outer in pairwise(paths[median + 1 :]):
            torch.maximum(outer, inner, out=outer)
        return moved.movedim(0, -1)

    def loss(self, residuals: "Residuals", levels: tuple[float, ...]) -> float:
        """The sum of pinball losses over observed targets and all levels, in units of each context's spread."""
        quantiles = torch.from_numpy(residuals.quantiles)
        over = residuals.target[..., None] - self.apply(quantiles, quantiles.new_ones(len(quantiles), 1)).numpy()
        losses = np.maximum(np.array(levels) * over, (np.array(levels) - 1) * over)
        return float(losses[residuals.known].sum())

    def _shifts(self, horizon: int) -> Tensor:
        """By how much each level is moved at each lead; shape (Q, horizon)."""
        return self._signed[:, self._buckets(horizon)]

    def _multiplied(self, horizon: int) -> Tensor:
        """By what the distance of each level from the median is multiplied at each lead; shape (Q, horizon)."""
        return self._symmetric[:, self._buckets(horizon)]

    def _restored(self, horizon: int) -> Tensor:
        """By what distances from the median are multiplied first; shape (horizon,)."""
        table = torch.tensor([*self.restored, max(self.restored)], dtype=torch.float64)
        return table[torch.arange(horizon).clamp_max(len(self.restored))]

    def _buckets(self, horizon: int) -> Tensor:
        """The bucket of each lead; past the last one, one more."""
        return (torch.arange(horizon) // self.bucket_length).clamp_max(len(self.widenings))

    @cached_property
    def _signed(self) -> Tensor:
        """By how much each level is moved in each bucket, and past the last one; shape (Q, buckets + 1)."""
        table = _and_most(self.widenings)
        return torch.cat([-table, table.new_zeros(1, table.shape[1]), table.flip(0)])

    @cached_property
    def _symmetric(self) -> Tensor:
        """The factor of each level in each bucket, and past the last one; shape (Q, buckets + 1)."""
        table = _and_most(self.factors)
        return torch.cat([table, table.new_ones(1, table.shape[1]), table.flip(0)])

    def check(self, num_pairs: int) -> None:
        """Refuses what no validation gives, which a version from elsewhere may have.

        Raises:
            ValueError
        """
        if not all(len(row) == num_pairs for row in (*self.widenings, *self.factors)):
            raise ValueError("pairs")
        if self.factors and len(self.factors) != len(self.widenings):
            raise ValueError("factors")
        if not all(math.isfinite(one) for row in self.widenings for one in row):
            raise ValueError("widenings")
        if not all(0 < one < math.inf for row in (*self.factors, self.restored) for one in row):
            raise ValueError("factors")

    def to_json(self) -> dict[str, Any]:
        """The calibration as JSON's own types."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "Calibration":
        """The calibration that `to_json` gave."""
        recent = content.get("recent")
        return cls(
            content["bucket_length"],
            tuple(tuple(row) for row in content["widenings"]),
            CalibrationSummary(**content["summary"]),
            tuple(tuple(row) for row in content.get("factors", ())),
            None if recent is None else Recent(**recent),
            tuple(content.get("restored", ())),
        )


def _and_most(rows: tuple[tuple[float, ...], ...]) -> Tensor:
    """A row for each pair, with what each bucket has, and the largest of them last."""
    table = torch.tensor(rows, dtype=torch.float64).T
    return torch.cat([table, table.amax(1, keepdim=True)], dim=1)


@dataclass(frozen=True, eq=False)
class Residuals:
    """Validation forecasts beside what happened, in units of each context's spread, ordered in time.

    Attributes:
        quantiles: Shape (windows, horizon, Q).
        target: Shape (windows, horizon).
        known: Which targets were observed; shape (windows, horizon).
    """

    quantiles: NDArray[np.float64]
    target: NDArray[np.float64]
    known: NDArray[np.bool_]

    @classmethod
    def of(cls, forecasts: Sequence[Tensor]) -> "Residuals":
        """From quantiles, targets and which of these are known."""
        quantiles, target, known = (one.numpy() for one in forecasts[:3])
        return cls(quantiles, target, known)

    def part(self, windows: slice) -> "Residuals":
        """Some of the windows."""
        return Residuals(self.quantiles[windows], self.target[windows], self.known[windows])

    def errors(self) -> NDArray[np.float64]:
        """How far each median is off."""
        return np.abs(self.target - self._medians())

    def distances(self) -> NDArray[np.float64]:
        """How far quantiles lie from each median, in their mean."""
        return np.asarray(np.abs(self.quantiles - self._medians()[..., None]).mean(-1))

    def over(self, factors: NDArray[np.float64]) -> "Residuals":
        """As if each window's targets lay so many times nearer to their medians; shape (windows,)."""
        medians = self._medians()
        return replace(self, target=medians + (self.target - medians) / factors[:, None])

    def narrowed(self, width: float) -> "Residuals":
        """As if quantiles lay so many times as far from their medians."""
        medians = self._medians()[..., None]
        return replace(self, quantiles=medians + width * (self.quantiles - medians))

    def _medians(self) -> NDArray[np.float64]:
        return self.quantiles[..., self.quantiles.shape[-1] // 2]


def calibrate(
    residuals: Residuals,
    levels: tuple[float, ...],
    bucket_length: int,
    yardstick: Yardstick | None = None,
    recent: Recent | None = None,
) -> Calibration:
    """Learns the widenings from all windows; how well such widenings cover, from one half tried on the other.

    Args:
        residuals: At least two windows; with fewer nothing is calibrated.
        levels: The quantile levels, symmetric around 0.5.
        bucket_length: Steps of a bucket of lead times.
        yardstick: For the same windows; without it they count as neither wilder nor calmer than others.
        recent: By whose factors the residuals were divided.
    """
    num_windows, horizon = residuals.target.shape
    half = num_windows // 2
    if half == 0:
        return Calibration(bucket_length, (), _UNTRIED)
    first, rest = slice(None, half), slice(half, None)
    tried = _learned(residuals.part(first), levels, bucket_length, yardstick and yardstick.part(first))
    realised = _coverage(residuals.part(rest), levels, tried)
    scores = int(residuals.known.sum())
    summary = CalibrationSummary("conformal", scores, horizon, NOMINAL_COVERAGE, realised)
    return replace(_learned(residuals, levels, bucket_length, yardstick), summary=summary, recent=recent)


def _learned(residuals: Residuals, levels: tuple[float, ...], bucket: int, yardstick: Yardstick | None) -> Calibration:
    buckets = [slice(first, first + bucket) for first in range(0, residuals.target.shape[1], bucket)]
    widenings = tuple(
        tuple(_widening(residuals, pair, 2 * levels[pair], leads) for pair in _pairs(levels)) for leads in buckets
    )
    if yardstick is None:
        return Calibration(bucket, widenings, _UNTRIED)
    errors = residuals.errors()
    coverages = [1 - 2 * levels[pair] for pair in _pairs(levels)]
    factors = tuple(yardstick.factors(errors, coverages, leads) for leads in buckets)
    return Calibration(bucket, widenings, _UNTRIED, factors)


def _widening(residuals: Residuals, pair: int, miss: float, leads: slice) -> float:
    """The conformal quantile of `max(lower − y, y − upper)`."""
    scores = _scores(residuals, pair)[:, leads][residuals.known[:, leads]]
    if len(scores) == 0:
        return 0.0
    rank = min(1.0, np.ceil((len(scores) + 1) * (1 - miss)) / len(scores))
    return float(np.quantile(scores, rank, method="higher"))


def _coverage(residuals: Residuals, levels: tuple[float, ...], calibration: Calibration) -> float:
    pair = levels.index(round((1 - NOMINAL_COVERAGE) / 2, 6))
    quantiles = torch.from_numpy(np.array(residuals.quantiles))
    moved = calibration.apply(quantiles, quantiles.new_ones(len(quantiles), 1)).numpy()
    covered = (residuals.target >= moved[..., pair]) & (residuals.target <= moved[..., -1 - pair])
    return float(covered[residuals.known].mean()) if residuals.known.any() else 0.0


def _scores(residuals: Residuals, pair: int) -> NDArray[np.float64]:
    lower, upper = residuals.quantiles[..., pair], residuals.quantiles[..., -1 - pair]
    return np.asarray(np.maximum(lower - residuals.target, residuals.target - upper))


def _pairs(levels: tuple[float, ...]) -> range:
    return range(len(levels) // 2)

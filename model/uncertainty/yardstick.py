"""How much wilder validation windows were than others, by a forecast that learns nothing.

Only validation windows tell how far a trained network is off: it errs less on what it has learned. They are few, and
may have been a wild time or a calm one. A forecast that learns nothing errs alike on all windows, so that its own
errors tell which. That makes it a control variate, as in the regression estimators of surveys (Cochran, "Sampling
Techniques", 1977, chapter 7):

    factor = (quantile of its errors over all windows / quantile of its errors over validation windows) ^ β

where β, from 0 to 1, is the slope of the logarithm of the version's errors on that of its own, window by window.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.contexts.scaling import Scale
from model.contexts.windows import Windows

MAX_OTHERS = 2048
"""Training windows that are looked at."""

LARGEST_FACTOR = 2.0
"""Never wider than this many times what validation windows say, nor narrower than one part of so many."""

LEAST_WINDOWS = 8
"""With fewer nothing tells how errors go together."""

_LEAST_ERROR = 1e-6
_ROWS = 256


@dataclass(frozen=True, eq=False)
class Yardstick:
    """The errors of a forecast that learns nothing: halfway between level, last season and last value of a context.

    Attributes:
        judged: On validation windows, in units of each context's spread, NaN where nothing was observed; shape
            (windows, horizon).
        others: On training windows; shape (others, horizon).
        weight: How many training windows one of `others` stands for, in units of that of `judged`.
    """

    judged: NDArray[np.float64]
    others: NDArray[np.float64]
    weight: float

    @classmethod
    def of(cls, judged: Windows, others: Windows, season_length: int, weight: float) -> "Yardstick":
        """The errors on windows.

        Args:
            judged: Validation windows.
            others: All training windows.
            season_length: Steps of a season.
            weight: How many validation windows one of `judged` stands for.
        """
        some = others.thinned(MAX_OTHERS)
        share = len(others) / max(1, len(some)) / weight
        return cls(_errors(judged, season_length), _errors(some, season_length), share)

    def part(self, windows: slice) -> "Yardstick":
        """With some of the validation windows."""
        return replace(self, judged=self.judged[windows])

    def in_order(self, numbers: NDArray[np.intp]) -> "Yardstick":
        """With the validation windows in another order."""
        return replace(self, judged=self.judged[numbers])

    def factors(self, errors: NDArray[np.float64], coverages: Sequence[float], leads: slice) -> tuple[float, ...]:
        """By what to multiply what validation windows say of intervals.

        Args:
            errors: Of the version on the validation windows; what was not observed does not count; shape (windows,
                horizon).
            coverages: Of the intervals.
            leads: Which.
        """
        judged, others = (_known(one[:, leads]) for one in (self.judged, self.others))
        power = slope(errors[:, leads], self.judged[:, leads])
        if power == 0 or len(others) == 0:
            return (1.0,) * len(coverages)
        weights = np.concatenate([np.ones(len(judged)), np.full(len(others), self.weight)])
        everywhere = _quantiles(np.concatenate([judged, others]), weights, coverages)
        here = _quantiles(judged, weights[: len(judged)], coverages)
        ratios = np.maximum(everywhere, _LEAST_ERROR) / np.maximum(here, _LEAST_ERROR)
        factors = np.clip(ratios**power, 1 / LARGEST_FACTOR, LARGEST_FACTOR)
        return tuple(round(float(one), 6) for one in factors)


@torch.inference_mode()
def _errors(windows: Windows, season_length: int) -> NDArray[np.float64]:
    parts = [np.empty((0, windows.horizon))]
    for numbers in windows.groups(_ROWS):
        batch = windows.batch(numbers)
        scale = Scale.of(batch.context)
        context, target = scale.remove(batch.context).double(), scale.remove(batch.target).double()
        errors = (target - _said(context, windows.horizon, season_length)).abs()
        parts.append(errors.masked_fill(~batch.known, torch.nan).cpu().numpy())
    return np.concatenate(parts)


def _said(context: Tensor, horizon: int, season_length: int) -> Tensor:
    """The mean of the context's level, which is 0, of its last value and of its last season."""
    season = context[:, -season_length:]
    repeated = season.repeat(1, -(-horizon // season.shape[1]))[:, :horizon]
    return (context[:, -1:] + repeated) / 3


def _known(errors: NDArray[np.float64]) -> NDArray[np.float64]:
    return errors[~np.isnan(errors)]


def slope(errors: NDArray[np.float64], plain: NDArray[np.float64]) -> float:
    """Of the logarithm of each window's errors on that of the plain ones, from 0 to 1; 0 where nothing tells."""
    known = ~np.isnan(plain)
    rows = known.any(1)
    if rows.sum() < LEAST_WINDOWS:
        return 0.0
    counts = known[rows].sum(1)
    logs = [np.log(np.where(known[rows], one[rows], 0).sum(1) / counts + _LEAST_ERROR) for one in (errors, plain)]
    (_, covariance), (_, variance) = np.cov(*logs)
    return float(np.clip(covariance / variance, 0, 1)) if variance > _LEAST_ERROR else 0.0


def _quantiles(
    values: NDArray[np.float64], weights: NDArray[np.float64], levels: Sequence[float]
) -> NDArray[np.float64]:
    """The smallest values that reach a share of the whole weight."""
    order = np.argsort(values)
    shares = np.cumsum(weights[order]) / weights.sum()
    places = np.searchsorted(shares, np.asarray(levels))
    return np.asarray(values[order][np.minimum(places, len(values) - 1)])

"""How far off forecasts of a series were of late: whether this is a hard time for it, or an easy one.

Widths learned on validation windows are those of one time and of all series together. The windows of a series that
ended just before a forecast are of its own time. By how much they are missed is told by the version's line, which costs
next to nothing: from two earlier cutoffs. Intervals are then so many times as wide as usual:

    factor = (error of the line of late / what is usual before validation windows) ^ exponent

and what calibration learns is divided by it, as in conformal intervals around residuals that are scaled by an estimate
of their size (Lei and others, "Distribution-Free Predictive Inference for Regression", 2018). Validation windows are
few, so that the version's errors are taken to grow with the line's errors of late by a power halfway between 0.7
and their slope there, in logarithms. The version's quantiles may tell hard times from easy ones by themselves: by what
power they lie farther apart then is taken off.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from model.uncertainty.yardstick import LEAST_WINDOWS, slope

LARGEST_RATIO = 3.0
"""Times usual that errors of late count for at most; at least one part of so many."""

_LEAST_ERROR = 1e-6
_ROUNDING = 1e-12
_USUAL_EXPONENT = 0.7
_PART_OF_HORIZON = 8
_FARTHEST_USUAL = 100


def steps_of(horizon: int, season_length: int) -> int:
    """Leads that are looked at: the first eighth of the trained horizon, a season if that is longer."""
    return min(horizon, max(season_length, horizon // _PART_OF_HORIZON))


def reach_of(steps: int) -> int:
    """Steps before a context that are needed: the leads, and half of them for an earlier look."""
    return steps + max(1, steps // 2)


def misses_of(weights: Float[Tensor, "context horizon"], steps: int) -> NDArray[np.float64]:
    """The map from a context and what comes after it to how far a line misses that; shape (context + steps, steps).

    Args:
        weights: From a context less its level to what comes after it less that level.
        steps: How many.
    """
    shape = weights[:, :steps].detach().cpu().double().numpy()
    said = shape - shape.mean(0) + 1 / len(shape)
    return np.concatenate([-said, np.eye(steps)])


def errors_of_late(
    misses: NDArray[np.float64], values: NDArray[np.float64], observed: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """The mean absolute error of a line from two earlier cutoffs, in units of the spread until the last of them.

    Args:
        misses: What `misses_of` gave.
        values: The end of each history: as many steps as `reach_of` says, and a context; shape (batch, whole).
        observed: Where there was an observation; shape (batch, whole).

    Returns:
        NaN where unknown; shape (batch,).
    """
    # Values too large for a forecast are refused with its name; here they are unknown.
    with np.errstate(over="ignore", invalid="ignore"):
        return _mean_misses(misses, values, observed)


def _mean_misses(
    misses: NDArray[np.float64], values: NDArray[np.float64], observed: NDArray[np.bool_]
) -> NDArray[np.float64]:
    steps = misses.shape[1]
    gap = reach_of(steps) - steps
    both = np.concatenate([values[:, gap:], values[:, :-gap]])
    missed = np.abs(both @ misses).reshape(2, len(values), steps)
    spread = values[:, :-steps].std(1)
    spread[(spread <= _ROUNDING * np.abs(values[:, -1])) | np.isinf(spread)] = np.nan
    if observed.all():
        return np.asarray(missed.mean((0, 2)) / spread)
    known = np.stack([observed[:, -steps:], observed[:, -steps - gap : -gap]])
    counts = known.sum((0, 2))
    return np.where(counts, (missed * known).sum((0, 2)) / np.maximum(counts, 1) / spread, np.nan)


@dataclass(frozen=True)
class Recent:
    """What errors of late say of the width of intervals.

    Attributes:
        steps: Leads that are looked at.
        usual: The mean logarithm of errors of late before validation windows.
        exponent: How far intervals follow them, from 0 to 1.
    """

    steps: int
    usual: float
    exponent: float

    @classmethod
    def learned(
        cls,
        steps: int,
        late: NDArray[np.float64],
        errors: NDArray[np.float64],
        distances: NDArray[np.float64],
        known: NDArray[np.bool_],
    ) -> "Recent | None":
        """From validation windows; None where errors of late are known of too few.

        Args:
            steps: Leads that were looked at.
            late: Errors of late before each window, NaN where unknown; shape (windows,).
            errors: Of the version; shape (windows, horizon).
            distances: Of its quantiles from its median, in their mean; shape (windows, horizon).
            known: Which targets were observed; shape (windows, horizon).
        """
        both = known.any(1) & (late > _LEAST_ERROR)
        if both.sum() < LEAST_WINDOWS:
            return None
        counts = known[both].sum(1, keepdims=True)
        means = (np.where(known, each, 0)[both].sum(1, keepdims=True) / counts for each in (errors, distances))
        missed, said = (slope(each, late[both, None]) for each in means)
        exponent = max(0.0, (_USUAL_EXPONENT + missed) / 2 - said)
        return cls(steps, round(float(np.log(late[both]).mean()), 6), round(exponent, 6))

    def factors(self, late: NDArray[np.float64]) -> NDArray[np.float64]:
        """By what the intervals of each window are multiplied, given its errors of late; 1 where those are unknown."""
        known = late > _LEAST_ERROR
        ratios = np.where(known, late, 1.0) / math.exp(self.usual)
        ratios = np.minimum(np.maximum(ratios, 1 / LARGEST_RATIO), LARGEST_RATIO)
        return np.where(known, ratios**self.exponent, 1.0)

    def check(self, horizon: int) -> None:
        """Refuses what no validation gives, which a version from elsewhere may have.

        Args:
            horizon: Of the line.

        Raises:
            TypeError, ValueError
        """
        steps: object = self.steps
        if not isinstance(steps, int) or not 1 <= steps <= horizon:
            raise ValueError("steps")
        if not abs(self.usual) <= _FARTHEST_USUAL or not 0 <= self.exponent <= 1:
            raise ValueError("recent")

"""How far a forecast was from what happened.

Definitions as in Hyndman and Koehler, "Another look at measures of forecast accuracy", 2006, and the M4 competition.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

_ROUNDING = 1e-12
"""Differences up to so much of the largest value are no differences."""


def mae(truth: Values, forecast: Values) -> float:
    """Mean absolute error."""
    return float(np.abs(truth - forecast).mean())


def smape(truth: Values, forecast: Values) -> float:
    """Symmetric mean absolute percentage error, from 0 to 200; 0 where both are 0."""
    total = np.abs(truth) + np.abs(forecast)
    return float(200 * np.divide(np.abs(truth - forecast), total, out=np.zeros_like(total), where=total > 0).mean())


def seasonal_error(history: Values, observed: NDArray[np.bool_], season_length: int) -> float:
    """Mean absolute difference of observations one season apart: the unit of MASE.

    Where no two such observations exist, or all of them agree but for rounding, differences from step to step take
    their place, and at last those from the mean; so it is zero for a constant history only.
    """
    rounding = _ROUNDING * float(np.abs(history[observed]).max(initial=0.0))
    for lag in (season_length, 1):
        both = observed[lag:] & observed[:-lag]
        differences = np.abs(history[lag:] - history[:-lag])[both]
        if (differences > rounding).any():
            return float(differences.mean())
    known = history[observed]
    spread = float(np.abs(known - known.mean()).mean())
    return spread if spread > rounding else 0.0


def pinball(truth: Values, quantiles: Mapping[float, Values]) -> float:
    """Mean pinball loss over the quantile levels."""
    losses = [np.maximum(level * (truth - q), (level - 1) * (truth - q)).mean() for level, q in quantiles.items()]
    return float(np.mean(losses))


def coverage(truth: Values, lower: Values, upper: Values) -> float:
    """Share of the truth inside the interval, its ends included."""
    return float(((truth >= lower) & (truth <= upper)).mean())

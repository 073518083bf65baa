"""How much of a network's spreads intervals start from, where they say less of its errors than nothing at all.

A flow that learned its training windows by heart spreads its quantiles by what is no sign of its errors; a widening by
calibration, which is the same for all windows, leaves that as it is. Validation windows tell: one half calibrates and
the other judges, either way.
"""

import numpy as np

from model.uncertainty.calibration import Residuals, calibrate

WIDTHS = (1.0, 0.5, 0.25, 0.0)
"""Shares of the spreads, as they are first."""

CLEARLY_BETTER = 0.95
"""Times the loss with all of them: few windows tell, and not much is to be won."""

LEAST_WINDOWS = 16
MOST_WINDOWS = 128


def best_width(residuals: Residuals, levels: tuple[float, ...], bucket_length: int) -> float:
    """The share of the spreads with which calibrated quantiles lose least; all of them unless that is clearly less.

    Args:
        residuals: Of validation windows, in time.
        levels: The quantile levels, symmetric around 0.5.
        bucket_length: Steps of a bucket of lead times.
    """
    if len(residuals.target) < LEAST_WINDOWS:
        return WIDTHS[0]
    some = residuals.part(slice(None, None, -(-len(residuals.target) // MOST_WINDOWS)))
    losses = [_loss(some.narrowed(width), levels, bucket_length) for width in WIDTHS]
    best = int(np.argmin(losses))
    return WIDTHS[best] if losses[best] < CLEARLY_BETTER * losses[0] else WIDTHS[0]


def _loss(residuals: Residuals, levels: tuple[float, ...], bucket_length: int) -> float:
    """The pinball loss of either half, calibrated by the other."""
    half = len(residuals.target) // 2
    first, rest = residuals.part(slice(None, half)), residuals.part(slice(half, None))
    return sum(
        calibrate(one, levels, bucket_length).loss(other, levels) for one, other in ((first, rest), (rest, first))
    )

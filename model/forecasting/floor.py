"""Below what no forecast goes: zero, where neither the data of a training nor the history at hand were ever negative.

Observations that are never negative lie at least as near to a value raised to zero as to the value itself, and above
the lower end of an interval that is raised to it exactly where they were: raising costs no method any accuracy.
"""

import numpy as np
from numpy.typing import NDArray


def floors_of(context: NDArray[np.float64], floor: str) -> NDArray[np.float64]:
    """The lowest value that forecasts of each history may have.

    Args:
        context: Histories, as far as the network sees them; shape (batch, context).
        floor: One of `model.configuration.config.Floor`.

    Returns:
        0, or −∞ where there is none; shape (batch,).
    """
    if floor == "none":
        return np.full(len(context), -np.inf)
    return np.where(context.min(1) >= 0, 0.0, -np.inf)

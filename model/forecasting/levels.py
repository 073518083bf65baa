"""Quantiles at the levels that are asked for, from those at the levels that a version learned."""

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray


def at_levels(
    wanted: Sequence[tuple[float, ...]], known: tuple[float, ...], quantiles: NDArray[np.float64]
) -> list[NDArray[np.float64]]:
    """Each series' quantiles at its own levels, in one product for all that are asked for the same; they do not cross.

    Args:
        wanted: The levels of each, ascending.
        known: The levels of the quantiles, ascending.
        quantiles: Shape (series, steps, known levels).

    Returns:
        Of each, shape (levels, steps).
    """
    alike: dict[tuple[float, ...], list[int]] = defaultdict(list)
    for number, levels in enumerate(wanted):
        alike[levels].append(number)
    found: dict[int, NDArray[np.float64]] = {}
    for levels, numbers in alike.items():
        mixed = quantiles.take(numbers, axis=0) @ _mixture(known, levels)
        paths = np.ascontiguousarray(mixed.swapaxes(1, 2))
        found.update(zip(numbers, np.maximum.accumulate(paths, axis=1, out=paths), strict=True))
    return [found[number] for number in range(len(wanted))]


@lru_cache(maxsize=256)
def _mixture(known: tuple[float, ...], wanted: tuple[float, ...]) -> NDArray[np.float64]:
    """How quantiles at other levels are mixed from the known ones; shape (known, wanted).

    Linear in the normal score of the level, continued in the tails.
    """
    score = NormalDist().inv_cdf
    known_scores = np.array([score(level) for level in known])
    scores = np.array([score(level) for level in wanted])
    right = np.clip(np.searchsorted(known_scores, scores), 1, len(known) - 1)
    share = (scores - known_scores[right - 1]) / (known_scores[right] - known_scores[right - 1])
    mixture = np.zeros((len(known), len(wanted)))
    columns = np.arange(len(wanted))
    mixture[right - 1, columns], mixture[right, columns] = 1 - share, share
    return mixture

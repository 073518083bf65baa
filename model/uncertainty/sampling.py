"""Sample paths: futures of a series that go together, each lead distributed as its quantiles say.

A path is a Gaussian copula over leads: standard normal scores z(1), z(2), … that depend on each other as the scores of
validation residuals did, and at each lead the quantile of its score. The scores are an autoregressive process, the one
with the autocorrelations that were seen (Yule and Walker, by the recursion of Levinson and Durbin). It starts in its
stationary distribution, so that every score is standard normal, and each marginal is what the quantiles say.

The channels of a system are drawn together: the correlation of two channels' scores is that of two leads times that of
the two channels. What was seen of the latter is shrunk towards independence, by how far chance alone would go.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from model.uncertainty.calibration import Residuals

MAX_LAGS = 24
"""Leads over which scores depend on each other directly."""

_FARTHEST = 3.0
"""Scores of residuals beyond count as this: tails are extrapolated, and one outlier is not to rule a correlation."""

_MOST_DEPENDENT = 0.99

Correlations = tuple[tuple[float, ...], ...]
"""Those of each channel with the ones before it: the rows of a matrix left of its diagonal."""


@dataclass(frozen=True)
class Dependence:
    """How the scores of leads depend on each other, and those of the channels of a system.

    Attributes:
        autocorrelations: Of scores one step apart, two steps, and so on; none where nothing was seen.
        channel_correlations: Of the scores of channels at the same lead; none where channels do not depend on each
            other, or each series is by itself.
    """

    autocorrelations: tuple[float, ...] = ()
    channel_correlations: Correlations = ()

    def scores(self, num_steps: int, num_samples: int, seed: int, item_ids: tuple[str, ...]) -> NDArray[np.float64]:
        """Scores of so many leads and paths; those of a lead do not depend on how many leads come after it.

        Args:
            num_steps: Leads.
            num_samples: Paths.
            seed: The same one gives the same paths.
            item_ids: Of all channels of a system, in its order, or of a series by itself. They have noise of their own
                under the same seed.

        Returns:
            Standard normal each; shape (series, num_steps, num_samples).
        """
        scores = np.stack([self._scores(num_steps, num_samples, seed, one) for one in item_ids])
        return np.tensordot(self._mixing, scores, axes=1) if self.channel_correlations else scores

    def check(self, num_channels: int) -> None:
        """Refuses what no residuals give, which a version from elsewhere may have.

        Args:
            num_channels: Of the system; 0 where each series is by itself.

        Raises:
            TypeError, ValueError
        """
        if len(self.autocorrelations) > MAX_LAGS or not all(-1 <= one <= 1 for one in self.autocorrelations):
            raise ValueError("autocorrelations")
        rows = self.channel_correlations
        if not rows:
            return
        if len(rows) != num_channels or any(len(row) != number for number, row in enumerate(rows)):
            raise ValueError("channels")
        if not all(-1 <= one <= 1 for row in rows for one in row):
            raise ValueError("channel correlations")
        # LinAlgError, a ValueError, where they are not positive definite.
        _ = self._mixing

    def _scores(self, num_steps: int, num_samples: int, seed: int, item_id: str) -> NDArray[np.float64]:
        """Of one series, as if it depended on no other."""
        named = int.from_bytes(hashlib.sha256(item_id.encode()).digest()[:8], "big")
        noise = np.random.default_rng([seed, named]).standard_normal((num_steps, num_samples))
        orders = self._orders
        for step in range(num_steps):
            weights, spread = orders[min(step, len(orders) - 1)]
            noise[step] *= spread
            if len(weights):
                noise[step] += weights @ noise[step - len(weights) : step][::-1]
        return noise

    @cached_property
    def _mixing(self) -> NDArray[np.float64]:
        """What turns independent scores of channels into correlated ones; shape (channels, channels)."""
        lower = np.eye(len(self.channel_correlations))
        for number, row in enumerate(self.channel_correlations):
            lower[number, :number] = row
        # Of a symmetric matrix only the lower triangle is read.
        return np.linalg.cholesky(lower).astype(np.float64)

    @cached_property
    def _orders(self) -> list[tuple[NDArray[np.float64], float]]:
        """The weights of the last 0, 1, 2, … scores in the next one, nearest first, and the spread of what is new."""
        weights, variance = np.empty(0), 1.0
        found = [(weights, 1.0)]
        for lag, correlation in enumerate(self.autocorrelations):
            past = np.array(self.autocorrelations[:lag])
            reflection = (correlation - weights @ past[::-1]) / variance
            reflection = float(np.clip(reflection, -_MOST_DEPENDENT, _MOST_DEPENDENT))
            weights = np.append(weights - reflection * weights[::-1], reflection)
            variance *= 1 - reflection**2
            found.append((weights, float(np.sqrt(variance))))
        return found

    @property
    def next_correlation(self) -> float:
        """The correlation of neighbouring scores."""
        return float(self._orders[1][0][0]) if self.autocorrelations else 0.0


INDEPENDENT = Dependence()


def dependence_of(
    residuals: Residuals, levels: tuple[float, ...], *, num_channels: int = 1, num_apart: int = 1
) -> Dependence:
    """The autocorrelations over leads of the scores of residuals, the level of a whole window's error among them.

    Args:
        residuals: Validation forecasts, calibrated, beside what happened; of a system all channels of each window in
            a row.
        levels: Of their quantiles.
        num_channels: Of the system; 1 where each series is by itself.
        num_apart: How many of the windows have targets that do not overlap.
    """
    scores = _scores_of(residuals, levels)
    known = residuals.known
    variance = float((scores**2)[known].mean()) if known.any() else 0.0
    if variance < 1e-6:
        return Dependence()
    found = []
    for lag in range(1, min(MAX_LAGS, scores.shape[1] - 1) + 1):
        both = known[:, lag:] & known[:, :-lag]
        if not both.any():
            break
        products = scores[:, lag:] * scores[:, :-lag]
        found.append(round(float(np.clip(products[both].mean() / variance, -1, 1)), 6))
    by_channel = np.where(known, scores, 0).reshape(-1, num_channels, scores.shape[1]).swapaxes(0, 1)
    return Dependence(tuple(found), _correlations(by_channel.reshape(num_channels, -1), num_apart))


def _correlations(scores: NDArray[np.float64], num_apart: int) -> Correlations:
    """Of channels, shrunk towards independence by the share of them that chance alone would give.

    Of n independent pairs a correlation r has the variance (1 - r²)² / n; the sum of those over the sum of r² is the
    share (Schäfer, Strimmer, 2005). It is at least 1 / n: one window tells nothing.

    Args:
        scores: 0 where unknown, so that what was not seen together counts as independent and the matrix is positive
            semidefinite; shape (channels, scores).
        num_apart: The n above: windows whose targets do not overlap.
    """
    if len(scores) < 2:
        return ()
    lengths = np.sqrt((scores**2).sum(1, keepdims=True))
    directions = np.divide(scores, lengths, out=np.zeros_like(scores), where=lengths > 0)
    seen = np.clip(directions @ directions.T, -1, 1)
    squares = seen[np.tril_indices(len(seen), -1)] ** 2
    least = max(1 / max(1, num_apart), 1 - _MOST_DEPENDENT)
    by_chance = ((1 - squares) ** 2).sum() / max(1, num_apart)
    share = min(1.0, max(least, by_chance / max(squares.sum(), 1e-12)))
    return tuple(tuple(round(float((1 - share) * one), 6) for one in row[:number]) for number, row in enumerate(seen))


def at_scores(
    quantiles: NDArray[np.float64], levels: Sequence[float], scores: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The quantiles of scores: linear in the score between levels, and straight on beyond the last ones.

    Args:
        quantiles: Of each lead, ascending; shape (leads, levels).
        levels: Ascending.
        scores: Shape (leads, samples).
    """
    known = _normal_scores(levels)
    right = np.clip(np.searchsorted(known, scores), 1, len(known) - 1)
    share = (scores - known[right - 1]) / (known[right] - known[right - 1])
    lower, upper = (np.take_along_axis(quantiles, place, axis=1) for place in (right - 1, right))
    return np.asarray(lower + share * (upper - lower))


def scores_between(
    scores: NDArray[np.float64], positions: NDArray[np.float64], correlation: float
) -> NDArray[np.float64]:
    """The scores at positions, of those at the leads 1, 2, …; standard normal between two leads, too.

    Args:
        scores: Shape (leads, samples).
        positions: In leads; before the first one its scores count.
        correlation: Of neighbouring scores.
    """
    before = np.clip(np.floor(positions).astype(int), 1, len(scores))
    after = np.clip(np.ceil(positions).astype(int), 1, len(scores))
    share = np.where(after > before, positions - before, 0.0)
    spread = np.sqrt((1 - share) ** 2 + share**2 + 2 * share * (1 - share) * correlation)
    mixed = (1 - share)[:, None] * scores[before - 1] + share[:, None] * scores[after - 1]
    return np.asarray(mixed / spread[:, None])


def _scores_of(residuals: Residuals, levels: tuple[float, ...]) -> NDArray[np.float64]:
    """The score at which each target lies among its quantiles; the inverse of `at_scores`."""
    known = _normal_scores(levels)
    quantiles, target = residuals.quantiles, residuals.target[..., None]
    right = np.clip((quantiles < target).sum(-1, keepdims=True), 1, len(known) - 1)
    lower, upper = (np.take_along_axis(quantiles, place, axis=-1) for place in (right - 1, right))
    gap = upper - lower
    share = np.divide(target - lower, gap, out=np.full_like(gap, 0.5), where=gap > 0)
    scores = known[right - 1] + share * (known[right] - known[right - 1])
    return np.asarray(np.clip(scores[..., 0], -_FARTHEST, _FARTHEST))


def _normal_scores(levels: Sequence[float]) -> NDArray[np.float64]:
    return np.array([NormalDist().inv_cdf(level) for level in levels])

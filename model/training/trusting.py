"""How far what was learned is trusted: against repeating the last value, and against going on as on average.

Both are judged on validation windows of the horizon and of shorter ones, and both ask for more of what may be chance
than of what is plain.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from model.networks.trend import Trend
from model.training.evidence import Kinship, is_real

TRUSTS = (1.0, 0.75, 0.5, 0.25, 0.0)
CLEARLY_BETTER = 0.98

IN_DOUBT = 0.95
"""Of the last value's square errors: chance alone may leave a network so little better than it."""

PLAIN = 0.9
"""Of the same, where it errs more than the last value at some horizon."""

HEDGED = 0.5
"""The most that a doubtful network is trusted: three quarters of what it may know, and a quarter of the harm."""

TREND_SHARES = (0.25, 0.5)
"""Shares of the trend; none of them unless its gain is more than chance."""


@dataclass(frozen=True, eq=False)
class Told:
    """What was said of the validation windows of a horizon, in units of each context's spread.

    Attributes:
        said: The mean that was forecast.
        target: What came.
        known: Which of that was observed.
        spread: The unit.
        trend: Of the history before.
        kinship: Of the windows.
    """

    said: Float[Tensor, "windows horizon"]
    target: Float[Tensor, "windows horizon"]
    known: Bool[Tensor, "windows horizon"]
    spread: Float[Tensor, "windows 1"]
    trend: Trend
    kinship: Kinship

    def mixed(self, trust: float, share: float) -> Float[Tensor, "windows horizon"]:
        """What is said with a share of the trend, and with so much trust in both."""
        last = self.trend.last[:, None]
        said = torch.lerp(self.said, self.trend.path(self.said.shape[1]), share)
        return last + trust * (said - last)

    def ratio(self, trust: float, share: float) -> float:
        """The mean square error over that of repeating the last value."""
        without = self._squares(0.0, 0.0).clamp_min(1e-12)
        return float(self._squares(trust, share) / without)

    def losses(self, share: float) -> Float[Tensor, " windows"]:
        """Huber's loss of each window."""
        losses = functional.huber_loss(self.mixed(1.0, share), self.target, reduction="none") * self.known
        return losses.sum(1) / self.known.sum(1).clamp_min(1)

    def _squares(self, trust: float, share: float) -> Tensor:
        return ((self.mixed(trust, share) - self.target) * self.spread * self.known).square().sum()


def trend_share(told: Sequence[Told]) -> float:
    """The share of the trend that does best; none where its gain may be chance.

    Args:
        told: Of the horizon and of shorter ones.
    """
    kinship = Kinship.together([one.kinship for one in told])
    without = [one.losses(0.0) for one in told]
    least, best = CLEARLY_BETTER * _sum(without), 0.0
    for share in TREND_SHARES:
        losses = [one.losses(share) for one in told]
        if _sum(losses) < least and is_real(torch.cat(without) - torch.cat(losses), kinship):
            least, best = _sum(losses), share
    return best


def best_trust(told: Sequence[Told], share: float) -> float:
    """The one that does best against the last value at the horizon where it does worst.

    What was learned is trusted whole unless that is clearly worse. The longest horizon has the fewest windows that do
    not overlap, so a gain there alone is no reason for trust.
    """
    worst = {trust: max(one.ratio(trust, share) for one in told) for trust in TRUSTS}
    best = min(TRUSTS, key=worst.__getitem__)
    return best if worst[best] < CLEARLY_BETTER * worst[TRUSTS[0]] else TRUSTS[0]


def most_trust(told: Sequence[Told], share: float) -> float:
    """Not all of it where it hardly errs less than the last value, and none if it errs more at some horizon.

    Args:
        told: Of the horizon and of shorter ones.
        share: Of the trend.
    """
    ratios = [one.ratio(1.0, share) for one in told]
    mean = sum(ratios) / len(ratios)
    if max(ratios) >= 1:
        return 0.0 if mean > PLAIN else 1.0
    return HEDGED if mean > IN_DOUBT else 1.0


def _sum(losses: Sequence[Tensor]) -> float:
    return sum(float(one.mean()) for one in losses)

"""What a series' own past says: what stood at the same place of its last periods, in the mean.

    ŷ(t) = 1/k · Σⱼ ( y(t − jP) − ℓⱼ ) + ℓ₁,    j = 1 … k

where P is the period and ℓⱼ the level of the j-th last one, the mean of its last season, or nothing. Where weeks are
alike, their mean is a forecast that is hard to beat: what is particular of one of them is gone from it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from model.networks.past import MAX_HISTORY, Past


@dataclass(frozen=True)
class Cycles:
    """The last periods, looked at together.

    Attributes:
        count: How many; of a shorter history, as many as it has.
        relative: Whether each is seen less its level, the mean of its last season.
    """

    count: int
    relative: bool

    def reach(self, _horizon: int, period: int) -> int:
        """Steps of history without which it has less to say."""
        return self.count * period

    def check(self) -> None:
        """Refuses what no choice makes.

        Raises:
            ValueError
        """
        count: object = self.count
        if not isinstance(count, int) or not 1 <= count <= MAX_HISTORY:
            raise ValueError("lengths")

    def repeated(self, pasts: Sequence[Past], steps: int) -> Float[Tensor, "batch steps"] | None:
        """Their mean, repeated for so many steps; None where not one whole period is known.

        Args:
            pasts: Histories of one season and period, as long as each other or longer than what is looked through.
            steps: How many to say.
        """
        period = pasts[0].period
        count = min(self.count, min(len(pasts[0].values), MAX_HISTORY) // period)
        if not count:
            return None
        last = slice(-count * period, None)
        values, known = (
            torch.stack(columns).double().unflatten(1, (count, period))
            for columns in ([past.values[last] for past in pasts], [past.observed[last] for past in pasts])
        )
        levels = values[..., -min(pasts[0].season_length, period) :].mean(2, keepdim=True) * self.relative
        # A step that was never observed has the mean of what holes were filled by.
        weights = torch.where(known.any(1, keepdim=True), known, 1.0)
        mean: Tensor = ((values - levels) * weights).sum(1) / weights.sum(1) + levels[:, -1]
        return mean.repeat(1, math.ceil(steps / period))[:, :steps]

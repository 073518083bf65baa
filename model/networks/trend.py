"""A series that goes on changing as it has on average over all of its history, and how much of a forecast that is.

    y(h) = y + h (y − y₁) / n

from its last observation y and its first one y₁, n steps before. A context shows a piece of the history, whose slope is
mostly noise; the whole of a trend tells its slope many times as exactly.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from model.networks.past import MAX_HISTORY, Past


@dataclass(frozen=True, eq=False)
class Trend:
    """Where histories end, and how much they changed a step.

    Attributes:
        last: Their last values.
        slope: The average change a step since their first observation.
    """

    last: Float[Tensor, " batch"]
    slope: Float[Tensor, " batch"]

    @classmethod
    def of(cls, pasts: Sequence[Past]) -> "Trend":
        """That of histories, as far back as anything looks."""
        found = [_slope(past) for past in pasts]
        last = torch.stack([past.values[-1] for past in pasts]).double()
        return cls(last, torch.tensor(found, dtype=torch.float64))

    def path(self, num_steps: int, trust: float = 1.0) -> Float[Tensor, "batch steps"]:
        """The next steps; of a trend that is trusted less, so much less of the way."""
        steps = torch.arange(1, num_steps + 1, dtype=torch.float64)
        return self.last[:, None] + trust * self.slope[:, None] * steps


def _slope(past: Past) -> float:
    values, observed = past.values[-MAX_HISTORY:], past.observed[-MAX_HISTORY:]
    first = int(observed.int().argmax())
    return float(values[-1] - values[first]) / max(1, len(values) - 1 - first)


def towards(
    quantiles: Float[Tensor, "batch steps levels"],
    mean: Float[Tensor, "batch steps"],
    path: Float[Tensor, "batch trained"],
    share: float,
    period: int,
) -> Float[Tensor, "batch steps levels"]:
    """Quantiles moved from their mean towards a path; past its end by as much as a period earlier.

    Args:
        quantiles: Of as many steps as are asked.
        mean: Theirs.
        path: Of the steps that the version was trained for.
        share: How far.
        period: Steps after which values repeat.
    """
    trained = path.shape[1]
    shifts = share * (path[:, : mean.shape[1]].to(mean) - mean[:, :trained])
    cycle = min(period, trained)
    earlier = trained - cycle + torch.arange(mean.shape[1] - shifts.shape[1], device=mean.device) % cycle
    return quantiles + torch.cat([shifts, shifts[:, earlier]], dim=1)[..., None]

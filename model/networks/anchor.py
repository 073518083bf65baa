"""What holds a forecast far past the trained horizon: a season to fall back to, and limits that it cannot leave.

The network sees a context in units of its own spread around its own level, so nothing in it knows which level and which
spread are usual. Where the context moves on over what was forecast, both wander off freely: a spread that grows by a
hundredth a block has grown to e times itself after a hundred blocks. An anchor keeps what was forecast within the first
block, and pulls later ones towards it; limits keep the range of what is known.

Both scale and shift with the series, and neither changes anything within the trained horizon.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

SHARE_KEPT = 0.5
"""How much of a block's distance from the season is kept. Below 1, distances add up to a geometric series and not to a
drift; at a half, a trend goes on for one more block in all: a damped trend (Gardner and McKenzie, 1985)."""

ROOM = 0.5
"""How far medians may leave the range of what is known, and spreads the widest one, in units of that range."""

UNTOUCHED = 0.5
"""The share of that room in which nothing is changed; values beyond are pressed into the rest of it."""


@dataclass(frozen=True, eq=False)
class Anchor:
    """The season of the first block, which later blocks are pulled towards.

    Attributes:
        profile: Medians of one period, from its beginning at the end of the first block on; shape (batch, period).
        spreads: Quantiles less the median over the first block's last season; shape (batch, season, levels).
        start: Steps of the first block.
        median: The number of the median among the levels.
    """

    profile: Tensor
    spreads: Tensor
    start: int
    median: int

    @classmethod
    def of(
        cls,
        context: Float[Tensor, "batch context"],
        block: Float[Tensor, "batch horizon levels"],
        *,
        period: int,
        season_length: int,
        median: int,
    ) -> "Anchor":
        """The anchor of a history and the first block of its forecast.

        The profile is the mean over all whole periods of the block, each around its own level, put on the level of the
        last one; of history and block together where the block is shorter than a period.
        """
        medians = block[..., median]
        known = medians if medians.shape[1] >= period else torch.cat([context, medians], dim=1)
        period = min(period, known.shape[1])
        periods = known[:, known.shape[1] % period :].unflatten(1, (-1, period))
        levels = periods.mean(-1, keepdim=True)
        season = block[:, -min(season_length, block.shape[1]) :]
        profile = (periods - levels).mean(1) + levels[:, -1]
        return cls(profile, season - season[..., median, None], block.shape[1], median)

    def pull(self, block: Float[Tensor, "batch steps levels"], lead: int) -> Float[Tensor, "batch steps levels"]:
        """A later block, moved towards the season; `lead` steps lie before it."""
        steps = torch.arange(lead - self.start, lead - self.start + block.shape[1], device=block.device)
        profile = self.profile[:, steps % self.profile.shape[1], None]
        season = profile + self.spreads[:, steps % self.spreads.shape[1]]
        return season + SHARE_KEPT * (block - season)


@dataclass(frozen=True, eq=False)
class Limits:
    """A range that no median leaves, and a spread that none exceeds by more than so much.

    Attributes:
        lowest: Of the history and of the medians within the trained horizon; shape (batch, 1).
        highest: The same at the other end.
        widest: The largest distance of a quantile from the median there; shape (batch, 1, 1).
        median: The number of the median among the levels.
    """

    lowest: Tensor
    highest: Tensor
    widest: Tensor
    median: int

    @classmethod
    def of(
        cls, context: Float[Tensor, "batch context"], trusted: Float[Tensor, "batch steps levels"], *, median: int
    ) -> "Limits":
        """The limits of a history and of what was forecast of it within the trained horizon."""
        known = torch.cat([context, trusted[..., median]], dim=1)
        lowest, highest = known.aminmax(dim=1, keepdim=True)
        widest = (trusted - trusted[..., median, None]).abs().amax((1, 2), keepdim=True)
        return cls(lowest, highest, widest, median)

    def hold(self, block: Float[Tensor, "batch steps levels"]) -> Float[Tensor, "batch steps levels"]:
        """Quantiles within the limits, still ascending; a value that is no number becomes the middle of the range."""
        room = ROOM * (self.highest - self.lowest)
        middle = (self.lowest + self.highest) / 2
        raw = block[..., self.median]
        medians = middle + _limited(raw - middle, (self.highest - self.lowest) / 2, room)
        spreads = _limited(block - raw[..., None], self.widest, room[..., None])
        return medians[..., None] + spreads


def _limited(distance: Tensor, known: Tensor, room: Tensor) -> Tensor:
    """Distances, either way, that never exceed `known + room`; smooth and increasing, most of the way unchanged."""
    size = torch.nan_to_num(distance, nan=0.0, posinf=None, neginf=None)
    kept = size.abs().minimum(known + UNTOUCHED * room)
    rest = ((1 - UNTOUCHED) * room).clamp_min(torch.finfo(room.dtype).tiny)
    return size.sign() * (kept - rest * torch.expm1((kept - size.abs()) / rest))

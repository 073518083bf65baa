"""Holes torn into histories while a network learns, filled as those of a series are when it is put on its grid.

A network that has seen filled holes trusts no single value of a history too much; that helps it with whole histories,
too. Half of the torn histories lose single steps at random, the other half whole stretches.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

MOST = 0.8
"""No history loses a larger share of its steps, but for chance; how much one loses is even between nothing and this."""

LEAST_SPREAD = 0.5
"""A history whose deviation would fall below this share of its own stays whole: its targets would grow out of scale."""


@dataclass(frozen=True)
class Holes:
    """How often histories are torn.

    Attributes:
        share: Of the histories.
        season_length: Steps of a season.
    """

    share: float
    season_length: int

    def drawn(self, num_windows: int, length: int, device: torch.device) -> Bool[Tensor, "windows context"] | None:
        """What the histories of windows keep, at random, the last value always; None where none are torn.

        It is drawn for a batch as a whole, so that it does not depend on the parts in which the batch is computed.
        """
        if not self.share:
            return None

        def random(columns: int) -> Tensor:
            return torch.rand(num_windows, columns, device=device)

        lost = MOST * random(1) * (random(1) < self.share)
        stretch = int(torch.randint(max(2, self.season_length // 4), max(4, 2 * self.season_length) + 1, ()))
        first = int(torch.randint(stretch, ()))
        stretches = (random(length // stretch + 2) >= lost).repeat_interleave(stretch, 1)[:, first : first + length]
        kept = torch.where(random(1) < 0.5, random(length) >= lost, stretches)
        kept[:, -1] = True
        return kept

    def tear(
        self, context: Float[Tensor, "rows context"], kept: Bool[Tensor, "windows context"]
    ) -> Float[Tensor, "rows context"]:
        """Histories filled from what they keep; the channels of a system, rows one after the other, are torn alike."""
        torn = filled(context, kept.repeat_interleave(len(context) // len(kept), 0), self.season_length)
        usable = torn.std(1, keepdim=True) >= LEAST_SPREAD * context.std(1, keepdim=True)
        return torch.where(usable, torn, context)


def filled(
    values: Float[Tensor, "batch context"], kept: Bool[Tensor, "batch context"], season_length: int
) -> Float[Tensor, "batch context"]:
    """Histories with everything else filled from what is kept, by the rules of `grid_series.on_grid`.

    Args:
        values: The histories.
        kept: What is known of them, the last value always.
        season_length: Steps of a season.
    """
    season, length = season_length, values.shape[1]
    places = torch.arange(length, device=values.device).expand_as(kept)
    before = torch.where(kept, places, -1).cummax(1).values
    after = torch.where(kept, places, length).flip(1).cummin(1).values.flip(1)
    start = after[:, :1]
    left = torch.where(before < 0, after, before)
    share = (places - left).to(values.dtype) / (after - left).clamp_min(1)
    linear = values.gather(1, left).lerp(values.gather(1, after), share)
    long = ~kept & (after - before - 1 > season // 2) & (before + 1 - season >= start) & (before >= 0) & (season > 1)
    seasons_back = (places - before + season - 1) // season
    period = torch.where((length - start >= season) & (season > 1), season, length - start)
    periods_on = (start - places + period - 1) // period
    source = torch.where(long, places - season * seasons_back, places)
    source = torch.where(places < start, places + period * periods_on, source)
    # What a step repeats may itself repeat something; each pass doubles how many repetitions are followed.
    for _ in range((length // season).bit_length() + 1):
        source = source.gather(1, source)
    return torch.where(kept, values, linear.gather(1, source))

"""Whether one choice does better than another on validation windows by more than chance.

    t = Σ gᵢ / √( n / (n − 1) · Σ_c ( Σ_{i in c} (gᵢ − ḡ) )² )

where gᵢ is what the error of window i falls by, and c one of n clusters. Both choices see the same windows, so what
makes one hard for either is no noise (Diebold and Mariano, "Comparing predictive accuracy", 1995). Windows whose
targets share a stretch of time tell much the same, whatever their series, and so do windows of one series: each
cluster counts as one observation, and of the two ways to form them the more doubtful one decides (Cameron, Gelbach and
Miller, "Robust inference with multiway clustering", 2011).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from model.contexts.windows import Windows

LEAST_CLUSTERS = 3
"""With fewer, their spread says nothing: one series, or one stretch of time that all windows share."""

_DOUBT = 2.0
"""Standard errors that chance hardly exceeds, where clusters are many."""


@dataclass(frozen=True, eq=False)
class Kinship:
    """Which windows tell much the same.

    Attributes:
        stretches: The number of the stretch of time that the targets of each begin in.
        series: A number of the series of each.
    """

    stretches: Int[Tensor, " windows"]
    series: Int[Tensor, " windows"]

    @classmethod
    def of(cls, windows: Windows, numbers: Int[Tensor, " some"], length: int) -> "Kinship":
        """That of the rows of some windows, channels being series.

        Args:
            windows: All of them.
            numbers: Of some.
            length: Steps of a stretch of time, no fewer than their horizon; counted from the ends of their series.
        """
        channel = torch.arange(windows.num_channels, device=numbers.device)
        series = windows.ends[numbers, None] * len(channel) + channel
        leads = (windows.starts - windows.ends + windows.context_length)[numbers, None].expand(-1, len(channel))
        stretches = torch.div(leads, length, rounding_mode="floor")
        return cls(stretches.reshape(-1).cpu(), series.reshape(-1).cpu())

    @classmethod
    def together(cls, parts: Sequence["Kinship"]) -> "Kinship":
        """That of several lots of windows, one behind the other, whose stretches are equally long."""
        return cls(torch.cat([one.stretches for one in parts]), torch.cat([one.series for one in parts]))

    def __getitem__(self, chosen: slice) -> "Kinship":
        return Kinship(self.stretches[chosen], self.series[chosen])


def is_real(gains: Float[Tensor, " windows"], kinship: Kinship) -> bool:
    """Whether gains are there in the earlier and in the later half, and beyond what chance leaves of them.

    Args:
        gains: What the error of each window falls by.
        kinship: Of these windows.
    """
    in_time = gains[torch.argsort(kinship.stretches, stable=True)]
    half = len(gains) // 2
    if not (len(gains) and in_time[:half].mean() > 0 and in_time[half:].mean() > 0):
        return False
    return all(_is_beyond_chance(gains.double(), one) for one in (kinship.stretches, kinship.series))


def _is_beyond_chance(gains: Tensor, clusters: Tensor) -> bool:
    found, places = torch.unique(clusters, return_inverse=True)
    if len(found) < LEAST_CLUSTERS:
        return True
    free = len(found) - 1
    sums = gains.new_zeros(len(found)).index_add_(0, places, gains - gains.mean())
    return float(gains.sum()) > _most_by_chance(free) * math.sqrt(float(sums.square().sum()) * len(found) / free)


def _most_by_chance(free: int) -> float:
    """Student's t as far out as `_DOUBT` is of a normal, by the expansion of Fisher and Cornish, 1960."""
    z = _DOUBT
    return z + (z**3 + z) / (4 * free) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * free**2)

"""What a series' own past says: what followed the moments of it that resemble its end.

    W = argmin  Σᵢ wᵢ ‖(yᵢ − ȳ) − (cᵢ − c̄) W‖² + strength · λ ‖W‖²,    wᵢ = exp(−locality · dᵢ / d̄)

where cᵢ is a stretch of the history, yᵢ what followed it, dᵢ how far cᵢ is from the last stretch, and λ the mean
eigenvalue of the weighted Σ cᵢᵀcᵢ. Without locality that is a ridge regression of one series; with much of it, the mean
of what followed the nearest stretches. Sugihara, "Nonlinear forecasting for the classification of natural time series",
1994: a series whose next steps follow from its last ones is forecast best with locality.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from model.networks.past import MAX_HISTORY, Past

MIN_PRECEDENTS = 16
"""A history with fewer has nothing to say."""

LEAST_STRENGTH = 1e-4
"""Below it single precision does not solve the system."""

MAX_PRECEDENTS = 1000
"""The nearest ones are used."""


@dataclass(frozen=True)
class Lens:
    """One way to look for precedents.

    Attributes:
        length: Steps of a stretch.
        locality: How much nearer precedents count more; 0 for none.
        strength: Of the ridge, in units of the mean eigenvalue.
        relative: Whether stretches are compared less their level, the mean of their last season.
    """

    length: int
    locality: float
    strength: float
    relative: bool

    def reach(self, horizon: int, _period: int) -> int:
        """Steps of history without which it has nothing to say."""
        return self.length + horizon + MIN_PRECEDENTS

    def check(self) -> None:
        """Refuses what no choice makes.

        Raises:
            ValueError
        """
        length: object = self.length
        if not isinstance(length, int) or not 1 <= length <= MAX_HISTORY:
            raise ValueError("lengths")
        if not all(0 <= one < math.inf for one in (self.locality, self.strength)):
            raise ValueError("shares")


def followed(past: Past, horizon: int, lens: Lens) -> Float[Tensor, " horizon"] | None:
    """What followed the precedents of the end of a history, or None if it has too few.

    Args:
        past: The history.
        horizon: Steps that followed; those of a shorter horizon are not the first of these.
        lens: How to look.
    """
    stretches = Stretches.of([past], horizon, lens.length, relative=lens.relative)
    return None if stretches is None else stretches.followed(lens.locality, lens.strength)[0]


@dataclass(frozen=True, eq=False)
class Stretches:
    """The stretches of histories and what followed them, as lenses of one length see them; in units of the deviations.

    Attributes:
        values: The nearest ones, each with what followed it.
        last: The one that each history ends with.
        distances: From the last one, in units of the mean distance.
        known: How much of each was observed.
        shift: The level of the last one, if they are seen less their levels, else 0.
        lowest: The least value of each history, in these units.
        highest: The largest one.
        level: The mean of each history, in its own units.
        spread: Its deviation.
        varies: Whether that is more than rounding.
    """

    values: Float[Tensor, "batch some whole"]
    last: Float[Tensor, "batch length"]
    distances: Float[Tensor, "batch some"]
    known: Float[Tensor, "batch some"]
    shift: Float[Tensor, "batch 1"]
    lowest: Float[Tensor, "batch 1"]
    highest: Float[Tensor, "batch 1"]
    level: Float[Tensor, "batch 1"]
    spread: Float[Tensor, "batch 1"]
    varies: Bool[Tensor, "batch 1"]

    @classmethod
    def of(cls, pasts: Sequence[Past], horizon: int, length: int, *, relative: bool) -> "Stretches | None":
        """Those of histories of the same length and season, or None if they have too few or all are constant."""
        values, whole = torch.stack([past.values[-MAX_HISTORY:] for past in pasts]).double(), length + horizon
        spread, level = values.std(1, correction=0, keepdim=True), values.mean(1, keepdim=True)
        varies = spread > 1e-9 * level.abs()
        if values.shape[1] - whole + 1 < MIN_PRECEDENTS or not varies.any():
            return None
        scaled = torch.where(varies, (values - level) / spread, 0.0)
        season = min(pasts[0].season_length, length) if relative else 0
        distances = _distances(scaled, length, season)[:, : values.shape[1] - whole + 1]
        distances = distances / distances.mean(1, keepdim=True).clamp_min(1e-12)
        known = _shares(torch.stack([past.observed[-MAX_HISTORY:] for past in pasts]), whole)
        stretches, last = scaled.unfold(1, whole, 1), scaled[:, -length:]
        if known.shape[1] > MAX_PRECEDENTS:
            far = distances.masked_fill(known == 0, math.inf)
            places = far.topk(MAX_PRECEDENTS, largest=False, sorted=False).indices
            distances, known = distances.gather(1, places), known.gather(1, places)
            stretches = stretches[torch.arange(len(values))[:, None], places]
        shift = torch.zeros_like(level)
        if season:
            levels, shift = stretches[..., length - season : length].mean(2), last[:, -season:].mean(1, keepdim=True)
            stretches, last = stretches - levels[..., None], last - shift
        lowest, highest = scaled.aminmax(dim=1, keepdim=True)
        return cls(stretches.float(), last.float(), distances, known, shift, lowest, highest, level, spread, varies)

    def followed(self, locality: float, strength: float) -> Float[Tensor, "batch horizon"]:
        """What followed, in the units of the histories."""
        weights = self.known * torch.exp(-locality * self.distances)
        said = _local_lines(self.values, self.last, weights.float(), strength).double() + self.shift
        room = self.highest - self.lowest
        return said.clamp(self.lowest - room, self.highest + room) * self.spread + self.level


def _distances(values: Tensor, length: int, season: int) -> Tensor:
    """How far each stretch is from the last one, by the root of the mean square; less their levels for a season.

    With q the last stretch, Σ (c − q)² = Σ c² − 2 Σ cq + Σ q², and the same less levels; no stretch is written out.
    """
    last = values[:, -length:]
    if season:
        last = last - last[:, -season:].mean(1, keepdim=True)
    sums, squares = _sums(values, length), _sums(values.square(), length)
    products = _products(values, last)
    if season:
        levels = _sums(values, season)[:, length - season :] / season
        squares = squares - 2 * levels * sums + length * levels.square()
        products = products - levels * last.sum(1, keepdim=True)
    return ((squares - 2 * products + last.square().sum(1, keepdim=True)) / length).clamp_min(0).sqrt()


def _products(values: Tensor, last: Tensor) -> Tensor:
    """Of each stretch with the last one: a correlation, by Fourier's transform."""
    steps = values.shape[1]
    size = 1 << (steps - 1).bit_length()
    both = torch.fft.rfft(values, size) * torch.fft.rfft(last, size).conj()
    products: Tensor = torch.fft.irfft(both, size)
    return products[:, : steps - last.shape[1] + 1]


def _sums(values: Tensor, length: int) -> Tensor:
    """Over each stretch."""
    sums = functional.pad(values.cumsum(1), (1, 0))
    return sums[:, length:] - sums[:, :-length]


def _shares(observed: Tensor, length: int) -> Tensor:
    """How much of each stretch was observed."""
    return _sums(observed.double(), length) / length


def _local_lines(stretches: Tensor, last: Tensor, weights: Tensor, strength: float) -> Tensor:
    """What lines say that are fitted to stretches and what followed them, around the last stretch of each history.

    (q − c̄) W is found without W itself: one system in place of one for each step ahead.
    """
    weights = (weights / weights.sum(1, keepdim=True).clamp_min(1e-30))[..., None]
    before, after = stretches[..., : last.shape[1]], stretches[..., last.shape[1] :]
    centre, middle = weights.mT @ before, weights.mT @ after
    roots = weights.sqrt()
    rooted = (before - centre).mul_(roots)
    squares = rooted.mT @ rooted
    diagonal = squares.diagonal(dim1=1, dim2=2)
    diagonal += max(strength, LEAST_STRENGTH) * diagonal.mean(1, keepdim=True) + 1e-9
    turned = torch.cholesky_solve((last[:, None] - centre).mT, torch.linalg.cholesky(squares))
    return (middle + (rooted @ turned).mul_(roots).mT @ after)[:, 0]

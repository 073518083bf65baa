"""What a series' own past says: what followed the moments of it that resemble its end.

    W = argmin  Σᵢ wᵢ ‖(yᵢ − ȳ) − (cᵢ − c̄) W‖² + strength · λ ‖W‖²,    wᵢ = exp(−locality · dᵢ / d̄)

where cᵢ is a stretch of the history, yᵢ what followed it, dᵢ how far cᵢ is from the last stretch, and λ the mean
eigenvalue of the weighted Σ cᵢᵀcᵢ. Without locality that is a ridge regression of one series; with much of it, the mean
of what followed the nearest stretches. Sugihara, "Nonlinear forecasting for the classification of natural time series",
1994: a series whose next steps follow from its last ones is forecast best with locality.
"""

import math
from dataclasses import asdict, dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

MIN_PRECEDENTS = 16
"""A history with fewer has nothing to say."""

LEAST_STRENGTH = 1e-4
"""Below it single precision does not solve the system."""

MAX_PRECEDENTS = 1000
"""The nearest ones are used."""

MAX_HISTORY = 10_000
"""Steps before the last one that are looked through."""


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


@dataclass(frozen=True)
class Precedents:
    """Which lenses have a share in a forecast.

    Attributes:
        lenses: Each another one.
        shares: Of each; what is left of 1 is the share of what was said without them.
    """

    lenses: tuple[Lens, ...] = ()
    shares: tuple[float, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.lenses)

    def reach(self, horizon: int) -> int:
        """Steps of history without which some of them have nothing to say."""
        return max((lens.length + horizon + MIN_PRECEDENTS for lens in self.lenses), default=0)

    def check(self) -> None:
        """Refuses what no choice makes, which a version from elsewhere may have.

        Raises:
            TypeError, ValueError
        """
        counts: tuple[object, ...] = tuple(lens.length for lens in self.lenses)
        if not all(isinstance(one, int) and 1 <= one <= MAX_HISTORY for one in counts):
            raise ValueError("lengths")
        numbers = (*self.shares, *(one for lens in self.lenses for one in (lens.locality, lens.strength)))
        if len(self.shares) != len(self.lenses) or not all(0 <= one < math.inf for one in numbers):
            raise ValueError("shares")

    def to_json(self) -> dict[str, Any]:
        """The lenses and shares as JSON's own types."""
        return {"lenses": [asdict(lens) for lens in self.lenses], "shares": list(self.shares)}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "Precedents":
        """What `to_json` gave."""
        return cls(tuple(Lens(**lens) for lens in content["lenses"]), tuple(content["shares"]))


NO_PRECEDENTS = Precedents()


@dataclass(frozen=True, eq=False)
class Past:
    """The history of one series, to its last observation.

    Attributes:
        values: On its grid.
        observed: Where there was an observation.
        season_length: Steps of its season.
    """

    values: Float[Tensor, " past"]
    observed: Bool[Tensor, " past"]
    season_length: int


def followed(past: Past, horizon: int, lens: Lens) -> Float[Tensor, " horizon"] | None:
    """What followed the precedents of the end of a history, or None if it has too few.

    Args:
        past: The history.
        horizon: Steps that followed; those of a shorter horizon are not the first of these.
        lens: How to look.
    """
    stretches = Stretches.of(past, horizon, lens.length, relative=lens.relative)
    return None if stretches is None else stretches.followed(lens.locality, lens.strength)


@dataclass(frozen=True, eq=False)
class Stretches:
    """The stretches of a history and what followed them, as lenses of one length see them; in units of its deviation.

    Attributes:
        values: The nearest ones, each with what followed it.
        last: The one that the history ends with.
        distances: From the last one, in units of the mean distance.
        known: How much of each was observed.
        shift: The level of the last one, if they are seen less their levels, else 0.
        past: The history, in these units.
        level: The mean of the history, in its own units.
        spread: Its deviation.
    """

    values: Float[Tensor, "some whole"]
    last: Float[Tensor, " length"]
    distances: Float[Tensor, " some"]
    known: Float[Tensor, " some"]
    shift: Float[Tensor, ""]
    past: Float[Tensor, " past"]
    level: Float[Tensor, ""]
    spread: Float[Tensor, ""]

    @classmethod
    def of(cls, past: Past, horizon: int, length: int, *, relative: bool) -> "Stretches | None":
        """Those of a history, or None if it has too few."""
        values, whole = past.values[-MAX_HISTORY:].double(), length + horizon
        spread, level = values.std(correction=0), values.mean()
        if len(values) - whole + 1 < MIN_PRECEDENTS or not spread > 1e-9 * level.abs():
            return None
        scaled = (values - level) / spread
        season = min(past.season_length, length) if relative else 0
        distances = _distances(scaled, length, season)[: len(values) - whole + 1]
        distances = distances / distances.mean().clamp_min(1e-12)
        known = _shares(past.observed[-MAX_HISTORY:], whole)
        stretches, last = scaled.unfold(0, whole, 1), scaled[-length:]
        if len(known) > MAX_PRECEDENTS:
            far = distances.masked_fill(known == 0, math.inf)
            places = far.topk(MAX_PRECEDENTS, largest=False, sorted=False).indices
            distances, known, stretches = distances[places], known[places], stretches[places]
        shift = last.new_zeros(())
        if season:
            levels, shift = stretches[:, length - season : length].mean(1, keepdim=True), last[-season:].mean()
            stretches, last = stretches - levels, last - shift
        return cls(stretches.float(), last.float(), distances, known, shift, scaled, level, spread)

    def followed(self, locality: float, strength: float) -> Float[Tensor, " horizon"]:
        """What followed, in the units of the history."""
        weights = self.known * torch.exp(-locality * self.distances)
        said = _local_line(self.values, self.last, weights.float(), strength).double() + self.shift
        lowest, highest = self.past.aminmax()
        room = highest - lowest
        return said.clamp(lowest - room, highest + room) * self.spread + self.level


def moved(
    quantiles: Float[Tensor, "steps levels"], precedents: Precedents, past: Past, horizon: int, period: int
) -> Float[Tensor, "steps levels"]:
    """Quantiles moved by the share of precedents; past the trained horizon by as much as the median a period earlier.

    Precedents say nothing of spread or skew: with a whole share, the spread stays and the skew goes.

    Args:
        quantiles: What is said without them, for as many steps as are asked; levels are symmetric.
        precedents: Which, and how much.
        past: The history.
        horizon: The trained one.
        period: Steps after which values repeat most fully; where the horizon holds no whole one, a season counts.
    """
    centres = ((quantiles + quantiles.flip(-1)) / 2)[:horizon]
    shifts = torch.zeros_like(centres)
    for lens, share in zip(precedents.lenses, precedents.shares, strict=True):
        found = followed(past, horizon, lens)
        if found is not None:
            shifts += share * (found[: len(centres), None] - centres)
    cycle = period if period <= horizon else min(past.season_length, horizon)
    earlier = horizon - cycle + torch.arange(len(quantiles) - len(centres)) % cycle
    later = quantiles[len(centres) :] + shifts[earlier, shifts.shape[1] // 2, None]
    return torch.cat([quantiles[: len(centres)] + shifts, later])


def _distances(values: Tensor, length: int, season: int) -> Tensor:
    """How far each stretch is from the last one, by the root of the mean square; less their levels for a season.

    With q the last stretch, Σ (c − q)² = Σ c² − 2 Σ cq + Σ q², and the same less levels; no stretch is written out.
    """
    last = values[-length:]
    if season:
        last = last - last[-season:].mean()
    products = torch.conv1d(values[None, None], last[None, None])[0, 0]
    sums, squares = _sums(values, length), _sums(values.square(), length)
    if season:
        levels = _sums(values, season)[length - season :] / season
        squares = squares - 2 * levels * sums + length * levels.square()
        products = products - levels * last.sum()
    return ((squares - 2 * products + last.square().sum()) / length).clamp_min(0).sqrt()


def _sums(values: Tensor, length: int) -> Tensor:
    """Over each stretch."""
    sums = torch.cat([values.new_zeros(1), values.cumsum(0)])
    return sums[length:] - sums[:-length]


def _shares(observed: Tensor, length: int) -> Tensor:
    """How much of each stretch was observed."""
    return _sums(observed.double(), length) / length


def _local_line(stretches: Tensor, last: Tensor, weights: Tensor, strength: float) -> Tensor:
    """What a line says that is fitted to stretches and what followed them, around the last stretch.

    (q − c̄) W is found without W itself: one system in place of one for each step ahead.
    """
    weights = weights / weights.sum().clamp_min(1e-30)
    before, after = stretches[:, : len(last)], stretches[:, len(last) :]
    centre, middle = weights @ before, weights @ after
    before, offset = before - centre, last - centre
    weighed = before * weights[:, None]
    squares = weighed.mT @ before
    squares.diagonal().add_(max(strength, LEAST_STRENGTH) * squares.diagonal().mean() + 1e-9)
    turned = torch.cholesky_solve(offset[:, None], torch.linalg.cholesky(squares))[:, 0]
    return middle + (weighed @ turned) @ after

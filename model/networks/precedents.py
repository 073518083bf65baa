"""What a series' own past says, and its share in a forecast: through lenses, and by the last periods together."""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from model.networks.cycles import Cycles
from model.networks.lens import MAX_PRECEDENTS, Lens, Stretches
from model.networks.past import MAX_HISTORY, Past

Look = Lens | Cycles
"""One way to look back."""

_MAX_NUMBERS = 1 << 20
"""In the stretches of histories that are looked through together."""


@dataclass(frozen=True)
class Precedents:
    """Which ways to look back have a share in a forecast.

    Attributes:
        lenses: Each another one, cycles among them.
        shares: Of each; what is left of 1 is the share of what was said without them.
    """

    lenses: tuple[Look, ...] = ()
    shares: tuple[float, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.lenses)

    def reach(self, horizon: int, period: int) -> int:
        """Steps of history without which some of them have less to say, or nothing."""
        return max((one.reach(horizon, period) for one in self.lenses), default=0)

    def check(self) -> None:
        """Refuses what no choice makes, which a version from elsewhere may have.

        Raises:
            TypeError, ValueError
        """
        for one in self.lenses:
            one.check()
        if len(self.shares) != len(self.lenses) or not all(0 <= share < math.inf for share in self.shares):
            raise ValueError("shares")

    def to_json(self) -> dict[str, Any]:
        """The lenses and shares as JSON's own types."""
        return {"lenses": [asdict(lens) for lens in self.lenses], "shares": list(self.shares)}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "Precedents":
        """What `to_json` gave."""
        lenses = (Cycles(**one) if "count" in one else Lens(**one) for one in content["lenses"])
        return cls(tuple(lenses), tuple(content["shares"]))


NO_PRECEDENTS = Precedents()


def moved(
    quantiles: Float[Tensor, "batch steps levels"], precedents: Precedents, pasts: Sequence[Past], horizon: int
) -> Float[Tensor, "batch steps levels"]:
    """Quantiles moved towards what precedents say, by their share.

    Precedents say nothing of spread or skew: with a whole share, the spread stays and the skew goes.

    Args:
        quantiles: What is said without them, for as many steps as are asked; levels are symmetric.
        precedents: Which, and how much.
        pasts: The histories, all of one season and one period.
        horizon: The trained one. Past it, what a lens says is repeated.
    """
    centres = (quantiles + quantiles.flip(-1)) / 2
    median = quantiles.shape[2] // 2
    centres[:, horizon:] = quantiles[:, horizon:, median, None]
    shifts = torch.zeros_like(centres)
    for numbers in _alike(pasts, horizon):
        shifts[numbers] = _shifts(centres[numbers], precedents, [pasts[number] for number in numbers], horizon)
    return quantiles + shifts


def _alike(pasts: Sequence[Past], horizon: int) -> Iterator[list[int]]:
    """The numbers of histories of the same length, in groups whose stretches fit into a cache."""
    by_length: dict[int, list[int]] = defaultdict(list)
    for number, past in enumerate(pasts):
        by_length[min(len(past.values), MAX_HISTORY)].append(number)
    for length, numbers in by_length.items():
        most = max(1, _MAX_NUMBERS // (min(length, MAX_PRECEDENTS) * min(length, 2 * horizon)))
        yield from (numbers[first : first + most] for first in range(0, len(numbers), most))


def _shifts(centres: Tensor, precedents: Precedents, pasts: Sequence[Past], horizon: int) -> Tensor:
    """By how much precedents move what is said of histories of the same length; a constant one is not moved."""
    shifts = torch.zeros_like(centres)
    forms = {(one.length, one.relative) for one in precedents.lenses if isinstance(one, Lens)}
    seen = {form: Stretches.of(pasts, horizon, form[0], relative=form[1]) for form in forms}
    for lens, share in zip(precedents.lenses, precedents.shares, strict=True):
        if isinstance(lens, Cycles):
            said = lens.repeated(pasts, centres.shape[1])
            said = None if said is None else said[..., None]
        else:
            said = _followed(lens, seen[lens.length, lens.relative], centres, pasts[0])
        if said is not None:
            shifts += share * (said - centres)
    return shifts


def _followed(lens: Lens, stretches: Stretches | None, centres: Tensor, past: Past) -> Tensor | None:
    """What a lens says of as many steps as are asked, past its end its last period again; nothing new of a constant."""
    if stretches is None:
        return None
    said = stretches.followed(lens.locality, lens.strength)
    steps, horizon = centres.shape[1], said.shape[1]
    cycle = past.period if past.period <= horizon else min(past.season_length, horizon)
    again = horizon - cycle + torch.arange(max(0, steps - horizon)) % cycle
    said = torch.cat([said[:, :steps], said[:, again]], dim=1)
    return torch.where(stretches.varies[..., None], said[..., None], centres)

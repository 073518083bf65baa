"""Level shifts: a history that jumped, and stayed where it is now.

A network sees a history in units of its own spread around its own level. One that jumped is mostly spread then, and its
level is one that it has left. So everything before the jump is moved to where the history is now.

A history has a level shift at a step if its values from there on lie on one side of all before, farther off than either
part is wide: less its season, where it has four of them, and less single outliers. Both parts have to be long enough to
be told from an outlier or a part of a season. What has a trend does not jump so far, and what wanders hardly ever does.

Where the gap between two parts is at least as wide as either, the middle of the whole range lies in it. So a history
that jumped crosses the middle of its range once.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

LEAST_BEFORE = 8
"""Steps before a shift, a season if that is longer."""

LEAST_AFTER = 4
"""Steps after a shift, half a season if that is longer."""

_LEAST_SEASONS = 4
"""In a history, for its season to be known: with fewer a shift would be a part of it."""


class Shifts(NamedTuple):
    """Where each history of a batch jumped to where it is now, and how far.

    Attributes:
        at: The first step there, counted from the beginning; 0 for none.
        sizes: By how much it jumped; 0 for none.
    """

    at: Int[Tensor, " batch"]
    sizes: Float[Tensor, " batch"]

    @property
    def rows(self) -> list[int]:
        """The numbers of the histories that jumped."""
        rows: list[int] = self.at.nonzero()[:, 0].tolist()
        return rows

    def undone(self, histories: Float[Tensor, "batch length"]) -> Float[Tensor, "batch length"]:
        """The histories as if they had been where they are now from the beginning; the same ones where none jumped."""
        if not self.rows:
            return histories
        is_before = torch.arange(histories.shape[1], device=histories.device) < self.at[:, None]
        return torch.where(is_before, histories + self.sizes[:, None], histories)


def shifts_in(histories: Float[Tensor, "batch length"], season_length: int) -> Shifts:
    """Where histories without holes jumped to where they are now.

    Args:
        histories: Each from its beginning to the present.
        season_length: Steps of a season.
    """
    at, sizes = _steps(histories, season_length), histories.new_zeros(len(histories))
    for row in at.nonzero()[:, 0].tolist():
        sizes[row] = _size(histories[row], int(at[row]), season_length)
    return Shifts(at, sizes)


def levelled(histories: Float[Tensor, "batch length"], season_length: int) -> Float[Tensor, "batch length"]:
    """Histories that are where they are now from the beginning; the same ones where none jumped."""
    return shifts_in(histories, season_length).undone(histories)


def stay(histories: Float[Tensor, "batch length"], following: Float[Tensor, " batch"], season_length: int) -> bool:
    """Whether histories that jumped stay where they are at least as often as they go back.

    After outages they go back. Where nothing jumped, nothing speaks against staying.

    Args:
        histories: Each until some moment.
        following: The mean of what came after each.
        season_length: Steps of a season.
    """
    shifts, near = shifts_in(histories, season_length), max(LEAST_BEFORE, season_length)
    rows = shifts.rows
    if not rows:
        return True
    sizes = shifts.sizes[rows]
    halfway = shifts.undone(histories)[rows, -near:].mean(1) - sizes / 2
    return bool((((following[rows] - halfway) * sizes > 0).double().mean() >= 0.5).item())


def _steps(histories: Tensor, season_length: int) -> Tensor:
    length = histories.shape[1]
    first, last = max(LEAST_BEFORE, season_length), length - max(LEAST_AFTER, -(-season_length // 2))
    if first > last:
        return torch.zeros(len(histories), dtype=torch.long, device=histories.device)
    left = _despiked(_less_season(histories, season_length))
    lowest, highest = left.aminmax(dim=1, keepdim=True)
    above = left > (lowest + highest) / 2
    changes = above[:, 1:] != above[:, :-1]
    at = changes.long().argmax(1) + 1
    upper, lower = torch.where(above, left, highest).amin(1), torch.where(above, lowest, left).amax(1)
    widest = torch.maximum(highest[:, 0] - upper, lower - lowest[:, 0])
    is_shift = (changes.sum(1) == 1) & (upper - lower > widest) & (at >= first) & (at <= last)
    return torch.where(is_shift, at, 0)


def _size(history: Float[Tensor, " length"], at: int, season_length: int) -> Tensor:
    """By how much a history jumped at a step, by the season on either side of it."""
    season, near = max(1, season_length), max(LEAST_BEFORE, season_length)
    profile = history[at % season : at].view(-1, season).mean(0)
    phases = (torch.arange(len(history), device=history.device) - at) % season
    left = history - (profile - profile.mean())[phases]
    size: Tensor = left[at : at + near].quantile(0.5) - left[max(0, at - near) : at].quantile(0.5)
    return size


def _less_season(histories: Tensor, season_length: int) -> Tensor:
    """Histories less the mean of each step of their seasons, as it differs from that of all of them."""
    num_seasons = histories.shape[1] // max(1, season_length)
    if season_length < 2 or num_seasons < _LEAST_SEASONS:
        return histories
    start = histories.shape[1] - num_seasons * season_length
    profile = histories[:, start:].unflatten(1, (num_seasons, season_length)).mean(1)
    profile = profile - profile.mean(1, keepdim=True)
    phases = (torch.arange(histories.shape[1], device=histories.device) - start) % season_length
    left: Tensor = histories - profile[:, phases]
    return left


def _despiked(values: Tensor) -> Tensor:
    """The median of each value and its neighbours; at the ends the value itself."""
    before, here, after = values[:, :-2], values[:, 1:-1], values[:, 2:]
    low, high = torch.minimum(before, after), torch.maximum(before, after)
    middle = torch.minimum(torch.maximum(here, low), high)
    return torch.cat([values[:, :1], middle, values[:, -1:]], dim=1)

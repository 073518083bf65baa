"""The history of one series, as precedents are looked for in it."""

from dataclasses import dataclass

from jaxtyping import Bool, Float
from torch import Tensor

MAX_HISTORY = 10_000
"""Steps before the last one that are looked through."""


@dataclass(frozen=True, eq=False)
class Past:
    """The history of one series, to its last observation.

    Attributes:
        values: On its grid.
        observed: Where there was an observation.
        season_length: Steps of its season.
        period: Steps after which values repeat most fully.
    """

    values: Float[Tensor, " past"]
    observed: Bool[Tensor, " past"]
    season_length: int
    period: int

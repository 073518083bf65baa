"""From the x of a data point to its whole state: how the second state v (and any third) starts.

Legend: x ∈ ℝᵈ, v ∈ ℝᵐ.
"""

from collections.abc import Callable, Sequence
from typing import final

import torch
from torch import Tensor, nn

from model.errors import ShootingArgumentInvalid
from model.shooting.finite import check_count, check_kind, check_name
from model.shooting.phase import State


@final
class Lift(nn.Module):
    """Starts the components of a state other than x.

    Args:
        kind: `zero`, `constant` (learned), `linear` in x, or `network`, a small one of x.
        component_sizes: Of the vector field.

    Raises:
        ShootingArgumentInvalid: An unknown kind, no component, or one without a size.
    """

    def __init__(self, kind: str, component_sizes: Sequence[int]) -> None:
        super().__init__()
        check_name("kind", kind, LIFTS)
        check_kind("component_sizes", component_sizes, Sequence, needed="a sequence of whole numbers from 1 on")
        if not component_sizes:
            raise ShootingArgumentInvalid("component_sizes", component_sizes, "at least one whole number from 1 on")
        for size in component_sizes:
            check_count("component_sizes", size)
        first, *rest = component_sizes
        self.state_size = first
        self.maps = nn.ModuleList([LIFTS[kind](first, size) for size in rest])

    def forward(self, x: Tensor) -> State:
        """The state (x, v) of points x, of shape (points, d).

        Raises:
            ShootingArgumentInvalid: An x of another shape.
        """
        if x.ndim != 2 or x.shape[1] != self.state_size:
            raise ShootingArgumentInvalid("x", tuple(x.shape), f"of shape (points, {self.state_size})")
        return (x, *(one(x) for one in self.maps))


class _Constant(nn.Module):
    def __init__(self, size: int, *, learned: bool) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.zeros(size), requires_grad=learned)

    def forward(self, x: Tensor) -> Tensor:
        return self.value.expand(len(x), -1)


def _network(state_size: int, size: int) -> nn.Module:
    return nn.Sequential(nn.Linear(state_size, size), nn.Tanh(), nn.Linear(size, size))


LIFTS: dict[str, Callable[[int, int], nn.Module]] = {
    "zero": lambda _, size: _Constant(size, learned=False),
    "constant": lambda _, size: _Constant(size, learned=True),
    "linear": nn.Linear,
    "network": _network,
}
"""Every way to start v, by name."""

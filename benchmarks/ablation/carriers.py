"""What can stand in the place of the flow of a network: maps from x(0) to the states at the ends of patches.

Legend: d state size, N trained patches.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from typing import Any

import torch
from torch import Tensor, nn

from model.shooting.flow import Flow
from model.shooting.methods import StageControls
from model.shooting.phase import State


class Unrolled(nn.Module):
    """All trained patches at once from x(0), as a decoder without a flow: there is nothing to continue.

    Args:
        maps: From x(0) to the states of all patches; d to N·d.
        num_patches: N.
    """

    def __init__(self, maps: nn.Module, num_patches: int) -> None:
        super().__init__()
        self.maps = maps
        self.num_patches = num_patches

    def controls(self) -> Iterator[StageControls]:
        """None."""
        return repeat(())

    def carry(self, state: State, controls: Iterable[StageControls], times: Sequence[float]) -> list[State]:
        """The states at the ends of the first patches.

        Raises:
            ValueError: There are fewer patches.
        """
        if len(times) > self.num_patches:
            raise ValueError(f"{len(times)} patches were asked of a decoder of {self.num_patches}")
        states = self.maps(state[0]).unflatten(-1, (self.num_patches, -1))
        return [(one,) for one in states.unbind(1)[: len(times)]]


class Residual(nn.Module):
    """N times x(0), each moved by a perceptron: what the velocity is made of, without time."""

    def __init__(self, size: int, hidden: int, num_patches: int) -> None:
        super().__init__()
        self.num_patches = num_patches
        self.layers = nn.Sequential(nn.Linear(size, hidden), nn.ReLU(), nn.Linear(hidden, num_patches * size))

    def forward(self, x: Tensor) -> Tensor:
        """The moved ones, side by side."""
        moved: Tensor = self.layers(x)
        return x.repeat(1, self.num_patches) + moved


class Penalised(nn.Module):
    """A flow whose training pays for the energy of its control.

    Args:
        flow: The flow.
        weight: Of R(θ) in the loss.
    """

    def __init__(self, flow: Flow, weight: float) -> None:
        super().__init__()
        self.flow = flow
        self.weight = weight

    def controls(self) -> Iterator[StageControls]:
        """Those of the flow."""
        return self.flow.controls()

    def carry(self, state: State, controls: Iterable[StageControls], times: Sequence[float]) -> list[State]:
        """What the flow says; in training, the gradient of the penalty joins that of the loss on the way back."""
        first, *others = self.flow.carry(state, controls, times)
        if torch.is_grad_enabled():
            joined: Tensor = _Joined.apply(first[0], self.weight * self.flow.energy())  # type: ignore[no-untyped-call]
            first = (joined, *first[1:])
        return [first, *others]


class _Joined(torch.autograd.Function):
    """The identity of the first argument; the gradient of the second is one, as if it stood in the loss."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, penalty: Tensor) -> Tensor:  # noqa: ARG004
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor]:  # noqa: ARG004
        return gradients[0], gradients[0].new_ones(())

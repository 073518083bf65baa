"""Maps of tensors whose derivative is written by hand, among all others that automatic differentiation knows.

Nothing is recorded while such a map is computed, so that hundreds of small operations leave one node behind. Where
derivatives of the derivative are wanted, the map is computed once more and differentiated automatically.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from model.shooting.phase import State

Gradients = tuple[Tensor | None, ...]
"""A gradient for each of some tensors, None where nothing depends on it."""


class Map(ABC):
    """A map of tensors and what it takes to go back through it."""

    @abstractmethod
    def through(self, inputs: State) -> tuple[State, State]:
        """The outputs, and what `pull_back` is to find; by operations that can be differentiated automatically."""

    @abstractmethod
    def pull_back(self, kept: State, inputs: State, gradients: Gradients) -> Gradients:
        """Of the gradients of the outputs, those of the inputs."""


def apply(mapping: Map, inputs: State) -> State:
    """The outputs of a map, as automatic differentiation sees them."""
    outputs: State = _Node.apply(mapping, *inputs)  # type: ignore[no-untyped-call]
    return outputs


class _Node(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, mapping: Map, *inputs: Tensor) -> State:
        outputs, kept = mapping.through(inputs)
        ctx.mapping, ctx.num_inputs = mapping, len(inputs)
        ctx.save_for_backward(*inputs, *kept)
        ctx.set_materialize_grads(False)
        return outputs

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Any, ...]:
        # Asked for once: with checkpoints, a second look would compute the forward pass again.
        saved = ctx.saved_tensors
        inputs, kept = saved[: ctx.num_inputs], saved[ctx.num_inputs :]
        if torch.is_grad_enabled():
            return (None, *_pulled_back_automatically(ctx.mapping, inputs, gradients))
        return (None, *ctx.mapping.pull_back(kept, inputs, gradients))


def _pulled_back_automatically(mapping: Map, inputs: State, gradients: Gradients) -> Sequence[Tensor | None]:
    # Of its own tensors, so that what comes before is not met on the way.
    own = tuple(one.view_as(one) if one.requires_grad else one for one in inputs)
    outputs, _ = mapping.through(own)
    wanted = [one for one in own if one.requires_grad]
    pairs = [(one, g) for one, g in zip(outputs, gradients, strict=True) if g is not None and one.requires_grad]
    found = iter(
        torch.autograd.grad(
            [one for one, _ in pairs], wanted, [g for _, g in pairs], create_graph=True, allow_unused=True
        )
    )
    return [next(found) if one.requires_grad else None for one in own]

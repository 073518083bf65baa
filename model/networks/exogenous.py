"""Covariates in the flow, as in a driven system: they move the state, and what is observed of it.

    x(0) += A u(history) + B s        the history of all signals, and the facts
    (x, v) += K u(patch)              after each patch: what was known in advance of it moves the state
    y(t) += D(u(t), …, u(t − 7), x)   and acts at once, within the patch

Nothing looks ahead: a value depends on the signals until its own time, so that a horizon is the prefix of any longer
one. All four begin at zero: an untrained driven flow is the flow without covariates.

Legend: u signals, s facts, d state size, m size of v, P patch length.
"""

from collections.abc import Iterable
from typing import TypeVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from model.contexts.inputs import Inputs
from model.contexts.scheme import Scheme
from model.shooting.flow import Flow
from model.shooting.methods import StageControls
from model.shooting.phase import State

MEMORY = 8
"""Steps whose signals act at once: the present one and those just before it."""

_HIDDEN = 32
Layer = TypeVar("Layer", nn.Linear, nn.Embedding)


class Exogenous(nn.Module):
    """What covariates do to a flow.

    Args:
        scheme: The covariates.
        context_length: Steps of the history.
        patch_length: P.
        sizes: d and m.
    """

    def __init__(self, scheme: Scheme, *, context_length: int, patch_length: int, sizes: tuple[int, ...]) -> None:
        super().__init__()
        self.context_length = context_length
        self.patch_length = patch_length
        self.sizes = sizes
        self.num_past = len(scheme.past)
        self.num_ahead = scheme.num_ahead
        self.facts = _unbiased(len(scheme.measures), sizes[0])
        self.history = _unbiased(scheme.num_signals * context_length, sizes[0])
        self.choices = nn.ModuleList(
            _zero(nn.Embedding(len(one.values) + 1, sizes[0], padding_idx=0)) for one in scheme.choices
        )
        if self.num_ahead:
            self.kick = _unbiased(self.num_ahead * patch_length, sum(sizes))
            self.drive = nn.Linear(self.num_ahead * MEMORY, _HIDDEN)
            self.gate = nn.Linear(sizes[0], _HIDDEN, bias=False)
            self.effect = _zero(nn.Linear(_HIDDEN, 1))

    def start(self, inputs: Inputs) -> Float[Tensor, "batch d"]:
        """What the history of the signals, and the facts, add to x(0)."""
        moved: Tensor = self.history(inputs.signals[:, : self.context_length].flatten(1))
        moved = moved + self.facts(inputs.measures)
        for number, choice in enumerate(self.choices):
            moved = moved + choice(inputs.choices[:, number])
        return moved

    def carry(
        self, flow: Flow, state: State, controls: Iterable[StageControls], num_patches: int, inputs: Inputs
    ) -> list[State]:
        """The states at the ends of patches, each moved by the signals of its patch before the next one begins."""
        coming, states = iter(controls), []
        patches = self._ahead(inputs, num_patches).unflatten(1, (num_patches, self.patch_length)).flatten(2)
        for number in range(num_patches):
            (state,) = flow.carry(state, coming, [1.0])
            states.append(state)
            kicks = self.kick(patches[:, number]).split(self.sizes, dim=-1)
            state = tuple(part + kick for part, kick in zip(state, kicks, strict=True))
        return states

    def effects(self, states: list[State], inputs: Inputs) -> Float[Tensor, "batch steps"]:
        """What the signals add to the values at once."""
        x = torch.stack([state[0] for state in states], dim=1)
        recent = self._ahead(inputs, len(states), before=MEMORY - 1).unfold(1, MEMORY, 1).flatten(2)
        drive = self.drive(recent).unflatten(1, (len(states), self.patch_length))
        effects: Tensor = self.effect(torch.relu(drive + self.gate(x)[:, :, None]))
        return effects.flatten(1)

    def _ahead(self, inputs: Inputs, num_patches: int, *, before: int = 0) -> Tensor:
        """The signals known in advance over some patches, and so many steps before them; at their mean past the end."""
        until = self.context_length + num_patches * self.patch_length
        known = inputs.signals[:, max(0, self.context_length - before) : until, self.num_past :]
        missing_before = max(0, before - self.context_length)
        num_missing = before + num_patches * self.patch_length - known.shape[1] - missing_before
        return functional.pad(known, (0, 0, missing_before, num_missing))


class _Nothing(nn.Module):
    """A linear map of no numbers."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, values: Tensor) -> Tensor:
        return values.new_zeros(len(values), self.size)


def _unbiased(num_inputs: int, size: int) -> nn.Module:
    """A linear map that begins at zero; torch has none of no numbers."""
    return _zero(nn.Linear(num_inputs, size, bias=False)) if num_inputs else _Nothing(size)


def _zero(layer: Layer) -> Layer:
    nn.init.zeros_(layer.weight)
    return layer

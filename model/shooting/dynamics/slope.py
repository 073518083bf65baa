"""The velocity of a state with its derivative by hand: what a step of integration is made of."""

from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor

from model.shooting.by_hand import Gradients
from model.shooting.phase import State


class Evaluated(NamedTuple):
    """A velocity, what of the state others depend on, and what the way back is to find."""

    velocity: State
    shown: State
    kept: State


class Slope(ABC):
    """A velocity f(y, θ) of a state y that may depend on given tensors θ."""

    @property
    @abstractmethod
    def num_components(self) -> int:
        """Of y."""

    @abstractmethod
    def evaluated(self, y: State, given: State) -> Evaluated:
        """The velocity at y, by operations that can be differentiated automatically as well."""

    @abstractmethod
    def pull_back(
        self, kept: State, given: State, of_velocity: State | None, of_shown: Gradients
    ) -> tuple[State, State]:
        """Of gradients of the velocity, None where nothing depends on it, and of what was shown: those of y and θ."""


def filled(gradients: Gradients, like: State) -> State:
    """Gradients with zeros for those that are None."""
    return tuple(torch.zeros_like(one) if g is None else g for g, one in zip(gradients, like, strict=True))


def with_shown(gradients: State, others: Gradients) -> State:
    """Gradients with others added; the first are written to."""
    return tuple(_added(g, other) for g, other in zip(gradients, others, strict=True))


def _added(gradient: Tensor, other: Tensor | None) -> Tensor:
    return gradient if other is None else gradient.add_(other)

"""Controls computed once and kept for every later forecast."""

from collections.abc import Iterator
from copy import deepcopy
from threading import Lock
from typing import Protocol, runtime_checkable

import torch
from torch import nn

from model.shooting.dynamics import Control
from model.shooting.finite import check_count
from model.shooting.methods import StageControls


@runtime_checkable
class Controlled(Protocol):
    """A module that has controls: a flow."""

    def controls(self) -> Iterator[StageControls]:
        """Those of one step after the other."""

    def parameters(self) -> Iterator[nn.Parameter]:
        """What was learned."""

    def double(self) -> "Controlled":
        """Itself, in float64 from now on."""


class ControlCache:
    """The controls of a flow that is trained no further, step by step as far as was ever asked.

    The particles are carried in float64, and each control is rounded when it is kept. Particles carry their rounding on
    from step to step, and far past the trained time it can have grown to be seen; points have only their own.

    Safe to read from several threads.

    Args:
        flow: The flow.
    """

    def __init__(self, flow: Controlled) -> None:
        self._steps: list[StageControls] = []
        self._dtype = next(flow.parameters()).dtype
        self._coming = deepcopy(flow).double().controls()
        self._lock = Lock()
        self._last: tuple[Control, Control] | None = None

    @torch.inference_mode()
    def first(self, num_steps: int) -> list[StageControls]:
        """The controls of the first steps.

        Raises:
            ShootingArgumentInvalid: A negative number of steps.
        """
        check_count("num_steps", num_steps, least=0)
        with self._lock:
            while len(self._steps) < num_steps:
                self._steps.append(tuple(map(self._kept, next(self._coming))))
            return self._steps[:num_steps]

    def _kept(self, control: Control) -> Control:
        """In the form to keep; a control that is held over time is kept once."""
        if self._last is None or self._last[0] is not control:
            self._last = control, control.kept(self._dtype)
        return self._last[1]

    def __iter__(self) -> Iterator[StageControls]:
        """One step after the other, without an end."""
        number = 0
        while True:
            number += 1
            yield self.first(number)[-1]

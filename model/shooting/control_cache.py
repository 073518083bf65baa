"""Controls computed once and kept for every later forecast."""

from collections.abc import Iterator
from threading import Lock
from typing import Protocol, runtime_checkable

import torch

from model.shooting.dynamics import Control
from model.shooting.methods import StageControls


@runtime_checkable
class Controlled(Protocol):
    """What has controls: a flow."""

    def controls(self) -> Iterator[StageControls]:
        """Those of one step after the other."""


class ControlCache:
    """The controls of a flow that is trained no further, step by step as far as was ever asked.

    Safe to read from several threads.

    Args:
        flow: The flow.
    """

    def __init__(self, flow: Controlled) -> None:
        self._steps: list[StageControls] = []
        self._coming = flow.controls()
        self._lock = Lock()
        self._last: tuple[Control, Control] | None = None

    @torch.inference_mode()
    def first(self, num_steps: int) -> list[StageControls]:
        """The controls of the first steps."""
        with self._lock:
            while len(self._steps) < num_steps:
                self._steps.append(tuple(map(self._kept, next(self._coming))))
            return self._steps[:num_steps]

    def _kept(self, control: Control) -> Control:
        """In the form to keep; a control that is held over time is kept once."""
        if self._last is None or self._last[0] is not control:
            self._last = control, control.kept()
        return self._last[1]

    def __iter__(self) -> Iterator[StageControls]:
        """One step after the other, without an end."""
        number = 0
        while True:
            number += 1
            yield self.first(number)[-1]

"""Controls computed once and kept for every later forecast."""

from collections.abc import Iterator
from threading import Lock

import torch

from model.shooting.flow import Flow
from model.shooting.methods import StageControls


class ControlCache:
    """The controls of a flow that is trained no further, step by step as far as was ever asked.

    Safe to read from several threads.

    Args:
        flow: The flow.
    """

    def __init__(self, flow: Flow) -> None:
        self._steps: list[StageControls] = []
        self._coming = flow.controls()
        self._lock = Lock()

    @torch.inference_mode()
    def first(self, num_steps: int) -> list[StageControls]:
        """The controls of the first steps."""
        with self._lock:
            while len(self._steps) < num_steps:
                self._steps.append(next(self._coming))
            return self._steps[:num_steps]

    def __iter__(self) -> Iterator[StageControls]:
        """One step after the other, without an end."""
        number = 0
        while True:
            number += 1
            yield self.first(number)[-1]

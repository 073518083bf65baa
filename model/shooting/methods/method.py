"""What every method of fixed steps offers.

A step has two halves that never touch each other's state: the companions are advanced, which gives the control at each
stage of the step, and points are carried through those stages. So the first half can be done once and kept.

Legend: h step.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from model.shooting.course import Course
from model.shooting.dynamics import Control
from model.shooting.phase import State

StageControls = tuple[Control, ...]
"""The control at each stage of one step."""


class Method(ABC):
    """How one step of length h is made, forward or, with h < 0, backward.

    Attributes:
        order: Of the global error in h.
    """

    order: int

    @property
    @abstractmethod
    def num_stages(self) -> int:
        """How often a step evaluates the vector field."""

    @abstractmethod
    def advance(self, course: Course, companions: State, *, time: float, step: float) -> tuple[StageControls, State]:
        """The controls at the stages of a step, and the companions after it.

        Args:
            course: The control over time.
            companions: Its companions at the start of the step.
            time: The middle of the step.
            step: h.
        """

    @abstractmethod
    def carry(
        self, state: State, controls: StageControls, *, step: float, fractions: Sequence[float] = (1.0,)
    ) -> list[State]:
        """Points after fractions of a step, each in (0, 1], under the controls of its stages."""

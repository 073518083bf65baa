"""Explicit Runge–Kutta methods with a continuous extension.

Legend: h step, kᵢ stage velocities, (a, b) the method's table, s ∈ (0, 1] a fraction of a step.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from model.shooting.course import Course
from model.shooting.methods.method import Method, StageControls
from model.shooting.phase import State, moved


@final
@dataclass(frozen=True)
class RungeKutta(Method):
    """An explicit Runge–Kutta method.

    Attributes:
        order: Of the global error.
        a: For each stage, the weights of the stages before it.
        dense: For each stage, the coefficients of s, s², … of its weight bᵢ(s) after a fraction s of the step; their
            sum is bᵢ.
    """

    order: int
    a: tuple[tuple[float, ...], ...]
    dense: tuple[tuple[float, ...], ...]

    @property
    def num_stages(self) -> int:
        """One row of the table each."""
        return len(self.a)

    def weights(self, fraction: float) -> list[float]:
        """bᵢ(s): the weights of the stages after a fraction of the step."""
        return [sum(c * fraction**power for power, c in enumerate(row, start=1)) for row in self.dense]

    def advance(self, course: Course, companions: State, *, time: float, step: float) -> tuple[StageControls, State]:
        """Carries the companions through the stages, keeping the control at each."""
        velocities: list[State] = []
        controls = []
        for weights in self.a:
            stage = moved(companions, velocities, [step * w for w in weights])
            controls.append(course.control(time, stage))
            velocities.append(course.motion(controls[-1], stage))
        return tuple(controls), moved(companions, velocities, [step * w for w in self.weights(1.0)])

    def carry(
        self, state: State, controls: StageControls, *, step: float, fractions: Sequence[float] = (1.0,)
    ) -> list[State]:
        """Carries points through the stages once, for all fractions."""
        velocities: list[State] = []
        for weights, control in zip(self.a, controls, strict=True):
            velocities.append(control.velocity(moved(state, velocities, [step * w for w in weights])))
        return [moved(state, velocities, [step * w for w in self.weights(s)]) for s in fractions]


EULER = RungeKutta(1, ((),), ((1.0,),))
MIDPOINT = RungeKutta(2, ((), (0.5,)), ((1.0, -1.0), (0.0, 1.0)))
# The 3/8 rule, which torchdiffeq calls rk4, with its natural continuous extension of third order.
RK4 = RungeKutta(
    4,
    ((), (1 / 3,), (-1 / 3, 1.0), (1.0, -1.0, 1.0)),
    ((1.0, -15 / 8, 1.0), (0.0, 15 / 8, -3 / 2), (0.0, 3 / 8, 0.0), (0.0, -3 / 8, 1 / 2)),
)

"""Explicit Runge–Kutta methods with a continuous extension.

Legend: h step, (a, b) the method's table, s ∈ (0, 1] a fraction of a step.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import final

import torch

from model.shooting.compiled import Compiler
from model.shooting.course import Course
from model.shooting.methods.method import Method, StageControls
from model.shooting.methods.stepped import Step
from model.shooting.phase import State, moved


@final
@dataclass(frozen=True)
class RungeKutta(Method):
    """An explicit Runge–Kutta method.

    Attributes:
        order: Of the global error.
        a: For each stage, the weights of the stages before it.
        b: The weight of each stage after the whole step.
        dense: For each stage, the coefficients of s, s², … of its weight bᵢ(s) after a fraction s of the step; their
            sum is bᵢ.
        compiler: Compiles steps that have a derivative by hand, where gradients are wanted.
    """

    order: int
    a: tuple[tuple[float, ...], ...]
    b: tuple[float, ...]
    dense: tuple[tuple[float, ...], ...]
    compiler: Compiler | None = field(default=None, compare=False, repr=False)

    @property
    def num_stages(self) -> int:
        """One row of the table each."""
        return len(self.a)

    def weights(self, fraction: float) -> tuple[float, ...]:
        """bᵢ(s): the weights of the stages after a fraction of the step."""
        if fraction == 1.0:
            return self.b
        return tuple(sum(c * fraction**power for power, c in enumerate(row, start=1)) for row in self.dense)

    def advance(self, course: Course, companions: State, *, time: float, step: float) -> tuple[StageControls, State]:
        """Carries the companions through the stages, keeping the control at each."""
        if (slope := course.slope) is not None:
            compiler = self.compiler if torch.is_grad_enabled() else None
            shown, ends = Step(slope, self.a, (self.b,), step).made(companions, [()] * self.num_stages, compiler)
            return tuple(map(course.shown_control, shown)), ends[0]
        velocities: list[State] = []
        controls = []
        for weights in self.a:
            stage = moved(companions, velocities, [step * w for w in weights])
            controls.append(course.control(time, stage))
            velocities.append(course.motion(controls[-1], stage))
        return tuple(controls), moved(companions, velocities, [step * w for w in self.b])

    def carry(
        self, state: State, controls: StageControls, *, step: float, fractions: Sequence[float] = (1.0,)
    ) -> list[State]:
        """Carries points once, for all fractions, through the stages that one of them needs."""
        velocities: list[State] = []
        outcomes = tuple(self.weights(s) for s in fractions)
        needed = max(number for outcome in outcomes for number, weight in enumerate(outcome, start=1) if weight != 0.0)
        slopes = [control.slope() for control in controls[:needed]] if torch.is_grad_enabled() else []
        known = [slope for slope in slopes if slope is not None]
        if known and len(known) == needed:
            stepped = Step(known[0][0], self.a[:needed], outcomes, step)
            return stepped.made(state, [given for _, given in known], self.compiler)[1]
        for weights, control in zip(self.a[:needed], controls[:needed], strict=True):
            velocities.append(control.velocity(moved(state, velocities, [step * w for w in weights])))
        return [moved(state, velocities, [step * w for w in outcome[:needed]]) for outcome in outcomes]


EULER = RungeKutta(1, ((),), (1.0,), ((1.0,),))
MIDPOINT = RungeKutta(2, ((), (0.5,)), (0.0, 1.0), ((1.0, -1.0), (0.0, 1.0)))
# The 3/8 rule, which torchdiffeq calls rk4, with its natural continuous extension of third order.
RK4 = RungeKutta(
    4,
    ((), (1 / 3,), (-1 / 3, 1.0), (1.0, -1.0, 1.0)),
    (1 / 8, 3 / 8, 3 / 8, 1 / 8),
    ((1.0, -15 / 8, 1.0), (0.0, 15 / 8, -3 / 2), (0.0, 3 / 8, 0.0), (0.0, -3 / 8, 1 / 2)),
)
# The fifth order of Dormand and Prince (1980). Its last stage is the end of the step and serves the continuous
# extension alone, which is of fourth order (Shampine 1986).
RK5 = RungeKutta(
    5,
    (
        (),
        (1 / 5,),
        (3 / 40, 9 / 40),
        (44 / 45, -56 / 15, 32 / 9),
        (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
        (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
        (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
    ),
    (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84, 0.0),
    (
        (1.0, -8048581381 / 2820520608, 8663915743 / 2820520608, -12715105075 / 11282082432),
        (0.0, 0.0, 0.0, 0.0),
        (0.0, 131558114200 / 32700410799, -68118460800 / 10900136933, 87487479700 / 32700410799),
        (0.0, -1754552775 / 470086768, 14199869525 / 1410260304, -10690763975 / 1880347072),
        (0.0, 127303824393 / 49829197408, -318862633887 / 49829197408, 701980252875 / 199316789632),
        (0.0, -282668133 / 205662961, 2019193451 / 616988883, -1453857185 / 822651844),
        (0.0, 40617522 / 29380423, -110615467 / 29380423, 69997945 / 29380423),
    ),
)

"""Integration by fixed steps: the control is computed first, data points are then carried through it.

Both together are the same numbers as the joint system of particles and points, at a fraction of the work, and the
control can be kept for every later forecast. Steps lie at the multiples of h whatever times are asked, so the value at
one time does not depend on the other times asked.

Legend: h step.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import count

from model.shooting.course import Course
from model.shooting.methods import Method, StageControls
from model.shooting.phase import State

# A time this close to a step's end, in steps, is that end: sums of floats should not cost an extra step.
_ON_GRID = 1e-6


def stage_controls(course: Course, *, step: float, method: Method) -> Iterator[StageControls]:
    """The controls at the stages of one step after the other, without an end.

    Args:
        course: The control over time.
        step: h, negative to go back in time.
        method: How a step is made.
    """
    companions = course.companions
    for number in count():
        controls, companions = method.advance(course, companions, time=(number + 0.5) * step, step=step)
        yield controls


def carry(
    state: State, controls: Iterable[StageControls], times: Sequence[float], *, step: float, method: Method
) -> list[State]:
    """Data points at times, in the order of the times.

    Args:
        state: Points at time 0, each component of shape (points, size).
        controls: Of one step after the other, at least to the latest time.
        times: On the side of 0 that the steps go to, in any order.
        step: h, the same as the controls were computed with.
        method: The same as the controls were computed with.
    """
    places = [_place(time, step) for time in times]
    found: dict[tuple[int, float], State] = {(0, 1.0): state}
    latest = max((number for number, _ in places), default=0)
    for number, stages in zip(range(1, latest + 1), controls, strict=False):
        inner = sorted({fraction for n, fraction in places if n == number} - {1.0})
        *within, state = method.carry(state, stages, step=step, fractions=(*inner, 1.0))
        found |= {(number, fraction): one for fraction, one in zip(inner, within, strict=True)}
        found[number, 1.0] = state
    return [found[place] for place in places]


def num_steps(time: float, step: float) -> int:
    """How many steps it takes to a time."""
    return _place(time, step)[0]


def _place(time: float, step: float) -> tuple[int, float]:
    """The number of the step, from 1 on, that a time falls into, and the fraction of it; (0, 1) for time 0."""
    steps = time / step
    whole = round(steps)
    if abs(steps - whole) < _ON_GRID:
        return whole, 1.0
    return int(steps) + 1, steps - int(steps)

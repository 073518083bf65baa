"""Integration by fixed steps: the control is computed first, data points are then carried through it.

Both together are the same numbers as the joint system of particles and points, at a fraction of the work, and the
control can be kept for every later forecast. Steps lie at the multiples of h whatever times are asked, so the value at
one time does not depend on the other times asked.

Legend: h step.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count

from torch.utils.checkpoint import checkpoint

from model.errors import ShootingArgumentInvalid
from model.shooting.course import Course
from model.shooting.finite import check_count, check_step
from model.shooting.methods import Method, StageControls
from model.shooting.phase import State

Place = tuple[int, float]
"""The number of a step, from 1 on, and the fraction of it that has passed; (0, 1) is time 0."""

# A time this close to a step's end, in steps, is that end: rounding should not cost an extra step.
_ON_GRID = 1e-9


def stage_controls(course: Course, *, step: float, method: Method) -> Iterator[StageControls]:
    """The controls at the stages of one step after the other, without an end.

    Args:
        course: The control over time.
        step: h, negative to go back in time.
        method: How a step is made.

    Raises:
        ShootingArgumentInvalid: A step of 0, or one that is not finite.
    """
    check_step(step)
    companions = course.companions
    for number in count(1):
        controls, companions = _advance(course, companions, number, step=step, method=method)
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

    Raises:
        ShootingArgumentInvalid: A time on the other side of 0, controls that end before the latest time, a step of 0 or
            one that is not finite.
    """
    check_step(step)
    places = [_place(time, step) for time in times]
    wanted = _by_step(places)
    latest = max(wanted, default=0)
    numbered = zip(range(1, latest + 1), controls, strict=False)
    _, found = _through(state, numbered, wanted, step=step, method=method)
    if latest > 0 and not any(number == latest for number, _ in found):
        raise ShootingArgumentInvalid("controls", "at an end", f"of {latest} steps")
    found[0, 1.0] = state
    return [found[place] for place in places]


def carry_recomputed(
    course: Course, state: State, times: Sequence[float], *, step: float, method: Method, segment: int
) -> list[State]:
    """The same as `carry` under the controls of a course, in less memory where gradients are wanted.

    Companions and points are kept at the ends of segments alone. Going back for the gradient, each segment is
    integrated once more: about a forward pass more of work.

    Args:
        course: The control over time.
        state: Points at time 0, each component of shape (points, size).
        times: On the side of 0 that the steps go to, in any order.
        step: h, negative to go back in time.
        method: How a step is made.
        segment: How many steps are integrated anew at a time.

    Raises:
        ShootingArgumentInvalid: A time on the other side of 0, a step of 0 or one that is not finite, no segment.
    """
    check_step(step)
    check_count("segment", segment)
    places = [_place(time, step) for time in times]
    wanted = _by_step(places)
    latest, companions = max(wanted, default=0), course.companions

    def through(numbers: range, companions: State, state: State) -> tuple[State, State, dict[Place, State]]:
        numbered = []
        for number in numbers:
            stages, companions = _advance(course, companions, number, step=step, method=method)
            numbered.append((number, stages))
        return companions, *_through(state, numbered, wanted, step=step, method=method)

    found = {(0, 1.0): state}
    for first in range(1, latest + 1, segment):
        numbers = range(first, min(first + segment, latest + 1))
        ends = checkpoint(through, numbers, companions, state, use_reentrant=False, preserve_rng_state=False)
        companions, state, inside = ends
        found |= inside
    return [found[place] for place in places]


def num_steps(time: float, step: float) -> int:
    """How many steps it takes to a time.

    Raises:
        ShootingArgumentInvalid: A time that no step leads to, a step of 0 or one that is not finite.
    """
    check_step(step)
    return _place(time, step)[0]


def _advance(
    course: Course, companions: State, number: int, *, step: float, method: Method
) -> tuple[StageControls, State]:
    return method.advance(course, companions, time=(number - 0.5) * step, step=step)


def _through(
    state: State,
    numbered: Iterable[tuple[int, StageControls]],
    wanted: Mapping[int, set[float]],
    *,
    step: float,
    method: Method,
) -> tuple[State, dict[Place, State]]:
    """Points after the last of some steps, and at the places wanted on the way."""
    found: dict[Place, State] = {}
    for number, stages in numbered:
        here = wanted.get(number, set())
        fractions = sorted({*here, 1.0})
        states = method.carry(state, stages, step=step, fractions=fractions)
        found |= {(number, fraction): one for fraction, one in zip(fractions, states, strict=True) if fraction in here}
        state = states[-1]
    return state, found


def _place(time: float, step: float) -> Place:
    steps = time / step
    if not -_ON_GRID < steps < math.inf:
        raise ShootingArgumentInvalid("times", time, f"finite and not {'before' if step > 0 else 'after'} 0")
    whole = round(steps)
    if abs(steps - whole) < _ON_GRID:
        return whole, 1.0
    return int(steps) + 1, steps - int(steps)


def _by_step(places: Iterable[Place]) -> dict[int, set[float]]:
    """The fractions wanted of each step."""
    wanted: dict[int, set[float]] = {}
    for number, fraction in places:
        wanted.setdefault(number, set()).add(fraction)
    return wanted

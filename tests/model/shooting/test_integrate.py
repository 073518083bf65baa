"""Fixed steps keep what the equations keep, and are the numbers of the joint system."""

import math
import weakref
from collections.abc import Sequence
from functools import cache
from itertools import islice

import pytest
import torch
from torch.testing import assert_close

from model import ShootingArgumentInvalid
from model.shooting.adaptive import FIXED_STEP, Solver, solve
from model.shooting.course import Course, Steered
from model.shooting.dynamics import DYNAMICS, Dynamics
from model.shooting.hamiltonian import reduced_hamiltonian
from model.shooting.integrate import carry, num_steps, stage_controls
from model.shooting.methods import METHODS, Method, RungeKutta, StageControls
from model.shooting.parametrisation import Parametrisation, parametrise
from model.shooting.phase import Phase, State
from tests.model.shooting.conftest import MakeField, make_calm_field, make_field, some_particles, some_points

RUNGE_KUTTA = sorted(name for name, method in METHODS.items() if isinstance(method, RungeKutta))


def carried(dynamics: Dynamics, particles: Phase, *, num_steps: int, time: float = 1.0, method: str = "rk4") -> Phase:
    course, companions, step = Steered(dynamics, particles), particles.components(), time / num_steps
    for _ in range(num_steps):
        _, companions = METHODS[method].advance(course, companions, time=0.0, step=step)
    return Phase.from_components(companions)


def points_at(
    parametrisation: Parametrisation, points: State, times: list[float], method: Method, *, step: float = 0.05
) -> list[State]:
    controls = stage_controls(parametrisation.course(), step=step, method=method)
    return carry(points, controls, times, step=step, method=method)


@pytest.mark.parametrize("method", sorted(METHODS))
def test_the_hamiltonian_drifts_at_the_order_of_the_method(field: MakeField, method: str) -> None:
    dynamics = field("softplus")
    particles = some_particles(dynamics, 4, size=0.7)
    start = reduced_hamiltonian(dynamics, particles)

    def drift(num_steps: int) -> float:
        """The largest within a unit of time: at a single time the drift may just change its sign."""
        largest, phase = 0.0, particles
        for _ in range(5):
            phase = carried(dynamics, phase, num_steps=num_steps // 5, time=0.2, method=method)
            largest = max(largest, abs(float(reduced_hamiltonian(dynamics, phase) - start)))
        return largest

    rounding = 1e-14
    assert drift(20) < 1.5 * drift(10) / 2 ** METHODS[method].order + rounding


@cache
def steered(name: str) -> tuple[Course, State, State]:
    """A calm field that its particles steer, points, and where they are at 0.3, by torchdiffeq."""
    dynamics = make_calm_field(name, "softplus")
    course, points = Steered(dynamics, some_particles(dynamics, 4)), some_points(dynamics, 3)
    return course, points, solve(course, points, [0.3], solver=Solver(rtol=1e-12, atol=1e-12))[0]


@pytest.mark.parametrize("name", DYNAMICS)
@pytest.mark.parametrize("method", RUNGE_KUTTA)
def test_between_the_ends_of_a_step_at_most_one_order_is_lost(name: str, method: str) -> None:
    course, points, exact = steered(name)

    def error(step: float) -> float:
        controls = stage_controls(course, step=step, method=METHODS[method])
        found = carry(points, controls, [0.3], step=step, method=METHODS[method])[0]
        return max(float((one - other).abs().max()) for one, other in zip(found, exact, strict=True))

    # 0.3 is three quarters through a step of 0.4 and a half through steps of 0.2 and 0.04.
    order = METHODS[method].order
    rounding = 1e-12
    assert error(0.04) < error(0.2) / 5 ** max(1, order - 1) * 2 + rounding


def test_forward_then_back_returns(field: MakeField) -> None:
    dynamics = field("softplus")
    particles = some_particles(dynamics, 4)
    there = carried(dynamics, particles, num_steps=20)
    back = carried(dynamics, there, num_steps=20, time=-1.0)
    assert_close(back.components(), particles.components(), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("method", sorted(FIXED_STEP))
def test_control_first_gives_what_torchdiffeq_gives_for_the_joint_system(held: Parametrisation, method: str) -> None:
    held = held.float()
    points = tuple(component.float() for component in some_points(held.dynamics, 6))
    times = [0.5, 1.0]
    joint = solve(held.course(), points, times, solver=Solver(method, step=0.125))
    assert_close(points_at(held, points, times, METHODS[method], step=0.125), joint, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("method", sorted(METHODS))
def test_the_value_at_one_time_does_not_depend_on_the_other_times_asked(held: Parametrisation, method: str) -> None:
    points = some_points(held.dynamics, 6)
    times = [0.62, 0.1, 0.0, 0.62, 0.63]
    together = points_at(held, points, times, METHODS[method], step=0.5)
    alone = {time: points_at(held, points, [time], METHODS[method], step=0.5)[0] for time in set(times)}
    assert_close(together, [alone[time] for time in times], rtol=0, atol=0)
    assert_close(together[2], points, rtol=0, atol=0)


def test_a_point_does_not_feel_its_neighbours_in_the_batch(held: Parametrisation) -> None:
    points = some_points(held.dynamics, 6)
    together = points_at(held, points, [1.0], METHODS["rk4"], step=0.25)[0]
    alone = points_at(held, tuple(component[2:3] for component in points), [1.0], METHODS["rk4"], step=0.25)[0]
    assert_close(tuple(component[2:3] for component in together), alone, rtol=1e-12, atol=1e-12)


def test_controls_go_on_without_an_end(held: Parametrisation) -> None:
    steps = list(islice(stage_controls(held.course(), step=0.05, method=METHODS["rk4"]), 9))
    assert len(steps) == 9
    assert all(len(stages) == 4 for stages in steps)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_time_near_a_step_is_told_from_it_unless_rounding_made_it(sign: float) -> None:
    points, method, step = some_points(make_field("simple", "relu"), 2), METHODS["rk4"], sign * 0.1
    assert num_steps(sign * (0.1 + 0.1 + 0.1), step) == 3
    assert num_steps(sign * 1_000_000 * 0.1, step) == 1_000_000
    assert num_steps(sign * 0.3000001, step) == 4
    assert num_steps(sign * 1e-9, step) == 1
    assert num_steps(-0.0, step) == 0
    assert_close(carry(points, [], [sign * 1e-12, 0.0], step=step, method=method), [points, points], rtol=0, atol=0)


def test_a_very_short_time_moves_points_by_very_little(held: Parametrisation) -> None:
    points = some_points(held.dynamics, 2)
    once, twice = points_at(held, points, [1e-8, 2e-8], METHODS["rk4"])
    for start, one, two in zip(points, once, twice, strict=True):
        assert_close((two - start), 2 * (one - start), rtol=1e-5, atol=1e-14)
        assert bool((one != start).any())


def test_times_that_no_step_leads_to_and_controls_that_end_too_early_are_refused() -> None:
    points, method = some_points(make_field("simple", "relu"), 2), METHODS["rk4"]
    for time, step in ((-0.1, 0.1), (0.1, -0.1), (math.inf, 0.1), (math.nan, 0.1), (1e308, 1e-3)):
        with pytest.raises(ShootingArgumentInvalid, match="times"):
            carry(points, [], [time], step=step, method=method)
    with pytest.raises(ShootingArgumentInvalid, match="controls"):
        carry(points, [], [0.3], step=0.1, method=method)


def test_no_more_states_are_kept_than_were_asked_for() -> None:
    held = parametrise("direct_static", make_field("simple", "relu"), num_particles=2).double()
    alive: weakref.WeakSet[torch.Tensor] = weakref.WeakSet()
    most = 0

    class Watched(Method):
        order, num_stages = 1, 1

        def advance(
            self, course: Course, companions: State, *, time: float, step: float
        ) -> tuple[StageControls, State]:
            return METHODS["euler"].advance(course, companions, time=time, step=step)

        def carry(
            self, state: State, controls: StageControls, *, step: float, fractions: Sequence[float] = (1.0,)
        ) -> list[State]:
            nonlocal most
            states = METHODS["euler"].carry(state, controls, step=step, fractions=fractions)
            alive.update(component for one in states for component in one)
            most = max(most, len(alive))
            return states

    with torch.no_grad():
        points_at(held, some_points(held.dynamics, 2), [0.5, 0.75, 5.0], Watched())
    assert most <= 5

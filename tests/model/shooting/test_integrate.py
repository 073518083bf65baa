"""Integration keeps what the equations keep, and both ways of it agree."""

from collections.abc import Callable

import pytest
import torch
from torch.testing import assert_close

from model import StepBudgetExceeded
from model.shooting.dynamics import Dynamics
from model.shooting.flow import Flow
from model.shooting.hamiltonian import energy, reduced_hamiltonian
from model.shooting.integrate import TABLEAUX, Solver, carry_jointly, carry_particles, carry_points
from model.shooting.phase import Phase, State
from tests.model.shooting.conftest import some_particles, some_points

SMOOTH = "softplus"


def carried(dynamics: Dynamics, particles: Phase, *, num_steps: int, time: float = 1.0, method: str = "rk4") -> Phase:
    steps = carry_particles(dynamics, particles, step=time / num_steps, num_steps=num_steps, method=method)
    return list(steps)[-1][0]


@pytest.mark.parametrize("method", sorted(TABLEAUX))
@pytest.mark.parametrize("quantity", [energy, reduced_hamiltonian])
def test_energy_and_hamiltonian_drift_at_the_order_of_the_integrator(
    field: Callable[[str], Dynamics], method: str, quantity: Callable[[Dynamics, Phase], torch.Tensor]
) -> None:
    dynamics = field(SMOOTH)
    particles = some_particles(dynamics, 4)

    def drift(num_steps: int) -> float:
        end = carried(dynamics, particles, num_steps=num_steps, method=method)
        return abs(float(quantity(dynamics, end) - quantity(dynamics, particles)))

    ratio = drift(40) / drift(80)
    assert ratio == pytest.approx(2 ** TABLEAUX[method].order, rel=0.25)


def test_forward_then_back_returns(field: Callable[[str], Dynamics]) -> None:
    dynamics = field(SMOOTH)
    particles = some_particles(dynamics, 4)
    there = carried(dynamics, particles, num_steps=100)
    back = carried(dynamics, there, num_steps=100, time=-1.0)
    assert_close(back.components(), particles.components(), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("method", ["euler", "midpoint", "rk4"])
def test_the_cached_control_gives_what_torchdiffeq_gives_for_the_joint_system(
    field: Callable[[str], Dynamics], method: str
) -> None:
    dynamics = field("relu")
    particles, points = some_particles(dynamics, 4), some_points(dynamics, 6)
    particles = Phase.from_components([component.float() for component in particles.components()])
    state: State = tuple(component.float() for component in points)
    times = torch.tensor([0.5, 1.0])
    _, joint = carry_jointly(dynamics, particles, state, times, solver=Solver(method, step=0.05))
    for number, (_, controls) in enumerate(
        carry_particles(dynamics, particles, step=0.05, num_steps=20, method=method), start=1
    ):
        state = carry_points(state, controls, step=0.05, method=method)
        if number in (10, 20):
            there = tuple(component[number // 10 - 1] for component in joint)
            assert_close(state, there, rtol=1e-6, atol=1e-6)


def test_fixed_and_adaptive_steps_agree(field: Callable[[str], Dynamics]) -> None:
    dynamics = field(SMOOTH)
    particles, points = some_particles(dynamics, 4), some_points(dynamics, 6)
    times = torch.tensor([1.0], dtype=torch.float64)
    _, fixed = carry_jointly(dynamics, particles, points, times, solver=Solver("rk4", step=0.01))
    _, adaptive = carry_jointly(dynamics, particles, points, times, solver=Solver("dopri5", rtol=1e-9, atol=1e-9))
    assert_close(fixed, adaptive, rtol=1e-6, atol=1e-6)


def test_times_may_come_in_any_order_repeated_and_negative(field: Callable[[str], Dynamics]) -> None:
    dynamics = field(SMOOTH)
    particles, points = some_particles(dynamics, 4), some_points(dynamics, 6)
    times = torch.tensor([1.0, -0.5, 0.0, 1.0, 0.25], dtype=torch.float64)
    solver = Solver("rk4", step=0.05)
    _, together = carry_jointly(dynamics, particles, points, times, solver=solver)
    for number, time in enumerate(times):
        _, alone = carry_jointly(dynamics, particles, points, time[None], solver=solver)
        assert_close(tuple(c[number] for c in together), tuple(c[0] for c in alone), rtol=1e-7, atol=1e-7)
    assert_close(tuple(c[2] for c in together), points)


def test_a_solve_that_needs_more_than_its_budget_says_so(field: Callable[[str], Dynamics]) -> None:
    dynamics = field("tanh")
    particles, points = some_particles(dynamics, 4), some_points(dynamics, 6)
    with pytest.raises(StepBudgetExceeded, match="fixed-step") as caught:
        carry_jointly(dynamics, particles, points, torch.tensor([100.0]).double(), solver=Solver(max_evaluations=50))
    assert caught.value.max_steps == 50


def test_a_flow_learns_from_its_particles_alone(field: Callable[[str], Dynamics]) -> None:
    torch.manual_seed(0)
    flow = Flow(field("relu"), num_particles=6, step=0.25)
    state = tuple(torch.randn(4, size) for size in flow.dynamics.component_sizes)
    target = state[0] + 1.0
    optimizer = torch.optim.Adam(flow.parameters(), lr=0.05)

    def loss() -> torch.Tensor:
        return (flow(state, 1, 4)[-1][0] - target).square().mean()

    before = loss().item()
    for _ in range(150):
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
    assert loss().item() < before / 20
    assert flow.energy().item() > 0


def test_a_flow_at_given_times_agrees_with_its_steps(field: Callable[[str], Dynamics]) -> None:
    torch.manual_seed(0)
    flow = Flow(field("relu"), num_particles=6, step=0.25)
    state = tuple(torch.randn(4, size) for size in flow.dynamics.component_sizes)
    stepped = flow(state, 2, 4)
    at_times = flow.at(state, torch.tensor([2.0, 1.0]), Solver("rk4", step=0.25))
    assert_close(tuple(c[0] for c in at_times), stepped[1], rtol=1e-5, atol=1e-6)
    assert_close(tuple(c[1] for c in at_times), stepped[0], rtol=1e-5, atol=1e-6)

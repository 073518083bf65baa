"""What is NaN, infinite or of another kind is refused at every entry of the library, by the name of the argument."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import jaxtyping
import pytest
import torch

from model import ShootingArgumentInvalid
from model.shooting.adaptive import Solver, solve
from model.shooting.control_cache import ControlCache
from model.shooting.course import Constant, Piecewise, Steered
from model.shooting.dynamics import ACTIVATIONS, Simple, UpDownDamped, sine
from model.shooting.finite import check_count
from model.shooting.flow import Flow
from model.shooting.hamiltonian import hamiltonian, symplectic_gradient
from model.shooting.integrate import carry, carry_recomputed, num_steps, stage_controls
from model.shooting.lift import Lift
from model.shooting.methods import METHODS, Residual
from model.shooting.parametrisation import PARAMETRISATIONS, Parametrisation, parametrise
from model.shooting.phase import Phase
from tests.model.shooting.conftest import some_particles, some_points
from tests.model.shooting.test_implicit import Saturated

FIELD = Simple(3, 1, ACTIVATIONS["tanh"])
POINTS, PARTICLES = some_points(FIELD, 2), some_particles(FIELD, 4)
WEIGHTS = FIELD.optimal_weights(PARTICLES)
CONTROL = FIELD.with_weights(WEIGHTS)
RK4 = METHODS["rk4"]


def held(name: str = "particles_dynamic") -> Parametrisation:
    return parametrise(name, FIELD, num_particles=4, num_pieces=2).double()


def spoiled(tensors: tuple[torch.Tensor, ...], wrong: float) -> tuple[torch.Tensor, ...]:
    """The same, but for one number of the last."""
    last = tensors[-1].detach().clone()
    last.view(-1)[-1] = wrong
    return (*tensors[:-1], last)


def spoiled_particles(wrong: float) -> Phase:
    return Phase.from_components(spoiled(PARTICLES.components(), wrong))


ENTRIES: dict[str, tuple[str, Callable[[float], object]]] = {
    "flow, step": ("step", lambda wrong: Flow(held(), step=wrong)),
    "flow, times": ("times", lambda wrong: Flow(held(), step=0.5)(POINTS, [0.5, wrong])),
    "flow, state": ("state", lambda wrong: Flow(held(), step=0.5)(spoiled(POINTS, wrong), [0.5])),
    "flow, solved times": ("times", lambda wrong: Flow(held(), step=0.5).solve(POINTS, [wrong])),
    "flow, solved state": ("state", lambda wrong: Flow(held(), step=0.5).solve(spoiled(POINTS, wrong), [0.5])),
    "flow, carried times": ("times", lambda wrong: Flow(held(), step=0.5).carry(POINTS, [], [wrong])),
    "solve, times": ("times", lambda wrong: solve(Constant(CONTROL), POINTS, [wrong], solver=Solver())),
    "solve, state": ("state", lambda wrong: solve(Constant(CONTROL), spoiled(POINTS, wrong), [1.0], solver=Solver())),
    "solver, rtol": ("rtol", lambda wrong: Solver(rtol=wrong)),
    "solver, atol": ("atol", lambda wrong: Solver(atol=wrong)),
    "solver, step": ("step", lambda wrong: Solver(step=wrong)),
    "stage_controls": ("step", lambda wrong: next(stage_controls(Constant(CONTROL), step=wrong, method=RK4))),
    "carry, step": ("step", lambda wrong: carry(POINTS, [], [0.0], step=wrong, method=RK4)),
    "carry, times": ("times", lambda wrong: carry(POINTS, [], [wrong], step=0.5, method=RK4)),
    "carry_recomputed, step": (
        "step",
        lambda wrong: carry_recomputed(Constant(CONTROL), POINTS, [0.5], step=wrong, method=RK4, segment=1),
    ),
    "carry_recomputed, times": (
        "times",
        lambda wrong: carry_recomputed(Constant(CONTROL), POINTS, [wrong], step=0.5, method=RK4, segment=1),
    ),
    "num_steps, step": ("step", lambda wrong: num_steps(1.0, wrong)),
    "num_steps, time": ("times", lambda wrong: num_steps(wrong, 0.5)),
    "steered": ("particles", lambda wrong: Steered(FIELD, spoiled_particles(wrong))),
    "piecewise": ("length", lambda wrong: Piecewise([CONTROL], wrong)),
    "weights": ("weights", lambda wrong: FIELD.with_weights(spoiled(WEIGHTS, wrong))),
    "weights of the general case": (
        "weights",
        lambda wrong: Saturated().with_weights([torch.zeros(2, 2), torch.full((2,), wrong)]),
    ),
    "hamiltonian": ("weights", lambda wrong: hamiltonian(FIELD, PARTICLES, spoiled(WEIGHTS, wrong))),
    "symplectic_gradient": ("particles", lambda wrong: symplectic_gradient(FIELD, spoiled_particles(wrong))),
    "parametrise, spread": (
        "particle_spread",
        lambda wrong: parametrise("particles_static", FIELD, particle_spread=wrong),
    ),
    "parametrise, duration": ("duration", lambda wrong: parametrise("direct_dynamic", FIELD, duration=wrong)),
    "field, parameter weights": ("parameter_weights", lambda wrong: Simple(3, parameter_weights={"b1": wrong})),
    "field, damping": ("damping", lambda wrong: UpDownDamped(3, damping=wrong)),
    "sine": ("scale", sine),
    "residual": ("tolerance", lambda wrong: Residual(tolerance=wrong)),
}


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("entry", ENTRIES)
def test_a_number_that_is_not_finite_is_refused_by_argument(entry: str, wrong: float) -> None:
    argument, call = ENTRIES[entry]
    with pytest.raises(ShootingArgumentInvalid) as refused:
        call(wrong)
    assert refused.value.argument == argument


@pytest.mark.parametrize("name", PARAMETRISATIONS)
def test_a_flow_whose_parameters_were_spoiled_says_which(name: str) -> None:
    flow = Flow(held(name), step=0.5)
    spoiled_one, parameter = list(flow.parametrisation.named_parameters())[-1]
    with torch.no_grad():
        parameter.view(-1)[-1] = torch.nan
    for integrate in (flow, flow.solve):
        with pytest.raises(ShootingArgumentInvalid) as refused:
            integrate(POINTS, [1.0])
        assert refused.value.argument == f"parametrisation.{spoiled_one}"


def test_a_training_that_has_diverged_is_left_to_its_loss() -> None:
    flow = Flow(held(), step=0.5)
    with torch.no_grad():
        next(flow.parameters()).fill_(torch.nan)
    (x,) = flow.carry(POINTS, flow.controls(), [1.0])[0]
    assert bool(x.isnan().all())


@pytest.mark.parametrize(
    ("argument", "call"),
    [
        ("pieces", lambda: Piecewise([], 1.0)),
        ("step", lambda: next(stage_controls(Constant(CONTROL), step=0.0, method=RK4))),
        ("step", lambda: num_steps(1.0, 0.0)),
        ("segment", lambda: carry_recomputed(Constant(CONTROL), POINTS, [0.5], step=0.5, method=RK4, segment=0)),
        ("num_steps", lambda: ControlCache(Flow(held(), step=0.5)).first(-1)),
        ("weights", lambda: Saturated().with_weights([torch.zeros(7)])),
    ],
)
def test_what_leads_nowhere_is_refused_by_argument(argument: str, call: Callable[[], object]) -> None:
    with pytest.raises(ShootingArgumentInvalid) as refused:
        call()
    assert refused.value.argument == argument


@pytest.mark.parametrize("count", [0, -1, 1.5, 2.0, math.nan, "2", None])
def test_what_is_no_whole_number_counts_nothing(count: object) -> None:
    with pytest.raises(ShootingArgumentInvalid, match="num_particles") as caught:
        check_count("num_particles", count)
    assert caught.value.argument == "num_particles"


def test_states_of_other_shapes_and_particles_without_components_are_refused() -> None:
    flow, narrow = Flow(held(), step=0.5), tuple(one[:, :2] for one in POINTS)
    with pytest.raises(ShootingArgumentInvalid, match="state"):
        flow.carry(narrow, flow.controls(), [1.0])
    with pytest.raises(ShootingArgumentInvalid, match="particles"):
        Steered(FIELD, Phase((), ()))


OF_ANOTHER_KIND: dict[str, tuple[str, Callable[[Any], object], list[Any]]] = {
    "flow, parametrisation": (
        "parametrisation",
        lambda wrong: Flow(wrong, step=0.5),
        [None, "particles_dynamic", FIELD],
    ),
    "flow, method": ("method", lambda wrong: Flow(held(), step=0.5, method=wrong), [None, 4, ["rk4"], type(RK4)]),
    "flow, step": ("step", lambda wrong: Flow(held(), step=wrong), [None, "0.1", 1j]),
    "flow, state": ("state", lambda wrong: Flow(held(), step=0.5)(wrong, [0.5]), [None, POINTS[0], (None, None)]),
    "flow, solver": ("solver", lambda wrong: Flow(held(), step=0.5).solve(POINTS, [0.5], wrong), ["rk4", 3]),
    "solver, method": ("method", lambda wrong: Solver(method=wrong), [None, ["rk4"]]),
    "solver, rtol": ("rtol", lambda wrong: Solver(rtol=wrong), [None, "1e-3"]),
    "stage_controls": (
        "step",
        lambda wrong: next(stage_controls(Constant(CONTROL), step=wrong, method=RK4)),
        [None, "0.1"],
    ),
    "particles, dynamics": (
        "dynamics",
        lambda wrong: parametrise("particles_dynamic", wrong),
        [None, "simple", Simple],
    ),
    "particles, spread": (
        "particle_spread",
        lambda wrong: parametrise("particles_dynamic", FIELD, particle_spread=wrong),
        [None, "1"],
    ),
    "field, activation": ("activation", lambda wrong: Simple(3, activation=wrong), [None, "relu", torch.relu]),
    "field, parameter_weights": ("parameter_weights", lambda wrong: Simple(3, parameter_weights=wrong), [None, "a", 3]),
    "field, a weight": ("parameter_weights", lambda wrong: Simple(3, parameter_weights={"a": wrong}), [None, "1"]),
    "field, damping": ("damping", lambda wrong: UpDownDamped(3, damping=wrong), [None, "1"]),
    "sine": ("scale", sine, [None, "1"]),
    "residual": ("tolerance", lambda wrong: Residual(tolerance=wrong), ["1"]),
    "lift, kind": ("kind", lambda wrong: Lift(wrong, (3, 6)), [None, ["linear"]]),
    "lift, sizes": ("component_sizes", lambda wrong: Lift("linear", wrong), [None, 3, ("3", "6")]),
}


@pytest.fixture
def unchecked_signatures() -> Iterator[None]:
    """As a user has it: signatures are checked in tests only."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.mark.usefixtures("unchecked_signatures")
@pytest.mark.parametrize("entry", OF_ANOTHER_KIND)
def test_what_is_of_another_kind_is_refused_by_the_name_of_the_argument(entry: str) -> None:
    argument, refuse, all_wrong = OF_ANOTHER_KIND[entry]
    for wrong in all_wrong:
        with pytest.raises(ShootingArgumentInvalid) as refused:
            refuse(wrong)
        assert refused.value.argument == argument

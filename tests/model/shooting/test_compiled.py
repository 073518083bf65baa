"""Compiled steps give the numbers and gradients of the steps that they were made from."""

import pickle
from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from model.errors import ShootingArgumentInvalid
from model.shooting import compiled
from model.shooting.by_hand import Gradients
from model.shooting.compiled import Compiler
from model.shooting.dynamics import ACTIVATIONS, UpDown
from model.shooting.flow import Flow
from model.shooting.methods import RungeKutta
from model.shooting.parametrisation import ParticlesDynamic
from tests.model.shooting.conftest import some_points

# torch's compiler loads parts of torch that are to go.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:torch.*")

# A fraction of each step and its end: one program for both steps.
TIMES = [0.1, 0.5, 0.7, 1.0]


def flows() -> tuple[Flow, Flow]:
    """The same flow as it is and compiled."""
    torch.manual_seed(0)
    field = UpDown(6, 2, ACTIVATIONS["relu"]).weighted_by_fan_in()
    held = ParticlesDynamic(field, num_particles=3).double()
    return Flow(held, step=0.5, method="midpoint"), Flow(held, step=0.5, method="midpoint", compiled=True)


def doubled(inputs: Gradients) -> tuple[Gradients, Gradients]:
    return tuple(None if one is None else 2 * one for one in inputs), ()


def compiler_of(flow: Flow) -> Compiler:
    assert isinstance(flow.method, RungeKutta)
    assert flow.method.compiler is not None
    return flow.method.compiler


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_numbers_and_both_derivatives_are_those_of_the_steps_as_they_are() -> None:
    found = []
    for flow in flows():
        learned = list(flow.parameters())
        points = some_points(flow.parametrisation.dynamics, 4)
        # Twice, so that programs meet other numbers than those that they were traced with.
        for start in (points, tuple(one * 0.5 for one in points)):
            states = flow(start, TIMES)
            loss = torch.stack([one.sin().sum() for one in states]).sum()
            slopes = torch.autograd.grad(loss, learned, retain_graph=True)
            again = torch.autograd.grad(loss, learned, create_graph=True)
            bent = torch.autograd.grad(torch.stack([one.square().sum() for one in again]).sum(), learned)
            found.append((*states, *slopes, *again, *bent))
    assert compiler_of(flow).num_programs > 0
    assert_close(found[:2], found[2:], rtol=1e-10, atol=1e-10)


@pytest.mark.slow
def test_without_a_compiler_the_error_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from torch import _inductor  # noqa: PLC0415

    monkeypatch.setattr(_inductor.config, "force_disable_caches", True)
    monkeypatch.setattr(_inductor.config.cpp, "cxx", (None, "no-such-compiler"))
    with pytest.raises(ShootingArgumentInvalid, match="compiled") as refused:
        Compiler().run("doubled", doubled, (torch.ones(3),))
    assert refused.value.argument == "compiled"


@pytest.mark.parametrize("fault", ["gone", "of another form"])
def test_a_torch_whose_compiler_is_gone_or_changed_is_an_error_that_says_so(
    monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    from torch import _inductor  # noqa: PLC0415

    if fault == "gone":
        monkeypatch.delattr(_inductor, "compile")
    else:
        monkeypatch.setattr(_inductor, "compile", lambda graph: graph)
    with pytest.raises(ShootingArgumentInvalid, match="torch cannot compile"):
        Compiler().run("doubled", doubled, (torch.ones(3),))


def test_where_there_are_too_many_programs_a_computation_is_done_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "MAX_PROGRAMS", 0)
    outputs, rest = Compiler().run("doubled", doubled, (None, torch.ones(3)))
    assert outputs[0] is None
    assert_close(outputs[1], torch.full((3,), 2.0))
    assert rest == ()


def test_nothing_is_compiled_where_no_gradient_is_wanted() -> None:
    as_it_is, flow = flows()
    points = some_points(flow.parametrisation.dynamics, 4)
    with torch.no_grad():
        assert_close(flow(points, TIMES), as_it_is(points, TIMES), rtol=0, atol=0)
    assert compiler_of(flow).num_programs == 0


def test_copies_compile_for_themselves() -> None:
    _, flow = flows()
    for other in (deepcopy(flow), pickle.loads(pickle.dumps(compiler_of(flow)))):
        own = compiler_of(other) if isinstance(other, nn.Module) else other
        assert own is not compiler_of(flow)


def test_only_methods_of_runge_and_kutta_are_compiled() -> None:
    as_it_is, flow = flows()
    with pytest.raises(ShootingArgumentInvalid, match="compiled"):
        Flow(as_it_is.parametrisation, step=0.25, method="residual", compiled=True)
    assert replace(flow.method, compiler=None) == as_it_is.method

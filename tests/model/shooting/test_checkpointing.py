"""A flow that keeps fewer states for its gradient has the same values and gradients, in less memory."""

from collections.abc import Sequence
from functools import cache

import pytest
import torch
from torch.testing import assert_close

from model import ShootingArgumentInvalid
from model.shooting.flow import Flow
from model.shooting.methods import METHODS
from model.shooting.parametrisation import PARAMETRISATIONS, Parametrisation, parametrise
from model.shooting.phase import State
from tests.model.shooting.conftest import make_field, some_points

TIMES = [0.73, -0.31, 0.4, 0.0, 0.73, 1.0]


def small(name: str) -> Parametrisation:
    torch.manual_seed(0)
    return parametrise(name, make_field("updown_universal", "softplus"), num_particles=4, num_pieces=3).double()


def values_and_gradients(flow: Flow, times: Sequence[float]) -> tuple[State, State]:
    points = tuple(one.requires_grad_() for one in some_points(flow.parametrisation.dynamics, 3))
    states = flow(points, times)
    loss = sum(component.square().sum() for component in states)
    return states, torch.autograd.grad(loss, [*flow.parameters(), *points], materialize_grads=True)


@cache
def without_checkpoints(name: str) -> tuple[State, State]:
    return values_and_gradients(Flow(small(name), step=0.2), TIMES)


@pytest.mark.parametrize("name", PARAMETRISATIONS)
@pytest.mark.parametrize("checkpoint_steps", [1, 3, 100])
def test_values_and_gradients_are_those_of_the_flow_without_checkpoints(name: str, checkpoint_steps: int) -> None:
    sparing = values_and_gradients(Flow(small(name), step=0.2, checkpoint_steps=checkpoint_steps), TIMES)
    assert_close(sparing, without_checkpoints(name), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("method", sorted(METHODS))
def test_every_method_can_be_checkpointed(method: str) -> None:
    held = small("particles_dynamic")
    plain = values_and_gradients(Flow(held, step=0.2, method=method), [0.55])
    sparing = values_and_gradients(Flow(held, step=0.2, method=method, checkpoint_steps=2), [0.55])
    assert_close(sparing, plain, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", PARAMETRISATIONS)
def test_much_less_is_saved_for_the_way_back(name: str) -> None:
    held = small(name)
    points = some_points(held.dynamics, 16)

    def saved_bytes(checkpoint_steps: int | None) -> int:
        sizes = []

        def keep(tensor: torch.Tensor) -> torch.Tensor:
            sizes.append(tensor.nbytes)
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            Flow(held, step=0.025, checkpoint_steps=checkpoint_steps)(points, [1.0])
        return sum(sizes)

    assert saved_bytes(8) < saved_bytes(None) / 20


def test_checkpoints_closer_than_a_step_are_refused() -> None:
    with pytest.raises(ShootingArgumentInvalid, match="checkpoint_steps"):
        Flow(small("direct_static"), step=0.1, checkpoint_steps=0)

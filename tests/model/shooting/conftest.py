"""Particles, data points and courses for every vector field."""

from collections.abc import Callable
from functools import partial

import pytest
import torch

from model.shooting.dynamics import ACTIVATIONS, DYNAMICS, Dynamics
from model.shooting.parametrisation import PARAMETRISATIONS, Parametrisation, parametrise
from model.shooting.phase import Phase, State

STATE_SIZE = 3

MakeField = Callable[[str], Dynamics]


def make_field(name: str, activation: str = "softplus") -> Dynamics:
    """A small vector field by name."""
    kind = DYNAMICS[name]
    return kind(STATE_SIZE, kind.smallest_inflation(2), ACTIVATIONS[activation])


@pytest.fixture(params=sorted(DYNAMICS))
def field(request: pytest.FixtureRequest) -> MakeField:
    """Makes a vector field with the activation named; each test runs for every field there is."""
    return partial(make_field, request.param)


@pytest.fixture(params=sorted(ACTIVATIONS))
def dynamics(field: MakeField, request: pytest.FixtureRequest) -> Dynamics:
    """Every vector field with every activation."""
    return field(request.param)


@pytest.fixture(params=PARAMETRISATIONS)
def held(field: MakeField, request: pytest.FixtureRequest) -> Parametrisation:
    """Every vector field, smooth, under every parametrisation, in float64."""
    torch.manual_seed(0)
    return parametrise(request.param, field("softplus"), num_particles=4, num_pieces=4).double()


def some_particles(dynamics: Dynamics, num_particles: int, *, seed: int = 0, size: float = 0.5) -> Phase:
    """Particles drawn at random, in float64."""
    generator = torch.Generator().manual_seed(seed)
    sizes = dynamics.component_sizes * 2
    draws = [torch.randn(num_particles, one, generator=generator, dtype=torch.float64) for one in sizes]
    return Phase.from_components([size * draw for draw in draws])


def some_points(dynamics: Dynamics, num_points: int, *, seed: int = 1) -> State:
    """Data points drawn at random, in float64."""
    generator = torch.Generator().manual_seed(seed)
    sizes = dynamics.component_sizes
    return tuple(torch.randn(num_points, one, generator=generator, dtype=torch.float64) for one in sizes)

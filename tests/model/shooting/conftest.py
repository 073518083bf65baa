"""Particles, data points and courses for every vector field."""

from collections.abc import Callable
from functools import partial

import pytest
import torch

from model.shooting.dynamics import ACTIVATIONS, DYNAMICS, Dynamics, LinearDynamics
from model.shooting.parametrisation import PARAMETRISATIONS, Parametrisation, parametrise
from model.shooting.phase import Phase, State

STATE_SIZE = 3

MakeField = Callable[[str], LinearDynamics]


# Where a property is one of the field and another of the parametrisation, each field is met under one parametrisation
# and each parametrisation with one field, not every pair.
DEFAULT_FIELD, DEFAULT_PARAMETRISATION = "updown_universal", "particles_dynamic"
HELD = [(DEFAULT_FIELD, one) for one in PARAMETRISATIONS]
HELD += [(one, DEFAULT_PARAMETRISATION) for one in DYNAMICS if one != DEFAULT_FIELD]


def make_field(name: str, activation: str) -> LinearDynamics:
    """A small vector field by name, all parameter weights 1."""
    kind = DYNAMICS[name]
    return kind(STATE_SIZE, kind.nearest_inflation(2), ACTIVATIONS[activation])


def make_calm_field(name: str, activation: str) -> LinearDynamics:
    """A small vector field by name whose velocity does not grow with its sizes, so that a flow of it stays near."""
    return make_field(name, activation).weighted_by_fan_in()


@pytest.fixture(params=DYNAMICS)
def field(request: pytest.FixtureRequest) -> MakeField:
    """Makes a calm vector field with the activation named; each test runs for every field there is."""
    return partial(make_calm_field, request.param)


@pytest.fixture(params=[(name, activation) for name in DYNAMICS for activation in ACTIVATIONS], ids="-".join)
def dynamics(request: pytest.FixtureRequest) -> LinearDynamics:
    """Every vector field with every activation."""
    return make_field(*request.param)


@pytest.fixture(params=HELD, ids="-".join)
def held(request: pytest.FixtureRequest) -> Parametrisation:
    """A calm and smooth vector field, and what is learned of it, in float64: every field, every parametrisation."""
    torch.manual_seed(0)
    name, parametrisation = request.param
    return parametrise(parametrisation, make_calm_field(name, "softplus"), num_particles=4, num_pieces=4).double()


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

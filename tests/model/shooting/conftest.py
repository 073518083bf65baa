"""Particles and data points for every vector field."""

from collections.abc import Callable

import pytest
import torch

from model.shooting.dynamics import ACTIVATIONS, DYNAMICS, Dynamics
from model.shooting.phase import Phase, State

STATE_SIZE = 3
INFLATION = 2


@pytest.fixture(params=sorted(DYNAMICS))
def field(request: pytest.FixtureRequest) -> Callable[[str], Dynamics]:
    """Makes a vector field with the activation named; each test runs for every field there is."""
    return lambda activation: DYNAMICS[request.param](STATE_SIZE, INFLATION, activation)


@pytest.fixture(params=sorted(ACTIVATIONS))
def dynamics(field: Callable[[str], Dynamics], request: pytest.FixtureRequest) -> Dynamics:
    """Every vector field with every activation."""
    return field(request.param)


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

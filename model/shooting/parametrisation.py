"""Four ways to hold the control: what is learned, and the control that follows from it.

==================== ============================ =================================================
name                 what is learned              control
==================== ============================ =================================================
`direct_static`      the weights                  constant: a plain neural ODE
`direct_dynamic`     weights on a grid of times   piecewise constant
`particles_static`   particles                    θ(0) from the particles, held constant
`particles_dynamic`  particles                    θ(t) from the particles as they move
==================== ============================ =================================================
"""

from abc import ABC, abstractmethod
from typing import final

import torch
from torch import Tensor, nn

from model.errors import ShootingArgumentInvalid
from model.shooting.course import Constant, Course, Piecewise, Steered
from model.shooting.dynamics import Dynamics
from model.shooting.finite import check_count, check_kind, check_positive
from model.shooting.hamiltonian import energy
from model.shooting.phase import Phase, State


class Parametrisation(nn.Module, ABC):
    """What is learned of a flow.

    Args:
        dynamics: The vector field.

    Raises:
        ShootingArgumentInvalid: No vector field; a count, a spread or a time that is none.
    """

    def __init__(self, dynamics: Dynamics) -> None:
        super().__init__()
        check_kind("dynamics", dynamics, Dynamics, needed="a vector field, such as one of `dynamics.DYNAMICS`")
        self.dynamics = dynamics

    @abstractmethod
    def course(self) -> Course:
        """The control over time that follows from what is learned now."""

    @abstractmethod
    def energy(self) -> Tensor:
        """R(θ), a scalar: the penalty that keeps the control small; at time 0 where the motion keeps it constant."""


@final
class DirectStatic(Parametrisation):
    """The weights themselves, constant over time."""

    def __init__(self, dynamics: Dynamics) -> None:
        super().__init__(dynamics)
        self.weights = nn.ParameterList(_initial_weights(dynamics))

    def course(self) -> Course:
        """The weights at all times."""
        weights = tuple(self.weights)
        return Constant(self.dynamics.with_weights(weights), weights)

    def energy(self) -> Tensor:
        """R(θ)."""
        return self.dynamics.cost(tuple(self.weights))


@final
class DirectDynamic(Parametrisation):
    """Weights on pieces of time.

    Args:
        dynamics: The vector field.
        num_pieces: How many pieces.
        duration: The time that they cover together, from 0 on.
    """

    def __init__(self, dynamics: Dynamics, *, num_pieces: int, duration: float) -> None:
        super().__init__(dynamics)
        check_count("num_pieces", num_pieces)
        check_positive("duration", duration, needed="a positive time")
        pieces = [_initial_weights(dynamics) for _ in range(num_pieces)]
        self.weights = nn.ParameterList([torch.stack(one) for one in zip(*pieces, strict=True)])
        self.piece_length = duration / num_pieces

    def course(self) -> Course:
        """The weights of each piece."""
        pieces = [self.dynamics.with_weights(weights) for weights in self._pieces()]
        return Piecewise(pieces, self.piece_length, tuple(self.weights))

    def energy(self) -> Tensor:
        """The mean of R(θ) over the pieces."""
        return torch.stack([self.dynamics.cost(weights) for weights in self._pieces()]).mean()

    def _pieces(self) -> list[State]:
        return list(zip(*(weights.unbind(0) for weights in self.weights), strict=True))


class _Particles(Parametrisation):
    """K particles, positions and momenta drawn from a normal distribution.

    Args:
        dynamics: The vector field.
        num_particles: K.
        particle_spread: The standard deviation.
    """

    def __init__(self, dynamics: Dynamics, *, num_particles: int, particle_spread: float = 0.5) -> None:
        super().__init__(dynamics)
        check_count("num_particles", num_particles)
        check_positive("particle_spread", particle_spread)
        sizes = dynamics.component_sizes * 2
        self.components = nn.ParameterList([_drawn(num_particles, size, particle_spread) for size in sizes])

    @property
    def particles(self) -> Phase:
        """The particles at time 0."""
        return Phase.from_components(tuple(self.components))

    def energy(self) -> Tensor:
        """R(θ(0))."""
        return energy(self.dynamics, self.particles)


@final
class ParticlesStatic(_Particles):
    """Particles whose optimal control at time 0 is held."""

    def course(self) -> Course:
        """The control of the particles at time 0, at all times."""
        return Constant(self.dynamics.optimal_control(self.particles), tuple(self.components))


@final
class ParticlesDynamic(_Particles):
    """Particles that move, and take the control with them."""

    def course(self) -> Course:
        """The control of the particles as they move."""
        return Steered(self.dynamics, self.particles)


PARAMETRISATIONS = ("direct_static", "direct_dynamic", "particles_static", "particles_dynamic")
"""The names that `parametrise` knows."""


def parametrise(
    name: str,
    dynamics: Dynamics,
    *,
    num_particles: int = 32,
    particle_spread: float = 0.5,
    num_pieces: int = 10,
    duration: float = 1.0,
) -> Parametrisation:
    """A parametrisation by name, from one set of arguments of which it takes its own.

    Args:
        name: One of `PARAMETRISATIONS`.
        dynamics: The vector field.
        num_particles: K, for the two with particles.
        particle_spread: The standard deviation of particles before training.
        num_pieces: For `direct_dynamic`.
        duration: The time that the pieces cover.

    Raises:
        ShootingArgumentInvalid: An unknown name, no particle, no spread, no piece, no duration.
    """
    match name:
        case "direct_static":
            return DirectStatic(dynamics)
        case "direct_dynamic":
            return DirectDynamic(dynamics, num_pieces=num_pieces, duration=duration)
        case "particles_static":
            return ParticlesStatic(dynamics, num_particles=num_particles, particle_spread=particle_spread)
        case "particles_dynamic":
            return ParticlesDynamic(dynamics, num_particles=num_particles, particle_spread=particle_spread)
    raise ShootingArgumentInvalid("name", name, f"one of {', '.join(PARAMETRISATIONS)}")


def _drawn(num_rows: int, num_columns: int, spread: float) -> Tensor:
    """Normally distributed numbers; none on the meta device, where torch would load its compiler to draw nothing."""
    empty = torch.empty(num_rows, num_columns)
    return empty if empty.is_meta else spread * torch.randn(num_rows, num_columns)


def _initial_weights(dynamics: Dynamics) -> list[Tensor]:
    """As linear layers start: uniform within one over the square root of a matrix's columns; biases, of the most."""
    fan_in = max(shape[-1] for shape in dynamics.weight_shapes.values())
    bounds = {n: (shape[1] if len(shape) == 2 else fan_in) ** -0.5 for n, shape in dynamics.weight_shapes.items()}
    return [torch.empty(shape).uniform_(-bounds[n], bounds[n]) for n, shape in dynamics.weight_shapes.items()]

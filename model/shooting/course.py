"""The control over time, as one pass of integration meets it.

The particles never see the data, so what steers a flow moves by itself: some state of its own, its companions, goes
along and says what the control is. Where the control is learned directly there is nothing to go along.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from torch import nn

from model.errors import ShootingArgumentInvalid
from model.shooting.dynamics import Control, Dynamics, Slope
from model.shooting.finite import check_finite, check_positive
from model.shooting.phase import Phase, State


class Course(ABC):
    """A control for every time, fixed by what is known at time 0."""

    @property
    def companions(self) -> State:
        """What moves along with the data, at time 0: positions and, as many again, their momenta; or nothing."""
        return ()

    @property
    def learned(self) -> State:
        """The tensors that the control depends on otherwise than through its companions."""
        return ()

    @property
    def breaks(self) -> tuple[float, ...]:
        """The times at which the control jumps, ascending."""
        return ()

    @property
    def slope(self) -> Slope | None:
        """The motion of its companions with its derivative by hand; None where there is none."""
        return None

    def shown_control(self, shown: State) -> Control:
        """The control, from what the slope of its companions shows of them."""
        raise NotImplementedError

    @abstractmethod
    def control(self, time: float, companions: State) -> Control:
        """The control at a time, given what its companions are then.

        A step of integration asks with the time of its middle, so that a jump of the control falls between steps.
        """

    def motion(self, control: Control, companions: State) -> State:
        """How the companions move."""
        return ()


@final
@dataclass(frozen=True, eq=False)
class Constant(Course):
    """The same control at all times.

    Attributes:
        held: The control.
        learned: The tensors that it depends on.
    """

    held: Control
    learned: State = ()

    def control(self, time: float, companions: State) -> Control:
        """The control that is held."""
        return self.held


@final
@dataclass(frozen=True, eq=False)
class Piecewise(Course):
    """A control that is constant on pieces of equal length from time 0 on; the outer ones hold beyond them.

    Attributes:
        pieces: The controls.
        length: Of a piece, in time.
        learned: The tensors that they depend on.

    Raises:
        ShootingArgumentInvalid: No piece, a length that is not a positive time.
    """

    pieces: Sequence[Control]
    length: float
    learned: State = ()

    def __post_init__(self) -> None:
        if not self.pieces:
            raise ShootingArgumentInvalid("pieces", self.pieces, "at least one control")
        check_positive("length", self.length, needed="a positive time")

    @property
    def breaks(self) -> tuple[float, ...]:
        """Where one piece ends and the next begins."""
        return tuple(self.length * number for number in range(1, len(self.pieces)))

    def control(self, time: float, companions: State) -> Control:
        """The control of the piece that the time falls into."""
        return self.pieces[min(max(int(time // self.length), 0), len(self.pieces) - 1)]


@final
@dataclass(frozen=True, eq=False)
class Steered(Course):
    """The optimal control of particles as they move.

    Attributes:
        dynamics: The vector field.
        particles: At time 0.

    Raises:
        ShootingArgumentInvalid: No particle, components that do not fit the vector field; where they are given and not
            being learned, and are on the CPU, components that are not finite.
    """

    dynamics: Dynamics
    particles: Phase

    def __post_init__(self) -> None:
        found = [tuple(component.shape) for component in self.particles.components()]
        num_particles = len(self.particles.q[0]) if self.particles.q else 0
        if num_particles == 0 or found != [(num_particles, size) for size in self.dynamics.component_sizes * 2]:
            needed = " and ".join(f"(K, {size})" for size in self.dynamics.component_sizes)
            raise ShootingArgumentInvalid(
                "particles", found, f"positions and momenta of shape {needed}, with K from 1 on"
            )
        given = (one for one in self.particles.components() if not isinstance(one, nn.Parameter))
        check_finite("particles", given)

    @property
    def companions(self) -> State:
        """Positions and momenta of the particles."""
        return self.particles.components()

    @property
    def slope(self) -> Slope | None:
        """That of the particles under their own control."""
        return self.dynamics.slope(len(self.particles.q[0]))

    def shown_control(self, shown: State) -> Control:
        """The optimal control of particles that show this."""
        return self.dynamics.shown_control(shown)

    def control(self, time: float, companions: State) -> Control:
        """The optimal control of the particles where they are."""
        return self.dynamics.optimal_control(Phase.from_components(companions))

    def motion(self, control: Control, companions: State) -> State:
        """The motion of the particles under their own control."""
        return control.motion(Phase.from_components(companions)).components()

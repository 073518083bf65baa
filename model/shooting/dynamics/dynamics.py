"""What every vector field offers.

Legend: q position, p momentum, θ weights, R cost, K number of particles.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor

from model.shooting.dynamics.slope import Slope
from model.shooting.phase import Phase, State


class Control(ABC):
    """The weights θ of a vector field at one instant, in whichever form is quickest to apply."""

    @abstractmethod
    def velocity(self, q: State) -> State:
        """f(q, θ): how points at positions q move under this control; each component (points, size)."""

    @abstractmethod
    def momentum_velocity(self, q: State, p: State) -> State:
        """−(∂f/∂q)ᵀ p: how the momenta p of points at positions q move under this control."""

    def motion(self, particles: Phase) -> Phase:
        """(q̇, ṗ) = (∂H/∂p, −∂H/∂q): how particles move under this control; theirs, where it is their optimal one."""
        return Phase(self.velocity(particles.q), self.momentum_velocity(*particles))

    def slope(self) -> tuple[Slope, State] | None:
        """The velocity of points with its derivative by hand, and what it is given; None where there is none."""
        return None

    @abstractmethod
    def kept(self, dtype: torch.dtype) -> "Control":
        """The same control in the form and type of numbers to keep for many forecasts; it may take longer to make."""


class Dynamics(ABC):
    """A vector field f(q, θ) with the optimal control of its particles.

    Means over the K particles define the control: it maximises `H = ⟨pᵀ f(q, θ)⟩ − R(θ)` with
    `R(θ) = ½ Σ_w m_w ‖w‖²`.
    """

    @property
    @abstractmethod
    def component_sizes(self) -> tuple[int, ...]:
        """The size of each component of a position, (d, α·d) for most of the up-down fields."""

    @property
    @abstractmethod
    def weight_shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each weight by its name, in the order that `with_weights` takes them."""

    @abstractmethod
    def optimal_weights(self, particles: Phase) -> State:
        """The weights θ at which ∂H/∂θ = 0, in the order of `weight_shapes`."""

    @abstractmethod
    def with_weights(self, weights: Sequence[Tensor]) -> Control:
        """The control that applies these weights."""

    @abstractmethod
    def optimal_control(self, particles: Phase) -> Control:
        """The control with the optimal weights, in the form that is quickest to apply."""

    def slope(self, num_particles: int) -> Slope | None:
        """The motion of so many particles with its derivative by hand; None where there is none.

        What it shows is what `shown_control` takes.
        """
        return None

    def shown_control(self, shown: State) -> Control:
        """The optimal control of particles, from what their slope shows of them."""
        raise NotImplementedError

    @abstractmethod
    def cost(self, weights: Sequence[Tensor]) -> Tensor:
        """R(θ) = ½ Σ_w m_w ‖w‖², a scalar."""

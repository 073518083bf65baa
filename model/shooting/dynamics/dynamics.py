"""What every vector field offers.

Legend: q position, p momentum, θ control, R cost, K number of particles.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from torch import Tensor

from model.shooting.phase import Phase, State


class Control(ABC):
    """The weights θ of a vector field at one instant, in whichever form is quickest to apply."""

    @abstractmethod
    def velocity(self, q: State) -> State:
        """f(q, θ): how data points at positions q move under this control."""


class Dynamics(ABC):
    """A vector field f(q, θ), linear in its weights θ, with its optimal control and the motion of its particles.

    Means over the K particles define the control: it maximises `H = ⟨pᵀ f(q, θ)⟩ − R(θ)` with
    `R(θ) = ½ Σ_w m_w ‖w‖²`.
    """

    @property
    @abstractmethod
    def component_sizes(self) -> tuple[int, ...]:
        """The size of each component of a position, (d, α·d) for the up-down fields."""

    @abstractmethod
    def optimal_weights(self, particles: Phase) -> State:
        """The weights θ at which ∂H/∂θ = 0, in the order of `with_weights`."""

    @abstractmethod
    def with_weights(self, weights: Sequence[Tensor]) -> Control:
        """The control that applies these weights."""

    @abstractmethod
    def optimal_control(self, particles: Phase) -> Control:
        """The optimal control, in low-rank form where there are fewer particles than features."""

    @abstractmethod
    def cost(self, weights: Sequence[Tensor]) -> Tensor:
        """R(θ) = ½ Σ_w m_w ‖w‖², a scalar."""

    @abstractmethod
    def motion(self, particles: Phase, control: Control) -> Phase:
        """(q̇, ṗ) = (∂H/∂p, −∂H/∂q) for each particle, under its optimal control."""

"""The up-down field that is a universal approximator, and the one the paper's experiments use.

Section 3 and appendix of the paper::

    ẋ = A₁σ(v) + b₁                    A₁ = ⟨p₁σ(q₂)ᵀ⟩/m₁   b₁ = ⟨p₁⟩/m₁'
    v̇ = A₂x + b₂ + A₃σ(v)              A₂ = ⟨p₂q₁ᵀ⟩/m₂      b₂ = ⟨p₂⟩/m₂'     A₃ = ⟨p₂σ(q₂)ᵀ⟩/m₃
    ṗ₁ = −A₂ᵀp₂
    ṗ₂ = −σ'(q₂) ∘ (A₁ᵀp₁ + A₃ᵀp₂)

Legend: x ∈ ℝᵈ, v ∈ ℝᵐ with m = α·d; q₁, q₂ the particles' x and v; p₁, p₂ their momenta; ⟨·⟩ mean over the K particles.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from model.shooting.dynamics.activation import ACTIVATIONS
from model.shooting.dynamics.dynamics import Control, Dynamics
from model.shooting.phase import Phase, State


class ParameterWeights(NamedTuple):
    """The m_w of the cost, one a parameter of the field."""

    a1: float = 1.0
    b1: float = 1.0
    a2: float = 1.0
    b2: float = 1.0
    a3: float = 1.0

    @classmethod
    def fan_in(cls, state_size: int, inflation: int) -> "ParameterWeights":
        """Each matrix weighted by its number of columns, so that the velocity does not grow with d and α."""
        inflated = float(inflation * state_size)
        return cls(a1=inflated, a2=float(state_size), a3=inflated)


EQUAL_WEIGHTS = ParameterWeights()


@dataclass(frozen=True)
class UpDownUniversal(Dynamics):
    """`ẋ = A₁σ(v) + b₁`, `v̇ = A₂x + b₂ + A₃σ(v)`.

    Attributes:
        state_size: d.
        inflation: α.
        activation: The name of σ in `ACTIVATIONS`.
        parameter_weights: The m_w of the cost.
    """

    state_size: int
    inflation: int
    activation: str = "relu"
    parameter_weights: ParameterWeights = EQUAL_WEIGHTS

    @property
    def component_sizes(self) -> tuple[int, ...]:
        """(d, α·d)."""
        return (self.state_size, self.inflation * self.state_size)

    def optimal_weights(self, particles: Phase) -> State:
        """(A₁, b₁, A₂, b₂, A₃)."""
        (q1, q2), (p1, p2) = particles
        s2 = ACTIVATIONS[self.activation].value(q2)
        m = self.parameter_weights
        num_particles = q1.shape[0]
        return (
            p1.T @ s2 / (num_particles * m.a1),
            p1.mean(0) / m.b1,
            p2.T @ q1 / (num_particles * m.a2),
            p2.mean(0) / m.b2,
            p2.T @ s2 / (num_particles * m.a3),
        )

    def with_weights(self, weights: Sequence[Tensor]) -> Control:
        """The control with weights (A₁, b₁, A₂, b₂, A₃)."""
        return _FullControl(self.activation, *weights)

    def optimal_control(self, particles: Phase) -> Control:
        """In factors of rank K where that is less work than the weights themselves."""
        (q1, q2), (p1, p2) = particles
        num_particles, size = q1.shape[0], q2.shape[1]
        if num_particles >= size:
            return self.with_weights(self.optimal_weights(particles))
        m = self.parameter_weights
        s2 = ACTIVATIONS[self.activation].value(q2)
        return _LowRankControl(
            self.activation,
            s2.T / num_particles,
            q1.T / (num_particles * m.a2),
            p1 / m.a1,
            p1.mean(0) / m.b1,
            p2,
            p2.mean(0) / m.b2,
            m.a3,
        )

    def cost(self, weights: Sequence[Tensor]) -> Tensor:
        """½ Σ_w m_w ‖w‖²."""
        terms = [m * w.square().sum() for m, w in zip(self.parameter_weights, weights, strict=True)]
        return 0.5 * torch.stack(terms).sum()

    def motion(self, particles: Phase, control: Control) -> Phase:
        """(q̇, ṗ) as in the module's docstring; products of K×K in place of the weights where K is the smaller."""
        q, (p1, p2) = particles
        q1, q2 = q
        activation, m = ACTIVATIONS[self.activation], self.parameter_weights
        s2 = activation.value(q2)
        gram1, gram2 = p1 @ p1.T / len(p1), p2 @ p2.T / len(p2)
        p1_velocity = -(gram2 @ q1) / m.a2
        p2_velocity = -activation.derivative(q2) * ((gram1 / m.a1 + gram2 / m.a3) @ s2)
        return Phase(control.velocity(q), (p1_velocity, p2_velocity))


@dataclass(frozen=True, eq=False)
class _FullControl(Control):
    activation: str
    a1: Float[Tensor, "d m"]
    b1: Float[Tensor, " d"]
    a2: Float[Tensor, "m d"]
    b2: Float[Tensor, " m"]
    a3: Float[Tensor, "m m"]

    def velocity(self, q: State) -> State:
        x, v = q
        s = ACTIVATIONS[self.activation].value(v)
        return torch.addmm(self.b1, s, self.a1.T), torch.addmm(self.b2, x, self.a2.T) + s @ self.a3.T


@dataclass(frozen=True, eq=False)
class _LowRankControl(Control):
    activation: str
    features_v: Float[Tensor, "m k"]
    features_x: Float[Tensor, "d k"]
    p1: Float[Tensor, "k d"]
    b1: Float[Tensor, " d"]
    p2: Float[Tensor, "k m"]
    b2: Float[Tensor, " m"]
    weight_a3: float

    def velocity(self, q: State) -> State:
        x, v = q
        from_v = ACTIVATIONS[self.activation].value(v) @ self.features_v
        both = torch.addmm(from_v / self.weight_a3, x, self.features_x)
        return torch.addmm(self.b1, from_v, self.p1), torch.addmm(self.b2, both, self.p2)

"""The field of second order: a velocity of the same size as the state, which the state drives.

::

    ẋ = A₁σ(v) + b₁          A₁ = ⟨p₁σ(q₂)ᵀ⟩/m   b₁ = ⟨p₁⟩/m
    v̇ = A₂x + b₂             A₂ = ⟨p₂q₁ᵀ⟩/m      b₂ = ⟨p₂⟩/m
    ṗ₁ = −A₂ᵀp₂
    ṗ₂ = −σ'(q₂) ∘ (A₁ᵀp₁)

Legend: x, v ∈ ℝᵈ; q₁, q₂ the particles' x and v; p₁, p₂ their momenta; ⟨·⟩ mean over the K particles; m that weight's
parameter weight.
"""

from dataclasses import dataclass

from model.shooting.dynamics.linear import LinearDynamics, Term, plain, sigma


@dataclass(frozen=True)
class SecondOrder(LinearDynamics):
    """`ẋ = A₁σ(v) + b₁`, `v̇ = A₂x + b₂` with α = 1."""

    @classmethod
    def nearest_inflation(cls, inflation: int) -> int:
        """1: v is of the size of x."""
        return min(inflation, 1)

    @property
    def terms(self) -> tuple[Term, ...]:
        """A₁ and A₂."""
        return (Term("a1", 0, sigma(1)), Term("a2", 1, plain(0)))

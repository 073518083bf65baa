"""The field of one component: a residual layer without an inner width.

Section 3.1 of the paper::

    ẋ = A₁σ(x) + b₁          A₁ = ⟨pσ(q)ᵀ⟩/m   b₁ = ⟨p⟩/m
    ṗ = −σ'(q) ∘ (A₁ᵀp)

Legend: x ∈ ℝᵈ; q the particles' x, p their momenta; ⟨·⟩ mean over the K particles; m that weight's parameter weight.
"""

from dataclasses import dataclass

from model.shooting.dynamics.linear import LinearDynamics, Term, sigma


@dataclass(frozen=True)
class Simple(LinearDynamics):
    """`ẋ = A₁σ(x) + b₁`; there is no second state to inflate."""

    @classmethod
    def nearest_inflation(cls, inflation: int) -> int:
        """1."""
        return min(inflation, 1)

    @property
    def component_sizes(self) -> tuple[int, ...]:
        """(d,)."""
        return (self.state_size,)

    @property
    def terms(self) -> tuple[Term, ...]:
        """A₁."""
        return (Term("a1", 0, sigma(0)),)

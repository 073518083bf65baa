"""The up-down field that is a universal approximator, and the one the paper's experiments use.

Section 3 and appendix of the paper::

    ẋ = A₁σ(v) + b₁                    A₁ = ⟨p₁σ(q₂)ᵀ⟩/m   b₁ = ⟨p₁⟩/m
    v̇ = A₂x + b₂ + A₃σ(v)              A₂ = ⟨p₂q₁ᵀ⟩/m      b₂ = ⟨p₂⟩/m     A₃ = ⟨p₂σ(q₂)ᵀ⟩/m
    ṗ₁ = −A₂ᵀp₂
    ṗ₂ = −σ'(q₂) ∘ (A₁ᵀp₁ + A₃ᵀp₂)

Legend: x ∈ ℝᵈ, v ∈ ℝᵐ with m = α·d; q₁, q₂ the particles' x and v; p₁, p₂ their momenta; ⟨·⟩ mean over the K
particles; m that weight's parameter weight.
"""

from dataclasses import dataclass

from model.shooting.dynamics.linear import LinearDynamics, Term, plain, sigma


@dataclass(frozen=True)
class UpDownUniversal(LinearDynamics):
    """`ẋ = A₁σ(v) + b₁`, `v̇ = A₂x + b₂ + A₃σ(v)`."""

    @property
    def terms(self) -> tuple[Term, ...]:
        """A₁, A₂ and A₃."""
        return (Term("a1", 0, sigma(1)), Term("a2", 1, plain(0)), Term("a3", 1, sigma(1)))

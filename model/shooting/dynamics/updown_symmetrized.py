"""The up-down field of three components: up, across between two wide states, and down.

::

    ẋ = A₁σ(v) + b₁          A₁ = ⟨p₁σ(q₂)ᵀ⟩/m   b₁ = ⟨p₁⟩/m
    v̇ = A₂σ(z) + b₂          A₂ = ⟨p₂σ(q₃)ᵀ⟩/m   b₂ = ⟨p₂⟩/m
    ż = A₃x + b₃             A₃ = ⟨p₃q₁ᵀ⟩/m      b₃ = ⟨p₃⟩/m
    ṗ₁ = −A₃ᵀp₃
    ṗ₂ = −σ'(q₂) ∘ (A₁ᵀp₁)
    ṗ₃ = −σ'(q₃) ∘ (A₂ᵀp₂)

Legend: x ∈ ℝᵈ, v, z ∈ ℝᵐ with m = α·d; q₁, q₂, q₃ the particles' x, v and z; p₁, p₂, p₃ their momenta; ⟨·⟩ mean over
the K particles; m that weight's parameter weight.
"""

from dataclasses import dataclass

from model.shooting.dynamics.linear import LinearDynamics, Term, plain, sigma


@dataclass(frozen=True)
class UpDownSymmetrized(LinearDynamics):
    """`ẋ = A₁σ(v) + b₁`, `v̇ = A₂σ(z) + b₂`, `ż = A₃x + b₃`."""

    @property
    def component_sizes(self) -> tuple[int, ...]:
        """(d, α·d, α·d)."""
        inner = self.inflation * self.state_size
        return (self.state_size, inner, inner)

    @property
    def terms(self) -> tuple[Term, ...]:
        """A₁, A₂ and A₃."""
        return (Term("a1", 0, sigma(1)), Term("a2", 1, sigma(2)), Term("a3", 2, plain(0)))

"""The up-down field with every term: each state is driven by both, as they are and through σ.

::

    ẋ = A₁x + A₂v + A₃σ(x) + A₄σ(v) + b₁
    v̇ = A₅x + A₆v + A₇σ(x) + A₈σ(v) + b₂
    A₁ = ⟨p₁q₁ᵀ⟩/m   A₂ = ⟨p₁q₂ᵀ⟩/m   A₃ = ⟨p₁σ(q₁)ᵀ⟩/m   A₄ = ⟨p₁σ(q₂)ᵀ⟩/m   b₁ = ⟨p₁⟩/m
    A₅ = ⟨p₂q₁ᵀ⟩/m   A₆ = ⟨p₂q₂ᵀ⟩/m   A₇ = ⟨p₂σ(q₁)ᵀ⟩/m   A₈ = ⟨p₂σ(q₂)ᵀ⟩/m   b₂ = ⟨p₂⟩/m
    ṗ₁ = −A₁ᵀp₁ − A₅ᵀp₂ − σ'(q₁) ∘ (A₃ᵀp₁ + A₇ᵀp₂)
    ṗ₂ = −A₂ᵀp₁ − A₆ᵀp₂ − σ'(q₂) ∘ (A₄ᵀp₁ + A₈ᵀp₂)

Legend: x ∈ ℝᵈ, v ∈ ℝᵐ with m = α·d; q₁, q₂ the particles' x and v; p₁, p₂ their momenta; ⟨·⟩ mean over the K
particles; m that weight's parameter weight.
"""

from dataclasses import dataclass

from model.shooting.dynamics.linear import LinearDynamics, Term, plain, sigma

_FEATURES = (plain(0), plain(1), sigma(0), sigma(1))


@dataclass(frozen=True)
class UpDownGeneral(LinearDynamics):
    """`ẋ` and `v̇` each with a term in x, v, σ(x) and σ(v)."""

    @property
    def terms(self) -> tuple[Term, ...]:
        """A₁ to A₄ for x, A₅ to A₈ for v."""
        places = [(target, feature) for target in (0, 1) for feature in _FEATURES]
        return tuple(Term(f"a{number}", *place) for number, place in enumerate(places, start=1))

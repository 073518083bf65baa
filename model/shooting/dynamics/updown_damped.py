"""The up-down field with friction: the second state loses a fixed share of itself.

::

    ẋ = A₁σ(v) + b₁          A₁ = ⟨p₁σ(q₂)ᵀ⟩/m   b₁ = ⟨p₁⟩/m
    v̇ = A₂x + b₂ − cv        A₂ = ⟨p₂q₁ᵀ⟩/m      b₂ = ⟨p₂⟩/m
    ṗ₁ = −A₂ᵀp₂
    ṗ₂ = −σ'(q₂) ∘ (A₁ᵀp₁) + cp₂

The friction is no weight, so it does not change the control; but `H = R(θ) − c⟨p₂ᵀq₂⟩` is then what stays constant
along the motion, and the energy R alone does not.

Legend: x ∈ ℝᵈ, v ∈ ℝᵐ with m = α·d; c ≥ 0 the damping; q₁, q₂ the particles' x and v; p₁, p₂ their momenta; ⟨·⟩ mean
over the K particles; m that weight's parameter weight.
"""

from dataclasses import dataclass

from model.shooting.dynamics.linear import LinearDynamics, Term, plain, sigma
from model.shooting.finite import check_positive


@dataclass(frozen=True)
class UpDownDamped(LinearDynamics):
    """`ẋ = A₁σ(v) + b₁`, `v̇ = A₂x + b₂ − cv`.

    Attributes:
        damping: c, per unit of time.

    Raises:
        ShootingArgumentInvalid: A damping that is negative or not finite, and all that other fields refuse.
    """

    damping: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.damping != 0:
            check_positive("damping", self.damping, needed="a finite number from 0 on")

    @property
    def decays(self) -> tuple[float, ...]:
        """None for x, c for v."""
        return (0.0, self.damping)

    @property
    def terms(self) -> tuple[Term, ...]:
        """A₁ and A₂."""
        return (Term("a1", 0, sigma(1)), Term("a2", 1, plain(0)))

"""Fields that are linear in their weights: control and motion follow from the terms of the velocity.

Such a field is a sum of terms, each a matrix W times a feature φ of one component, and a bias for each component::

    q̇ⱼ = Σ W φ(qᵢ) + bⱼ − cⱼ qⱼ                    over the terms with target j, each with its own source i
    W = ⟨pⱼ φ(qᵢ)ᵀ⟩ / m_W      bⱼ = ⟨pⱼ⟩ / m_b      where ∂H/∂θ = 0
    ṗᵢ = −Σ φ'(qᵢ) ∘ (Wᵀ pⱼ) + cᵢ pᵢ                over the terms with source i

Legend: φ is σ or the identity; c ≥ 0 a fixed decay; m_w the parameter weights of the cost; ⟨·⟩ mean over the K
particles.

W is a sum of K outer products. Where that is less work it is applied as its two factors and never formed (see
`controls.py`).
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch
from torch import Tensor

from model.errors import ShootingArgumentInvalid
from model.shooting.dynamics.activation import ACTIVATIONS, Activation
from model.shooting.dynamics.controls import FullControl, LowRankControl
from model.shooting.dynamics.dynamics import Control, Dynamics
from model.shooting.dynamics.slope import Slope
from model.shooting.dynamics.slopes import ParticleSlope
from model.shooting.dynamics.terms import Structure, Term, plain, sigma
from model.shooting.finite import check_count, check_finite, check_kind, is_positive
from model.shooting.phase import Phase, State

__all__ = ["LinearDynamics", "Term", "plain", "sigma"]


@dataclass(frozen=True)
class LinearDynamics(Dynamics):
    """A field that is linear in its weights.

    Attributes:
        state_size: d.
        inflation: α.
        activation: σ.
        parameter_weights: The m_w of the cost by the weight's name; 1 where none is given.

    Raises:
        ShootingArgumentInvalid: A size below 1, an inflation that the field cannot have, a parameter weight that is
            not positive and finite or names no weight.
    """

    state_size: int
    inflation: int = 1
    activation: Activation = ACTIVATIONS["relu"]
    parameter_weights: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("state_size", "inflation"):
            check_count(name, getattr(self, name))
        known = f"an Activation, such as ACTIVATIONS['relu'], of {', '.join(ACTIVATIONS)}"
        check_kind("activation", self.activation, Activation, needed=known)
        check_kind("parameter_weights", self.parameter_weights, Mapping, needed="numbers by the names of weights")
        if self.inflation != self.nearest_inflation(self.inflation):
            needed = f"{self.nearest_inflation(self.inflation)} for this vector field"
            raise ShootingArgumentInvalid("inflation", self.inflation, needed)
        for name, weight in self.parameter_weights.items():
            if name not in self.weight_shapes or not is_positive(weight):
                needed = f"positive numbers for any of {', '.join(self.weight_shapes)}"
                raise ShootingArgumentInvalid("parameter_weights", {name: weight}, needed)

    @classmethod
    def nearest_inflation(cls, inflation: int) -> int:
        """The inflation nearest to the one wanted that the field can have; any other is refused."""
        return inflation

    @property
    @abstractmethod
    def terms(self) -> tuple[Term, ...]:
        """The terms of the velocity."""

    @property
    def decays(self) -> tuple[float, ...]:
        """The fixed decay c of each component."""
        return (0.0,) * len(self.component_sizes)

    @property
    def component_sizes(self) -> tuple[int, ...]:
        """(d, α·d)."""
        return (self.state_size, self.inflation * self.state_size)

    @property
    def weight_shapes(self) -> dict[str, tuple[int, ...]]:
        """Matrices in the order of the terms, then a bias for each component."""
        sizes = self.component_sizes
        matrices = {term.name: (sizes[term.target], sizes[term.feature.source]) for term in self.terms}
        return matrices | {f"b{number}": (size,) for number, size in enumerate(sizes, start=1)}

    def weighted_by_fan_in(self) -> "LinearDynamics":
        """The same field, each matrix weighted by its number of columns: its velocity does not grow with d and α."""
        return replace(self, parameter_weights={name: float(shape[1]) for name, shape in self._matrices()})

    @cached_property
    def structure(self) -> Structure:
        """What the controls need to know."""
        weights = [1 / self._weight(name) for name in self.weight_shapes]
        split = len(self.terms)
        shape = (self.terms, self.component_sizes, self.activation, self.decays)
        return Structure(*shape, tuple(weights[:split]), tuple(weights[split:]))

    def optimal_weights(self, particles: Phase) -> State:
        """⟨p φ(q)ᵀ⟩/m for each term, then ⟨p⟩/m for each component."""
        features = dict(zip(self.structure.features, self.structure.values(particles.q), strict=True))
        scale = 1 / len(particles.q[0])
        rows = zip(self.structure.terms, self.structure.term_weights, strict=True)
        matrices = [particles.p[term.target].T @ features[term.feature] * (scale * weight) for term, weight in rows]
        biases = zip(particles.p, self.structure.bias_weights, strict=True)
        return (*matrices, *(p.mean(0) * weight for p, weight in biases))

    def with_weights(self, weights: Sequence[Tensor]) -> Control:
        """The control that applies these matrices and biases.

        Raises:
            ShootingArgumentInvalid: Another number of weights, one of another shape, one on the CPU that is not finite.
        """
        found = [tuple(weight.shape) for weight in weights]
        if found != (shapes := list(self.weight_shapes.values())):
            raise ShootingArgumentInvalid("weights", found, f"of shapes {shapes}")
        check_finite("weights", weights)
        return self._control(weights)

    def _control(self, weights: Sequence[Tensor]) -> Control:
        split = len(self.structure.terms)
        return FullControl(self.structure, tuple(weights[:split]), tuple(weights[split:]))

    def optimal_control(self, particles: Phase) -> Control:
        """In factors of rank K where that is less work than the matrices."""
        if self.structure.is_less_work_in_factors(len(particles.q[0])):
            return LowRankControl(self.structure, self.structure.values(particles.q), particles.p)
        return self._control(self.optimal_weights(particles))

    def slope(self, num_particles: int) -> Slope | None:
        """Where the control is applied in factors."""
        is_known = self.structure.activation.has_slopes and self.structure.is_less_work_in_factors(num_particles)
        return ParticleSlope(self.structure) if is_known else None

    def shown_control(self, shown: State) -> Control:
        """In the factors that are shown."""
        features, momenta, _ = self.structure.parted(shown)
        return LowRankControl(self.structure, features, momenta)

    def cost(self, weights: Sequence[Tensor]) -> Tensor:
        """½ Σ_w m_w ‖w‖²."""
        named = zip(self.weight_shapes, weights, strict=True)
        return 0.5 * torch.stack([self._weight(name) * w.square().sum() for name, w in named]).sum()

    def _weight(self, name: str) -> float:
        return self.parameter_weights.get(name, 1.0)

    def _matrices(self) -> list[tuple[str, tuple[int, ...]]]:
        return [(name, shape) for name, shape in self.weight_shapes.items() if len(shape) == 2]

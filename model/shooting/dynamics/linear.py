"""Fields that are linear in their weights: control and motion follow from the terms of the velocity.

Such a field is a sum of terms, each a matrix W times a feature φ of one component, and a bias for each component::

    q̇ⱼ = Σ W φ(qᵢ) + bⱼ − cⱼ qⱼ                    over the terms with target j, each with its own source i
    W = ⟨pⱼ φ(qᵢ)ᵀ⟩ / m_W      bⱼ = ⟨pⱼ⟩ / m_b      where ∂H/∂θ = 0
    ṗᵢ = −Σ φ'(qᵢ) ∘ (Wᵀ pⱼ) + cᵢ pᵢ                over the terms with source i

Legend: φ is σ or the identity; c ≥ 0 a fixed decay; m_w the parameter weights of the cost; ⟨·⟩ mean over the K
particles.

W is a sum of K outer products. With fewer particles than features it is applied as its two factors and never formed,
and terms that share a feature share the first of the two products.
"""

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import torch
from torch import Tensor

from model.errors import ShootingArgumentInvalid
from model.shooting.dynamics.activation import ACTIVATIONS, Activation
from model.shooting.dynamics.dynamics import Control, Dynamics
from model.shooting.phase import Phase, State


class Feature(NamedTuple):
    """What a matrix is multiplied with: a component of the position, through σ or as it is."""

    source: int
    nonlinear: bool


class Term(NamedTuple):
    """A matrix times a feature, in the velocity of one component."""

    name: str
    target: int
    feature: Feature


def sigma(source: int) -> Feature:
    """σ of a component."""
    return Feature(source, nonlinear=True)


def plain(source: int) -> Feature:
    """A component as it is."""
    return Feature(source, nonlinear=False)


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
            if getattr(self, name) < 1:
                raise ShootingArgumentInvalid(name, getattr(self, name), "a whole number from 1 on")
        if self.inflation != self.nearest_inflation(self.inflation):
            needed = f"{self.nearest_inflation(self.inflation)} for this vector field"
            raise ShootingArgumentInvalid("inflation", self.inflation, needed)
        for name, weight in self.parameter_weights.items():
            if name not in self.weight_shapes or not 0 < weight < math.inf:
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

    def optimal_weights(self, particles: Phase) -> State:
        """⟨p φ(q)ᵀ⟩/m for each term, then ⟨p⟩/m for each component."""
        features = _features(self, particles.q)
        scale = 1 / len(particles.q[0])
        matrices = [particles.p[t.target].T @ features[t.feature] * (scale / self._weight(t.name)) for t in self.terms]
        return (*matrices, *self._biases(particles))

    def with_weights(self, weights: Sequence[Tensor]) -> Control:
        """The control that applies these matrices and biases."""
        return _FullControl(self, tuple(weights[: len(self.terms)]), tuple(weights[len(self.terms) :]))

    def optimal_control(self, particles: Phase) -> Control:
        """In factors of rank K where that is less work than the matrices."""
        if len(particles.q[0]) >= max(self.component_sizes):
            return self.with_weights(self.optimal_weights(particles))
        features = _features(self, particles.q)
        scale = 1 / len(particles.q[0])
        left = {feature: value.T * scale for feature, value in features.items()}
        return _LowRankControl(self, left, particles.p, self._biases(particles))

    def cost(self, weights: Sequence[Tensor]) -> Tensor:
        """½ Σ_w m_w ‖w‖²."""
        named = zip(self.weight_shapes, weights, strict=True)
        return 0.5 * torch.stack([self._weight(name) * w.square().sum() for name, w in named]).sum()

    def _weight(self, name: str) -> float:
        return self.parameter_weights.get(name, 1.0)

    def _matrices(self) -> list[tuple[str, tuple[int, ...]]]:
        return [(name, shape) for name, shape in self.weight_shapes.items() if len(shape) == 2]

    def _biases(self, particles: Phase) -> State:
        return tuple(p.mean(0) / self._weight(f"b{number}") for number, p in enumerate(particles.p, start=1))


def _features(dynamics: LinearDynamics, q: State) -> dict[Feature, Tensor]:
    """Each feature that a term needs, computed once."""
    wanted = {term.feature for term in dynamics.terms}
    return {f: dynamics.activation.value(q[f.source]) if f.nonlinear else q[f.source] for f in wanted}


def _decayed(dynamics: LinearDynamics, q: State, velocity: Sequence[Tensor], sign: float) -> State:
    decays = zip(velocity, q, dynamics.decays, strict=True)
    return tuple(v if c == 0 else v.add(one, alpha=sign * c) for v, one, c in decays)


def _pulled_back(dynamics: LinearDynamics, q: State, p: State, pulled: dict[Feature, Tensor]) -> State:
    """ṗ from Wᵀp summed for each feature."""
    velocity = [torch.zeros_like(one) for one in q]
    for (source, nonlinear), gradient in pulled.items():
        through = dynamics.activation.derivative(q[source]) * gradient if nonlinear else gradient
        velocity[source] = velocity[source] - through
    return _decayed(dynamics, p, velocity, 1.0)


@dataclass(frozen=True, eq=False)
class _FullControl(Control):
    """Matrices W and biases b as they are."""

    dynamics: LinearDynamics
    matrices: State
    biases: State

    def velocity(self, q: State) -> State:
        features = _features(self.dynamics, q)
        out = [bias.expand_as(one) for bias, one in zip(self.biases, q, strict=True)]
        for term, matrix in zip(self.dynamics.terms, self.matrices, strict=True):
            out[term.target] = torch.addmm(out[term.target], features[term.feature], matrix.T)
        return _decayed(self.dynamics, q, out, -1.0)

    def momentum_velocity(self, q: State, p: State) -> State:
        pulled: dict[Feature, Tensor] = {}
        for term, matrix in zip(self.dynamics.terms, self.matrices, strict=True):
            gradient = p[term.target] @ matrix
            pulled[term.feature] = pulled[term.feature] + gradient if term.feature in pulled else gradient
        return _pulled_back(self.dynamics, q, p, pulled)


@dataclass(frozen=True, eq=False)
class _LowRankControl(Control):
    """Each matrix as Pⱼᵀ Φᵢ / (K m): Pⱼ the momenta of its target, Φᵢ/K the feature of its source."""

    dynamics: LinearDynamics
    features: dict[Feature, Tensor]
    momenta: State
    biases: State

    def velocity(self, q: State) -> State:
        shared = {f: value @ self.features[f] for f, value in _features(self.dynamics, q).items()}
        out = []
        for target, (bias, momentum) in enumerate(zip(self.biases, self.momenta, strict=True)):
            terms = [
                (shared[t.feature], 1 / self.dynamics._weight(t.name))
                for t in self.dynamics.terms
                if t.target == target
            ]
            out.append(torch.addmm(bias, _combined(terms), momentum))
        return _decayed(self.dynamics, q, out, -1.0)

    def momentum_velocity(self, q: State, p: State) -> State:
        shared = [one @ momentum.T for one, momentum in zip(p, self.momenta, strict=True)]
        pulled = {}
        for feature, value in self.features.items():
            terms = [
                (shared[t.target], 1 / self.dynamics._weight(t.name))
                for t in self.dynamics.terms
                if t.feature == feature
            ]
            pulled[feature] = _combined(terms) @ value.T
        return _pulled_back(self.dynamics, q, p, pulled)


def _combined(terms: list[tuple[Tensor, float]]) -> Tensor:
    """Σ coefficient · value."""
    value, coefficient = terms[0]
    total = value if coefficient == 1.0 else value * coefficient
    for value, coefficient in terms[1:]:
        total = total.add(value, alpha=coefficient)
    return total

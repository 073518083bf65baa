"""What a field that is linear in its weights is made of: terms, each a matrix times a feature of the position.

Legend: q position, σ the non-linearity, m_w the parameter weights of the cost, K number of particles.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, TypeVar

from torch import Tensor

from model.shooting.dynamics.activation import Activation
from model.shooting.phase import State

OneOrNone = TypeVar("OneOrNone", Tensor, Tensor | None)


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


@dataclass(frozen=True, eq=False)
class Structure:
    """What the controls of a field share.

    Attributes:
        terms: Of the velocity.
        sizes: Of the components of a position.
        activation: σ.
        decays: The fixed decay of each component.
        term_weights: 1/m_w of each term's matrix.
        bias_weights: 1/m_b of each component's bias.
    """

    terms: tuple[Term, ...]
    sizes: tuple[int, ...]
    activation: Activation
    decays: tuple[float, ...]
    term_weights: tuple[float, ...]
    bias_weights: tuple[float, ...]

    @cached_property
    def features(self) -> tuple[Feature, ...]:
        """Each feature that a term needs, once."""
        return tuple(dict.fromkeys(term.feature for term in self.terms))

    @cached_property
    def by_target(self) -> tuple[tuple[tuple[int, float], ...], ...]:
        """For each component, the number of each feature in its velocity, and 1/m_w."""
        weighted = list(zip(self.terms, self.term_weights, strict=True))
        return tuple(
            tuple((self.features.index(term.feature), weight) for term, weight in weighted if term.target == target)
            for target in range(len(self.sizes))
        )

    @cached_property
    def by_feature(self) -> tuple[tuple[tuple[int, float], ...], ...]:
        """For each feature, each component whose velocity it enters, and 1/m_w."""
        weighted = list(zip(self.terms, self.term_weights, strict=True))
        return tuple(
            tuple((term.target, weight) for term, weight in weighted if term.feature == feature)
            for feature in self.features
        )

    @cached_property
    def num_inputs(self) -> int:
        """The sizes of all features together."""
        return sum(self.sizes[feature.source] for feature in self.features)

    def is_less_work_in_factors(self, num_particles: int) -> bool:
        """Whether particles and as many points move in fewer multiplications by factors than by formed matrices.

        A point passes both factors of each feature and component, particles their Gram matrices besides; with
        matrices, each is formed once and passed by points, particles and momenta.
        """
        in_factors = 3 * num_particles * (self.num_inputs + sum(self.sizes))
        in_matrices = 4 * sum(self.sizes[term.target] * self.sizes[term.feature.source] for term in self.terms)
        return in_factors < in_matrices

    def values(self, q: State) -> State:
        """The features at positions q."""
        return tuple(self.activation.value(q[f.source]) if f.nonlinear else q[f.source] for f in self.features)

    def parted(self, tensors: Sequence[OneOrNone]) -> tuple[tuple[OneOrNone, ...], ...]:
        """Something of each feature, then of each component, then the rest."""
        first, second = len(self.features), len(self.features) + len(self.sizes)
        return tuple(tensors[:first]), tuple(tensors[first:second]), tuple(tensors[second:])

    def pulled_back(self, q: State | None, values: State, gradients: Sequence[Tensor]) -> State:
        """Of gradients of the features, those of q: Σ φ'(qᵢ) ∘ g over the features of each component.

        Without q, which only a curved σ asks for.
        """
        pulled: list[Tensor | None] = [None] * len(self.sizes)
        for feature, value, gradient in zip(self.features, values, gradients, strict=True):
            through = self._through(feature, q, value, gradient)
            before = pulled[feature.source]
            pulled[feature.source] = through if before is None else before + through
        rows, num_points = zip(pulled, self.sizes, strict=True), len(values[0])
        return tuple(values[0].new_zeros(num_points, size) if one is None else one for one, size in rows)

    def spread(self, q: State | None, values: State, components: State) -> State:
        """φ'(qᵢ) ∘ g for each feature, g being of its component: what `pulled_back` is the transpose of."""
        pairs = zip(self.features, values, strict=True)
        return tuple(self._through(feature, q, value, components[feature.source]) for feature, value in pairs)

    def bent(self, of_q: State, q: State, gradients: State, components: State) -> State:
        """With φ''(qᵢ) ∘ g ∘ h added for each feature, g being of the feature and h of its component."""
        second, out = self.activation.second_derivative, list(of_q)
        assert second is not None, "the non-linearity is not curved"
        for (source, nonlinear), gradient in zip(self.features, gradients, strict=True):
            if nonlinear:
                out[source] = out[source] + second(q[source]) * gradient * components[source]
        return tuple(out)

    def _through(self, feature: Feature, q: State | None, value: Tensor, gradient: Tensor) -> Tensor:
        if not feature.nonlinear:
            return gradient
        return self.activation.pull_back(value if q is None else q[feature.source], value, gradient)

    def decayed(self, velocity: Sequence[Tensor], of: State, *, sign: float) -> State:
        """A velocity with `sign · c` times what decays added."""
        decays = zip(velocity, of, self.decays, strict=True)
        return tuple(v if c == 0 else v.add(one, alpha=sign * c) for v, one, c in decays)


def mixed(values: Sequence[Tensor], terms: Sequence[tuple[int, float]], constant: float = 0.0) -> Tensor:
    """Σ weight · values[number] + constant; not to be written to, as it may be one of the values."""
    (number, weight), *rest = terms
    total = values[number] if weight == 1.0 else values[number] * weight
    for number, weight in rest:
        total = total.add(values[number], alpha=weight)
    return total + constant if constant else total

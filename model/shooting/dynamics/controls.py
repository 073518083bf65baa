"""The forms in which the control of a linear field is applied: as matrices, in factors, or as one matrix.

Legend: q position, p momentum of the points that are moved; W = ⟨pₖ φₖᵀ⟩/m the matrices of K particles; φ features.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from model.shooting.dynamics.coupling import coupled_motion
from model.shooting.dynamics.dynamics import Control
from model.shooting.dynamics.slope import Slope
from model.shooting.dynamics.slopes import PointSlope
from model.shooting.dynamics.terms import Feature, Structure, mixed
from model.shooting.phase import Phase, State


@dataclass(frozen=True, eq=False)
class FullControl(Control):
    """Matrices W, one a term, and biases, one a component, as they are."""

    structure: Structure
    matrices: State
    biases: State

    def velocity(self, q: State) -> State:
        """W φ(q) + b."""
        features = dict(zip(self.structure.features, self.structure.values(q), strict=True))
        out = [bias.expand_as(one) for bias, one in zip(self.biases, q, strict=True)]
        for term, matrix in zip(self.structure.terms, self.matrices, strict=True):
            out[term.target] = torch.addmm(out[term.target], features[term.feature], matrix.T)
        return self.structure.decayed(out, q, sign=-1.0)

    def momentum_velocity(self, q: State, p: State) -> State:
        """−φ'(q) ∘ (Wᵀ p)."""
        gradients: dict[Feature, Tensor] = {}
        for term, matrix in zip(self.structure.terms, self.matrices, strict=True):
            one = p[term.target] @ matrix
            gradients[term.feature] = gradients[term.feature] - one if term.feature in gradients else -one
        values = self.structure.values(q)
        pulled = self.structure.pulled_back(q, values, [gradients[f] for f in self.structure.features])
        return self.structure.decayed(pulled, p, sign=1.0)

    def kept(self, dtype: torch.dtype) -> Control:
        """All matrices in one."""
        width = self.structure.num_inputs
        starts, start = {}, 0
        for feature in self.structure.features:
            starts[feature] = start
            start += self.structure.sizes[feature.source]
        joined = torch.cat(self.biases).new_zeros(width, sum(self.structure.sizes))
        blocks = dict(enumerate(joined.split(self.structure.sizes, dim=1)))
        for term, matrix in zip(self.structure.terms, self.matrices, strict=True):
            first = starts[term.feature]
            blocks[term.target][first : first + matrix.shape[1]] = matrix.T
        return JoinedControl(self.structure, joined, torch.cat(self.biases)).kept(dtype)


@dataclass(frozen=True, eq=False)
class LowRankControl(Control):
    """Each matrix by its factors, the momenta and features of the particles; terms share products with a feature."""

    structure: Structure
    features: State
    momenta: State

    def velocity(self, q: State) -> State:
        """pᵀ (φ φ(q) + 1) / K, with 1/m where it belongs."""
        shared = [value @ one.T for value, one in zip(self.structure.values(q), self.features, strict=True)]
        scale = 1 / len(self.features[0])
        rows = zip(self.structure.by_target, self.structure.bias_weights, self.momenta, strict=True)
        out = [(mixed(shared, terms, bias) * scale) @ p for terms, bias, p in rows]
        return self.structure.decayed(out, q, sign=-1.0)

    def momentum_velocity(self, q: State, p: State) -> State:
        """−φ'(q) ∘ (φᵀ (pₖ p)) / K, with 1/m where it belongs."""
        shared = [one @ momentum.T for one, momentum in zip(p, self.momenta, strict=True)]
        scale = -1 / len(self.features[0])
        rows = zip(self.structure.by_feature, self.features, strict=True)
        gradients = [(mixed(shared, terms) * scale) @ one for terms, one in rows]
        pulled = self.structure.pulled_back(q, self.structure.values(q), gradients)
        return self.structure.decayed(pulled, p, sign=1.0)

    def motion(self, particles: Phase) -> Phase:
        """Of the particles whose control this is, told by their momenta, by what they share; of others as of points."""
        if not all(one is other for one, other in zip(particles.p, self.momenta, strict=True)):
            return super().motion(particles)
        velocity, gradients = coupled_motion(self.structure, self.features, self.momenta)
        pulled = self.structure.pulled_back(particles.q, self.features, gradients)
        return Phase(
            self.structure.decayed(velocity, particles.q, sign=-1.0),
            self.structure.decayed(pulled, particles.p, sign=1.0),
        )

    def slope(self) -> tuple[Slope, State] | None:
        """That of points; given the factors."""
        if not self.structure.activation.has_slopes:
            return None
        return PointSlope(self.structure), (*self.features, *self.momenta)

    def kept(self, dtype: torch.dtype) -> Control:
        """As one matrix where that is hardly more work: one product then takes the place of one or two a term."""
        num_particles, width, height = len(self.features[0]), self.structure.num_inputs, sum(self.structure.sizes)
        if width * height > 1.5 * num_particles * (width + height):
            both = [tuple(one.to(dtype) for one in tensors) for tensors in (self.features, self.momenta)]
            return LowRankControl(self.structure, *both)
        rows = zip(self.structure.terms, self.structure.term_weights, strict=True)
        features = dict(zip(self.structure.features, self.features, strict=True))
        matrices = tuple(self.momenta[term.target].T @ features[term.feature] * (a / num_particles) for term, a in rows)
        biases = zip(self.momenta, self.structure.bias_weights, strict=True)
        return FullControl(self.structure, matrices, tuple(p.mean(0) * a for p, a in biases)).kept(dtype)


@dataclass(frozen=True, eq=False)
class JoinedControl(Control):
    """All matrices as the blocks of one, features by components, and all biases in one row: to serve from."""

    structure: Structure
    matrix: Tensor
    bias: Tensor

    def velocity(self, q: State) -> State:
        """One product for all terms."""
        out = torch.addmm(self.bias, torch.cat(self.structure.values(q), dim=1), self.matrix)
        return self.structure.decayed(out.split(self.structure.sizes, dim=1), q, sign=-1.0)

    def momentum_velocity(self, q: State, p: State) -> State:
        """One product for all features."""
        sizes = [self.structure.sizes[feature.source] for feature in self.structure.features]
        gradients = torch.cat(p, dim=1).neg() @ self.matrix.T
        pulled = self.structure.pulled_back(q, self.structure.values(q), gradients.split(sizes, dim=1))
        return self.structure.decayed(pulled, p, sign=1.0)

    def kept(self, dtype: torch.dtype) -> Control:
        """As it is."""
        return JoinedControl(self.structure, self.matrix.to(dtype), self.bias.to(dtype))

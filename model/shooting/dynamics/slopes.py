"""The two slopes of a field whose control is applied in factors of rank K: of its particles, and of data points.

Particles show their features and momenta, which are the factors of the control; points are given them. With F the
features of points, f those of particles, P their momenta and a the parameter weights as in `coupling.py`, points move
by `S_j P_j` with `S_j = (Σ a F_f f_fᵀ + a_j)/K`, and a gradient g_j of that goes on as::

    to P_j    S_jᵀ g_j
    to F_f    T_f f_f        T_f = Σ a g_j P_jᵀ/K
    to f_f    T_fᵀ F_f

A particle's momentum moves by `φ'(q) ∘ N` with N what `coupling.py` says it loses, so that a gradient h of that reaches
q by `φ''(q) ∘ N ∘ h`, too.

Legend: q position, p momentum; φ a feature; K number of particles.
"""

from dataclasses import dataclass

import torch

from model.shooting.by_hand import Gradients
from model.shooting.dynamics.coupling import coupled, pulled_back_motion
from model.shooting.dynamics.slope import Evaluated, Slope, filled, with_shown
from model.shooting.dynamics.terms import Structure, mixed
from model.shooting.phase import Phase, State


@dataclass(frozen=True)
class ParticleSlope(Slope):
    """The motion of particles under their own optimal control; y is their positions and momenta."""

    structure: Structure

    @property
    def num_components(self) -> int:
        """Of positions and of momenta."""
        return 2 * len(self.structure.sizes)

    def evaluated(self, y: State, given: State) -> Evaluated:
        """Shows features and momenta; keeps them and, of what is not seen in them, what is needed."""
        structure, (q, p) = self.structure, Phase.from_components(y)
        features = structure.values(q)
        motion, grams = coupled(structure, features, p)
        velocity, lost = motion[: len(p)], motion[len(p) :]
        pulled = structure.pulled_back(q, features, lost)
        moves = (*structure.decayed(velocity, q, sign=-1.0), *structure.decayed(pulled, p, sign=1.0))
        bent = (*q, *lost) if structure.activation.is_curved else ()
        return Evaluated(moves, (*features, *p), (*features, *p, *bent, *grams))

    def pull_back(
        self, kept: State, given: State, of_velocity: State | None, of_shown: Gradients
    ) -> tuple[State, State]:
        """By the symmetric derivative of the coupling."""
        structure = self.structure
        features, p, rest = structure.parted(kept)
        shown_features, shown_momenta, _ = structure.parted(of_shown)
        if of_velocity is None:
            of_q = structure.pulled_back(self._positions(rest), features, filled(shown_features, features))
            return (*of_q, *filled(shown_momenta, p)), ()
        u, h = Phase.from_components(of_velocity)
        w = structure.spread(self._positions(rest), features, h)
        of_features, of_p = pulled_back_motion(structure, rest[self._num_bent :], features, p, (u, w))
        of_q = structure.pulled_back(self._positions(rest), features, with_shown(of_features, shown_features))
        of_q = structure.decayed(self._bent(of_q, rest, h), u, sign=-1.0)
        return (*of_q, *structure.decayed(with_shown(of_p, shown_momenta), h, sign=1.0)), ()

    @property
    def _num_bent(self) -> int:
        structure = self.structure
        return len(structure.sizes) + len(structure.features) if structure.activation.is_curved else 0

    def _positions(self, rest: State) -> State | None:
        return rest[: len(self.structure.sizes)] if self.structure.activation.is_curved else None

    def _bent(self, of_q: State, rest: State, h: State) -> State:
        """With the part through φ''."""
        if not self.structure.activation.is_curved:
            return of_q
        lost = rest[len(h) : self._num_bent]
        return self.structure.bent(of_q, rest[: len(h)], lost, h)


@dataclass(frozen=True)
class PointSlope(Slope):
    """The velocity of points; y is their positions, given are features and momenta of particles."""

    structure: Structure

    @property
    def num_components(self) -> int:
        """Of positions."""
        return len(self.structure.sizes)

    def evaluated(self, y: State, given: State) -> Evaluated:
        """Shows nothing; keeps features and the factors S."""
        structure = self.structure
        features, momenta, _ = structure.parted(given)
        values = structure.values(y)
        shared = [value @ one.T for value, one in zip(values, features, strict=True)]
        scale, rows = 1 / len(momenta[0]), zip(structure.by_target, structure.bias_weights, strict=True)
        factors = tuple(mixed(shared, terms, bias) * scale for terms, bias in rows)
        velocity = [factor @ p for factor, p in zip(factors, momenta, strict=True)]
        bent = y if structure.activation.is_curved else ()
        return Evaluated(structure.decayed(velocity, y, sign=-1.0), (), (*values, *factors, *bent))

    def pull_back(
        self, kept: State, given: State, of_velocity: State | None, of_shown: Gradients
    ) -> tuple[State, State]:
        """Through both products."""
        assert of_velocity is not None, "points show nothing: only their velocity has a gradient"
        structure = self.structure
        features, momenta, _ = structure.parted(given)
        values, factors, q = structure.parted(kept)
        scale = 1 / len(momenta[0])
        pairs = zip(of_velocity, momenta, factors, strict=True)
        of_factors = [torch.addmm(factor, g, p.T, beta=0, alpha=scale) for g, p, factor in pairs]
        T = [mixed(of_factors, terms) for terms in structure.by_feature]
        of_values = [one @ f for one, f in zip(T, features, strict=True)]
        of_q = structure.pulled_back(q or None, values, of_values)
        of_features = [one.T @ value for one, value in zip(T, values, strict=True)]
        of_momenta = [factor.T @ g for factor, g in zip(factors, of_velocity, strict=True)]
        return structure.decayed(of_q, of_velocity, sign=-1.0), (*of_features, *of_momenta)

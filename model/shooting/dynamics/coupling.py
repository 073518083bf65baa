"""How particles under their own optimal control move each other, without ever forming a weight.

At its optimal control the cost of a field that is linear in its weights depends on the features φ_f and momenta p_j of
the particles through their Gram matrices alone::

    R = ½ Σ a_t ⟨φ_f φ_fᵀ, p_j p_jᵀ⟩ + ½ Σ a_j ⟨11ᵀ, p_j p_jᵀ⟩      over the terms t, of feature f in component j
    ∂R/∂p_j = C_j p_j / K          C_j = Σ a_t φ_f φ_fᵀ + a_j 11ᵀ
    ∂R/∂φ_f = D_f φ_f / K          D_f = Σ a_t p_j p_jᵀ

The first is the velocity of the particles, the second what their momenta lose. Terms share Gram matrices, so this takes
fewer products than weights do. Being a gradient it has a symmetric derivative, so that what back-propagation needs is
the derivative in the direction of the gradients that come in, u_j for p_j and w_f for φ_f::

    C_j u_j + δC_j p_j             δC_j = Σ a_t (w_f φ_fᵀ + φ_f w_fᵀ)
    D_f w_f + δD_f φ_f             δD_f = Σ a_t (u_j p_jᵀ + p_j u_jᵀ)

φ, p and the Gram matrices of the wide ones are kept for it; the others are formed anew, which is quick.

Legend: K number of particles; a = 1/m one over the parameter weight; 1 the vector of K ones. R is in units of 1/K.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from model.shooting.by_hand import Gradients, Map, apply
from model.shooting.dynamics.terms import Structure, mixed
from model.shooting.phase import State


def coupled_motion(structure: Structure, features: State, momenta: State) -> tuple[State, State]:
    """C_j p_j / K for each component, then −D_f φ_f / K for each feature; all of shape (K, size)."""
    out = apply(_Coupling(structure), (*features, *momenta))
    return out[: len(momenta)], out[len(momenta) :]


def coupled(structure: Structure, features: State, momenta: State) -> tuple[State, State]:
    """The motion, velocities first, and the Gram matrices to keep for `pulled_back_motion`."""
    tensors = (*features, *momenta)
    grams = [one @ one.T for one in tensors]
    C, D = _kernels(structure, grams, structure.bias_weights)
    scale = 1 / len(tensors[0])
    velocity = [_product(matrix, p, scale) for matrix, p in zip(C, momenta, strict=True)]
    lost = [_product(matrix, phi, -scale) for matrix, phi in zip(D, features, strict=True)]
    return (*velocity, *lost), tuple(gram for gram, one in zip(grams, tensors, strict=True) if _is_kept(one))


def pulled_back_motion(
    structure: Structure, kept: State, features: State, momenta: State, gradients: tuple[State, State]
) -> tuple[State, State]:
    """Of gradients of the velocities and of what momenta lose, those of the features and of the momenta."""
    tensors, there, (u, w) = (*features, *momenta), iter(kept), gradients
    grams = [next(there) if _is_kept(one) else one @ one.T for one in tensors]
    C, D = _kernels(structure, grams, structure.bias_weights)
    turned = [_symmetric(direction, one) for direction, one in zip((*w, *u), tensors, strict=True)]
    dC, dD = _kernels(structure, turned, [0.0] * len(momenta))
    scale = 1 / len(momenta[0])
    return _directional(D, w, dD, features, -scale), _directional(C, u, dC, momenta, scale)


@dataclass(frozen=True, eq=False)
class _Coupling(Map):
    """The motion as a map of features and momenta."""

    structure: Structure

    def through(self, inputs: State) -> tuple[State, State]:
        return coupled(self.structure, *self._parted(inputs))

    def pull_back(self, kept: State, inputs: State, gradients: Gradients) -> Gradients:
        features, momenta = self._parted(inputs)
        given = zip(gradients, (*momenta, *features), strict=True)
        filled = tuple(torch.zeros_like(one) if g is None else g for g, one in given)
        both = filled[: len(momenta)], filled[len(momenta) :]
        of_features, of_momenta = pulled_back_motion(self.structure, kept, features, momenta, both)
        return (*of_features, *of_momenta)

    def _parted(self, inputs: State) -> tuple[State, State]:
        split = len(self.structure.features)
        return inputs[:split], inputs[split:]


def _is_kept(one: Tensor) -> bool:
    """Whether its Gram matrix is the smaller one."""
    return one.shape[0] < one.shape[1]


def _kernels(
    structure: Structure, grams: Sequence[Tensor], bias_weights: Sequence[float]
) -> tuple[list[Tensor], list[Tensor]]:
    """C for each component and D for each feature."""
    split = len(structure.features)
    of_features, of_momenta = grams[:split], grams[split:]
    C = [mixed(of_features, terms, bias) for terms, bias in zip(structure.by_target, bias_weights, strict=True)]
    return C, [mixed(of_momenta, terms) for terms in structure.by_feature]


def _product(matrix: Tensor, other: Tensor, scale: float) -> Tensor:
    return torch.addmm(other, matrix, other, beta=0, alpha=scale)


def _symmetric(direction: Tensor, one: Tensor) -> Tensor:
    half = direction @ one.T
    return half + half.T


def _directional(
    kernels: list[Tensor], directions: Sequence[Tensor], turned: list[Tensor], ones: Sequence[Tensor], scale: float
) -> State:
    """The kernel times the direction, minus the turned kernel times what it acts on.

    Velocities and losses of momenta come in with opposite signs, and so do their gradients.
    """
    rows = zip(kernels, directions, turned, ones, strict=True)
    return tuple(_product(K, way, scale).addmm_(dK, one, alpha=-scale) for K, way, dK, one in rows)

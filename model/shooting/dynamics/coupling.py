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

φ, p and the Gram matrices of wide φ are kept for it; the others are formed anew, which is quick and saves memory.

Legend: K number of particles; a = 1/m one over the parameter weight; 1 the vector of K ones. R is in units of 1/K.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from model.shooting.dynamics.terms import Structure, mixed
from model.shooting.phase import State


def coupled_motion(structure: Structure, features: State, momenta: State) -> tuple[State, State]:
    """C_j p_j / K for each component, then −D_f φ_f / K for each feature; all of shape (K, size)."""
    out: State = _Coupling.apply(structure, *features, *momenta)  # type: ignore[no-untyped-call]
    return out[: len(momenta)], out[len(momenta) :]


class _Coupling(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, structure: Structure, *tensors: Tensor) -> State:
        grams = [one @ one.T for one in tensors]
        ctx.structure = structure
        features, momenta = _split(structure, tensors)
        ctx.save_for_backward(*tensors, *(gram for gram, phi in zip(grams, features, strict=False) if _is_kept(phi)))
        C, D = _kernels(structure, grams, structure.bias_weights)
        scale = 1 / len(tensors[0])
        velocity = [_product(matrix, p, scale) for matrix, p in zip(C, momenta, strict=True)]
        return (*velocity, *(_product(matrix, phi, -scale) for matrix, phi in zip(D, features, strict=True)))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Any, ...]:
        structure, num_momenta = ctx.structure, len(ctx.structure.sizes)
        # Asked for once: with checkpoints, a second look would compute the forward pass again.
        kept = ctx.saved_tensors
        tensors, grams = kept[: len(gradients)], iter(kept[len(gradients) :])
        features, momenta = _split(structure, tensors)
        of_features = [next(grams) if _is_kept(phi) else phi @ phi.T for phi in features]
        of_momenta = [p @ p.T for p in momenta]
        u, w = gradients[:num_momenta], gradients[num_momenta:]
        C, D = _kernels(structure, [*of_features, *of_momenta], structure.bias_weights)
        turned = [_symmetric(direction, one) for direction, one in zip((*w, *u), tensors, strict=True)]
        dC, dD = _kernels(structure, turned, [0.0] * num_momenta)
        scale = 1 / len(tensors[0])
        by_p = _directional(C, u, dC, momenta, scale)
        return (None, *_directional(D, w, dD, features, -scale), *by_p)


def _is_kept(features: Tensor) -> bool:
    """Whether their Gram matrix is the smaller one."""
    return features.shape[0] < features.shape[1]


def _split(structure: Structure, tensors: Sequence[Tensor]) -> tuple[Sequence[Tensor], Sequence[Tensor]]:
    """What belongs to features, and what to momenta."""
    return tensors[: len(structure.features)], tensors[len(structure.features) :]


def _kernels(
    structure: Structure, grams: Sequence[Tensor], bias_weights: Sequence[float]
) -> tuple[list[Tensor], list[Tensor]]:
    """C for each component and D for each feature."""
    of_features, of_momenta = _split(structure, grams)
    C = [mixed(of_features, terms, bias) for terms, bias in zip(structure.by_target, bias_weights, strict=True)]
    return C, [mixed(of_momenta, terms) for terms in structure.by_feature]


def _product(matrix: Tensor, other: Tensor, scale: float) -> Tensor:
    return torch.addmm(other, matrix, other, beta=0, alpha=scale)


def _symmetric(direction: Tensor, one: Tensor) -> Tensor:
    half = direction @ one.T
    return half + half.T


def _directional(
    kernels: list[Tensor], directions: Sequence[Tensor], turned: list[Tensor], ones: Sequence[Tensor], scale: float
) -> list[Tensor]:
    """The kernel times the direction, minus the turned kernel times what it acts on.

    Velocities and losses of momenta come in with opposite signs, and so do their gradients.
    """
    rows = zip(kernels, directions, turned, ones, strict=True)
    return [_product(K, way, scale).addmm_(dK, one, alpha=-scale) for K, way, dK, one in rows]

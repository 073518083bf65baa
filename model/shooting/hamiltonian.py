"""Cost, energy, Hamiltonian and its symplectic gradient.

Legend: H = ⟨pᵀ f(q, θ)⟩ − R(θ) with ⟨·⟩ the mean over the K particles, so that q̇ₖ = K ∂H/∂pₖ and ṗₖ = −K ∂H/∂qₖ.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from model.shooting.dynamics import Dynamics
from model.shooting.finite import check_finite
from model.shooting.phase import Phase


def hamiltonian(dynamics: Dynamics, particles: Phase, weights: Sequence[Tensor]) -> Tensor:
    """H(p, q, θ), a scalar (equation 2.4 of the paper)."""
    velocity = dynamics.with_weights(weights).velocity(particles.q)
    pairing = torch.stack([(p * dq).sum() for p, dq in zip(particles.p, velocity, strict=True)]).sum()
    return pairing / particles.q[0].shape[0] - dynamics.cost(weights)


def reduced_hamiltonian(dynamics: Dynamics, particles: Phase) -> Tensor:
    """H at the optimal control, constant along the motion."""
    return hamiltonian(dynamics, particles, dynamics.optimal_weights(particles))


def energy(dynamics: Dynamics, particles: Phase) -> Tensor:
    """R(θ) at the optimal control: the penalty of training.

    It is H itself, and constant along the motion, where the velocity is linear in its weights and nothing decays.
    """
    return dynamics.cost(dynamics.optimal_weights(particles))


def symplectic_gradient(dynamics: Dynamics, particles: Phase) -> Phase:
    """(q̇, ṗ) by automatic differentiation of the reduced Hamiltonian; slow, the measure of every motion.

    Raises:
        ShootingArgumentInvalid: Particles on the CPU that are not finite.
    """
    check_finite("particles", particles.components())
    leaves = [component.detach().requires_grad_() for component in particles.components()]
    value = reduced_hamiltonian(dynamics, Phase.from_components(leaves))
    num_particles = leaves[0].shape[0]
    by_q, by_p = Phase.from_components(torch.autograd.grad(value, leaves))
    return Phase(tuple(num_particles * g for g in by_p), tuple(-num_particles * g for g in by_q))

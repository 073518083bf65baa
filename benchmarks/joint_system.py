"""The competitor of every figure about speed: particles and data points as one system, in plain torch.

The equations of the up-down field with universality, as one would type them from the paper: all weights formed from
outer products at each evaluation, data points carried along with the particles, solved by torchdiffeq.

Legend: q₁, q₂ the particles' x and v; p₁, p₂ their momenta; x, v a data point; A, b weights.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torchdiffeq import odeint


def joint_flow(particles: Sequence[Tensor], x: Tensor, v: Tensor, times: Tensor, step: float) -> tuple[Tensor, Tensor]:
    """Data points (x, v) at times, each of shape (times, points, size), by Runge–Kutta steps of the joint system."""
    state = (*particles, x, v)
    solution = odeint(_velocity, state, times, method="rk4", options={"step_size": step})
    return solution[-2], solution[-1]


def _velocity(_: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    q1, q2, p1, p2, x, v = state
    num_particles = len(q1)
    s = torch.relu(q2)
    a1 = p1.T @ s / num_particles
    a2 = p2.T @ q1 / num_particles
    a3 = p2.T @ s / num_particles
    b1, b2 = p1.mean(0), p2.mean(0)
    dq1 = s @ a1.T + b1
    dq2 = q1 @ a2.T + b2 + s @ a3.T
    dp1 = -p2 @ a2
    dp2 = -(p1 @ a1 + p2 @ a3) * (q2 > 0)
    r = torch.relu(v)
    return dq1, dq2, dp1, dp2, r @ a1.T + b1, x @ a2.T + b2 + r @ a3.T

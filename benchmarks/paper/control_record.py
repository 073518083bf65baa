"""The control of a trained flow over time, and where its particles are, for figures."""

from dataclasses import dataclass

import torch
from torch import Tensor

from model.shooting.flow import Flow
from model.shooting.parametrisation import (
    DirectDynamic,
    DirectStatic,
    Parametrisation,
    ParticlesDynamic,
    ParticlesStatic,
)
from model.shooting.phase import Phase, State


@dataclass(frozen=True)
class ControlRecord:
    """The control over time, on the CPU.

    Attributes:
        times: Of the flow, n of them.
        norms: The Frobenius norm of each weight at the times, by its name.
        positions: x of the particles at the times, of shape (n, K, d); None where nothing moves.
    """

    times: list[float]
    norms: dict[str, list[float]]
    positions: Tensor | None


@torch.no_grad()
def record_controls(flow: Flow, *, duration: float, num_steps: int = 40) -> ControlRecord:
    """The control of a flow at evenly spaced times from 0 to a duration."""
    held, step = flow.parametrisation, duration / num_steps
    course = held.course()
    companions = course.companions
    times, norms, positions = [], [], []
    for number in range(num_steps + 1):
        times.append(number * step)
        norms.append([weight.norm().item() for weight in _weights(held, companions, number * step)])
        positions += [companions[0].cpu()] if companions else []
        _, companions = flow.method.advance(course, companions, time=(number + 0.5) * step, step=step)
    by_name = dict(zip(held.dynamics.weight_shapes, map(list, zip(*norms, strict=True)), strict=True))
    return ControlRecord(times, by_name, torch.stack(positions) if positions else None)


def _weights(held: Parametrisation, companions: State, time: float) -> State:
    match held:
        case DirectStatic():
            return tuple(held.weights)
        case DirectDynamic():
            piece = min(int(time // held.piece_length), len(held.weights[0]) - 1)
            return tuple(weights[piece] for weights in held.weights)
        case ParticlesDynamic():
            return held.dynamics.optimal_weights(Phase.from_components(companions))
        case ParticlesStatic():
            return held.dynamics.optimal_weights(held.particles)
    raise TypeError(f"no control is known of {type(held).__name__}")

"""One flow trained to a time T and followed to a hundred times T, on a task whose truth is known at all times."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

import torch
from torch import Tensor, nn

from benchmarks.stability.follow import Decaying, energy_drift, followed
from benchmarks.stability.remedies import Continuation, Remedy, Training
from model.errors import TrainingDiverged
from model.shooting.dynamics import ACTIVATIONS
from model.shooting.flow import Flow
from model.shooting.parametrisation import parametrise
from model.shooting.phase import State

MULTIPLES = (1, 2, 8, 100)
"""The times, in units of T, that tables name."""

GRADIENT_CLIP = 1.0


@dataclass(frozen=True)
class Sizes:
    """Of a flow.

    Attributes:
        state_size: d.
        inflation: α.
        num_particles: K.
        step: h.
        num_steps: Steps within the trained time T.
    """

    state_size: int
    inflation: int
    num_particles: int
    step: float
    num_steps: int


@dataclass(frozen=True)
class Followed:
    """What became of a flow, T after T.

    Attributes:
        errors: The root mean square error within each T, relative to the size of the truth there; infinite from the T
            on in which a number is no longer finite.
        sizes: The largest value in each T, relative to the largest of the truth at all times.
        energy_drift: |R(t)/R(0) − 1| at the end of each T; empty where there are no particles that move.
    """

    errors: tuple[float, ...]
    sizes: tuple[float, ...]
    energy_drift: tuple[float, ...]


@dataclass(frozen=True)
class Run:
    """One trained flow, followed with one remedy.

    Attributes:
        task: What it was trained on.
        parametrisation: How its control is held.
        remedy: What was tried.
        seed: Of the training.
        followed: What became of it.
        seconds: Since the training began.
    """

    task: str
    parametrisation: str
    remedy: Remedy
    seed: int
    followed: Followed
    seconds: float


class Task(Protocol):
    """A trained network with its flow, and what its points should be."""

    @property
    def flow(self) -> Flow:
        """What carries the points."""

    def parameters(self) -> Iterator[nn.Parameter]:
        """What is trained."""

    def loss(self, *, mixed_times: bool) -> Tensor:
        """The mean square error of a batch, up to T; mixed, at random times up to 2T."""

    def start(self) -> State:
        """Points at time 0 that were not trained on."""

    def read(self, states: Sequence[State], first: int) -> tuple[Tensor, Tensor]:
        """What was asked for and the truth, from states after so many steps of training's length."""


def new_flow(parametrisation: str, training: Training, sizes: Sizes, *, weighted: bool = False) -> Flow:
    """An untrained flow; weighted, its parameter weights are by fan-in, else all 1."""
    activation = ACTIVATIONS[training.activation]
    plain = Decaying(sizes.state_size, sizes.inflation, activation, rates=training.decays)
    dynamics = plain.weighted_by_fan_in() if weighted else plain
    duration = sizes.step * sizes.num_steps
    held = parametrise(
        parametrisation, dynamics, num_particles=sizes.num_particles, num_pieces=sizes.num_steps, duration=duration
    )
    return Flow(held, step=sizes.step, method=training.method)


def train(task: Task, training: Training, *, iterations: int, learning_rate: float) -> None:
    """Adam, annealed along a cosine to 0.

    Raises:
        TrainingDiverged: The loss is no longer finite; its epoch is the iteration.
    """
    parameters = list(task.parameters())
    optimiser = torch.optim.Adam(parameters, lr=learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, iterations)
    for iteration in range(1, iterations + 1):
        optimiser.zero_grad()
        loss = task.loss(mixed_times=training.mixed_times) + training.energy_weight * task.flow.energy()
        if not torch.isfinite(loss):
            raise TrainingDiverged(iteration)
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, GRADIENT_CLIP)
        optimiser.step()
        schedule.step()
        if training.energy_bound is not None:
            _bound_energy(task.flow, training.energy_bound)


@torch.no_grad()
def follow(task: Task, continuation: Continuation, sizes: Sizes, *, most: int = max(MULTIPLES)) -> Followed:
    """Follows a trained flow to `most` times T."""
    states = followed(task.flow, task.start(), continuation, trained=sizes.num_steps)
    errors, largest = [], []
    for first, some in _parts(states, sizes.num_steps, most):
        found, truth = task.read(some, first)
        squares = (found - truth).square().mean() / truth.square().mean()
        errors.append(float(squares.sqrt()))
        largest.append(float(found.abs().max() / truth.abs().max()))
    missing = [math.inf] * (most - len(errors))
    drift = energy_drift(task.flow, most * sizes.num_steps) if continuation == Continuation() else []
    return Followed((*errors, *missing), (*largest, *missing), tuple(drift[sizes.num_steps - 1 :: sizes.num_steps]))


def _parts(states: Iterator[State], length: int, most: int) -> Iterator[tuple[int, list[State]]]:
    for number in range(most):
        some = list(islice(states, length))
        if len(some) < length:
            return
        yield number * length + 1, some


@torch.no_grad()
def _bound_energy(flow: Flow, bound: float) -> None:
    """Momenta, or weights, rescaled to an energy that is exceeded: R is quadratic in either."""
    factor = (bound / flow.energy()).sqrt().clamp_max(1.0)
    held = list(flow.parametrisation.parameters())
    moving = held[len(held) // 2 :] if flow.parametrisation.course().companions else held
    for parameter in moving:
        parameter.mul_(factor)

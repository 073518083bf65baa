"""A flow followed far past the time that it was trained for, with or without a remedy.

Legend: R energy; q, p positions and momenta of the particles; h step.
"""

import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, cycle, islice, repeat

import torch
from torch import Tensor

from benchmarks.stability.remedies import Continuation
from model.errors import SolverError
from model.shooting.dynamics import UpDownUniversal
from model.shooting.flow import Flow
from model.shooting.hamiltonian import energy
from model.shooting.methods import StageControls
from model.shooting.phase import Phase, State


@dataclass(frozen=True)
class Decaying(UpDownUniversal):
    """The universal up-down field with a fixed decay of each component."""

    rates: tuple[float, float] = (0.0, 0.0)

    @property
    def decays(self) -> tuple[float, ...]:
        """Of x and v."""
        return self.rates


def followed(flow: Flow, state: State, continuation: Continuation, *, trained: int) -> Iterator[State]:
    """Points after each step of training's length, without an end until a number is no longer finite.

    Args:
        flow: Trained.
        state: Points at time 0.
        continuation: How to go on.
        trained: Steps of training's length within the trained time.
    """
    flow = copy.deepcopy(flow).double() if continuation.double else copy.deepcopy(flow)
    state = tuple(component.double() for component in state) if continuation.double else state
    flow.step /= continuation.substeps
    trained *= continuation.substeps
    factor = continuation.state_bound
    bound = [factor * one for one in _largest(flow, state, trained)] if factor else None
    for number, stages in enumerate(_controls(flow, continuation, trained), start=1):
        (state,) = flow.method.carry(state, stages, step=flow.step)
        if bound is not None:
            state = _within(state, bound)
        if not all(bool(torch.isfinite(component).all()) for component in state):
            return
        if number % continuation.substeps == 0:
            yield state


@torch.no_grad()
def energy_drift(flow: Flow, num_steps: int) -> list[float]:
    """|R(t)/R(0) − 1| after each step, while it is finite; empty where the control is learned directly."""
    course = flow.parametrisation.course()
    if not course.companions:
        return []
    start, drifts = float(flow.energy()), []
    for _, companions in islice(_advanced(flow, kept=False), num_steps):
        drifts.append(abs(float(energy(flow.parametrisation.dynamics, Phase.from_components(companions))) / start - 1))
        if not math.isfinite(drifts[-1]):
            break
    return drifts


def _controls(flow: Flow, continuation: Continuation, trained: int) -> Iterator[StageControls]:
    match continuation.control:
        case "continued":
            return flow.controls()
        case "energy kept":
            return (stages for stages, _ in _advanced(flow, kept=True))
        case "repeated":
            return cycle(list(islice(flow.controls(), trained)))
        case "held":
            stages = list(islice(flow.controls(), trained + 1))
            return chain(stages[:trained], repeat((stages[trained][0],) * flow.method.num_stages))


def _advanced(flow: Flow, *, kept: bool) -> Iterator[tuple[StageControls, State]]:
    """The controls of each step and the companions after it; kept, momenta are rescaled to the energy of the start."""
    course, dynamics = flow.parametrisation.course(), flow.parametrisation.dynamics
    companions, number = course.companions, 0
    start = flow.energy()
    while True:
        number += 1
        time = (number - 0.5) * flow.step
        try:
            stages, companions = flow.method.advance(course, companions, time=time, step=flow.step)
        except SolverError:
            return
        if kept and companions:
            q, p = Phase.from_components(companions)
            factor = (start / energy(dynamics, Phase(q, p))).sqrt()
            companions = (*q, *(factor * one for one in p))
        yield stages, companions


def _largest(flow: Flow, state: State, trained: int) -> list[Tensor]:
    """The largest norm of each component within the trained time."""
    states = [state, *islice(followed(flow, state, Continuation(), trained=trained), trained)]
    return [torch.stack([one.norm(dim=1).max() for one in component]).max() for component in zip(*states, strict=True)]


def _within(state: State, bounds: list[Tensor]) -> State:
    pairs = zip(state, bounds, strict=True)
    return tuple(one * (bound / one.norm(dim=1, keepdim=True)).clamp_max(1.0) for one, bound in pairs)

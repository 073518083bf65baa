"""One step of an explicit Runge–Kutta method, with its derivative by hand.

From y, the stages are `y_i = y + h Σ a_ij k_j` with `k_i = f(y_i)`, and the outcomes `y + h Σ w_i k_i`. Gradients z of
the outcomes and x_i of what stages show go back from the last stage to the first, with J_i the derivative of f at y_i::

    κ_i = h (Σ w_i z + Σ_{j>i} a_ji g_j)      g_i = J_iᵀ κ_i + x_i
    to y: Σ z + Σ g_i

Discretised first, then differentiated: it is the gradient of the numbers that were computed, to rounding.

Legend: h step; (a, w) the method's table, w its b or the weights of its continuous extension.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from model.shooting.by_hand import Gradients, Map, apply
from model.shooting.compiled import Compiled, Compiler
from model.shooting.dynamics.slope import Slope, filled
from model.shooting.phase import Coefficient, State, moved, weighted_sum

Part = TypeVar("Part", Tensor, Tensor | None)

Weights = tuple[Coefficient, ...]


@dataclass(frozen=True)
class Step(Map):
    """A step as a map of y and, stage by stage, of what the slope is given.

    Attributes:
        slope: f.
        a: For each stage, the weights of the stages before it.
        outcomes: For each outcome, the weights of the stages.
        length: h.
    """

    slope: Slope
    a: tuple[Weights, ...]
    outcomes: tuple[Weights, ...]
    length: float

    def made(
        self, y: State, given: Sequence[State], compiler: Compiler | None = None
    ) -> tuple[list[State], list[State]]:
        """What each stage shows, and the outcomes; in compiled code where there is a compiler."""
        mapping: Map = self
        inputs = (*y, *(one for stage in given for one in stage))
        if compiler is not None:
            mapping = Compiled(AnyOutcomes(self.slope, self.a, self.length), compiler)
            inputs = (*inputs, torch.tensor(self.outcomes, dtype=y[0].dtype, device=y[0].device))
        out = apply(mapping, inputs)
        split = len(out) - len(y) * len(self.outcomes)
        return _parts(out[:split], len(self.a)), _parts(out[split:], len(self.outcomes))

    def through(self, inputs: State) -> tuple[State, State]:
        """The outputs: what stages show, then the outcomes."""
        y, given = self._parted(inputs)
        velocities: list[State] = []
        shown: list[State] = []
        kept: list[State] = []
        for weights, mine in zip(self.a, given, strict=True):
            stage = self.slope.evaluated(moved(y, velocities, self._scaled(weights)), mine)
            velocities.append(stage.velocity)
            shown.append(stage.shown)
            kept.append(stage.kept)
        ends = [moved(y, velocities, self._scaled(weights)) for weights in self.outcomes]
        return tuple(one for state in (*shown, *ends) for one in state), tuple(one for state in kept for one in state)

    def pull_back(self, kept: State, inputs: State, gradients: Gradients) -> Gradients:
        """Stage after stage, from the last to the first."""
        num_stages = len(self.a)
        y, given = self._parted(inputs)
        split = len(gradients) - len(y) * len(self.outcomes)
        of_shown = _parts(gradients[:split], num_stages)
        ends = list(zip(_parts(gradients[split:], len(self.outcomes)), self.outcomes, strict=True))
        # The gradients that are there, each with the weights by which it reaches velocities.
        found = [(filled(end, y), weights) for end, weights in ends if any(one is not None for one in end)]
        of_given: list[Gradients] = []
        for number in reversed(range(num_stages)):
            of_velocity = weighted_sum([(state, self.length * weights[number]) for state, weights in found])
            if of_velocity is None and all(one is None for one in of_shown[number]):
                of_given.append((None,) * len(given[number]))
                continue
            stage = _parts(kept, num_stages)[number]
            of_y, of_mine = self.slope.pull_back(stage, given[number], of_velocity, of_shown[number])
            found.append((of_y, (*self.a[number], *[0.0] * (num_stages - number))))
            of_given.append(of_mine)
        total = weighted_sum([(state, 1.0) for state, _ in found])
        start = total or (None,) * len(y)
        return (*start, *(one for state in reversed(of_given) for one in state))

    def _parted(self, inputs: State) -> tuple[State, list[State]]:
        num_components = self.slope.num_components
        return inputs[:num_components], _parts(inputs[num_components:], len(self.a))

    def _scaled(self, weights: Weights) -> list[Coefficient]:
        return [self.length * weight for weight in weights[: len(self.a)]]


@dataclass(frozen=True)
class AnyOutcomes(Map):
    """The same with the weights of its outcomes as one more input, so that all fractions of a step share their code.

    Attributes:
        slope: f.
        a: For each stage, the weights of the stages before it.
        length: h.
    """

    slope: Slope
    a: tuple[Weights, ...]
    length: float

    def through(self, inputs: State) -> tuple[State, State]:
        """As the step does it."""
        return self._step(inputs[-1]).through(inputs[:-1])

    def pull_back(self, kept: State, inputs: State, gradients: Gradients) -> Gradients:
        """As the step does it; no one asks for the gradient of the weights."""
        return (*self._step(inputs[-1]).pull_back(kept, inputs[:-1], gradients), None)

    def _step(self, outcomes: Tensor) -> Step:
        return Step(self.slope, self.a, tuple(row.unbind() for row in outcomes.unbind()), self.length)


def _parts(sequence: Sequence[Part], num_parts: int) -> list[tuple[Part, ...]]:
    """So many parts of equal length, which may be none."""
    size = len(sequence) // num_parts
    return [tuple(sequence[number * size : (number + 1) * size]) for number in range(num_parts)]

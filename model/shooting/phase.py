"""Points of phase space: positions and momenta.

Legend: x state of a data point, v its second state; q = (x, v) position, p momentum.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from torch import Tensor

State = tuple[Tensor, ...]
"""The components of positions, (x, v) for fields of second order; each of shape (points, size)."""

Coefficient = float | Tensor
"""A number, or a scalar on which compiled code must not depend."""


class Phase(NamedTuple):
    """Positions and momenta of K particles; both have the same components."""

    q: State
    p: State

    @classmethod
    def from_components(cls, components: Sequence[Tensor]) -> "Phase":
        """The phase whose components, positions first, are given in one sequence."""
        half = len(components) // 2
        return cls(tuple(components[:half]), tuple(components[half:]))

    def components(self) -> State:
        """All components in one tuple, positions first."""
        return self.q + self.p


def moved(state: State, velocities: Sequence[State], coefficients: Sequence[Coefficient]) -> State:
    """`state + Σᵢ coefficients[i] · velocities[i]`, component by component; zero coefficients cost nothing."""
    terms = [(velocity, c) for velocity, c in zip(velocities, coefficients, strict=True) if _counts(c)]
    return tuple(_moved(one, [(velocity[n], c) for velocity, c in terms]) for n, one in enumerate(state))


def weighted_sum(weighted: Sequence[tuple[State, Coefficient]]) -> State | None:
    """`Σᵢ cᵢ · stateᵢ`, component by component; None where all c are zero, and possibly one of the states."""
    terms = [(state, c) for state, c in weighted if _counts(c)]
    if not terms:
        return None
    (first, coefficient), *rest = terms
    if isinstance(coefficient, Tensor) or coefficient != 1.0:
        first = tuple(component * coefficient for component in first)
    return moved(first, [state for state, _ in rest], [c for _, c in rest])


def _counts(coefficient: Coefficient) -> bool:
    return isinstance(coefficient, Tensor) or coefficient != 0.0


def _moved(component: Tensor, terms: list[tuple[Tensor, Coefficient]]) -> Tensor:
    if not terms:
        return component
    (velocity, coefficient), *rest = terms
    total = _added(component.add, velocity, coefficient)
    for velocity, coefficient in rest:
        # In place, which leaves the gradient as it is: no one keeps a sum that is not finished.
        _added(total.add_, velocity, coefficient)
    return total


def _added(add: Callable[..., Tensor], velocity: Tensor, coefficient: Coefficient) -> Tensor:
    if isinstance(coefficient, Tensor):
        return add(velocity * coefficient)
    return add(velocity, alpha=coefficient)

"""Points of phase space: positions and momenta.

Legend: x state of a data point, v its second state; q = (x, v) position, p momentum.
"""

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor

State = tuple[Tensor, ...]
"""The components of positions, (x, v) for fields of second order; each of shape (points, size)."""


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


def moved(state: State, velocities: Sequence[State], coefficients: Sequence[float]) -> State:
    """`state + Σᵢ coefficients[i] · velocities[i]`, component by component; zero coefficients cost nothing."""
    terms = [(velocity, c) for velocity, c in zip(velocities, coefficients, strict=True) if c != 0.0]
    return tuple(_moved(one, [(velocity[n], c) for velocity, c in terms]) for n, one in enumerate(state))


def weighted_sum(weighted: Sequence[tuple[State, float]]) -> State | None:
    """`Σᵢ cᵢ · stateᵢ`, component by component; None where all c are zero, and possibly one of the states."""
    terms = [(state, c) for state, c in weighted if c != 0.0]
    if not terms:
        return None
    (first, coefficient), *rest = terms
    if coefficient != 1.0:
        first = tuple(component * coefficient for component in first)
    return moved(first, [state for state, _ in rest], [c for _, c in rest])


def _moved(component: Tensor, terms: list[tuple[Tensor, float]]) -> Tensor:
    if not terms:
        return component
    (velocity, coefficient), *rest = terms
    total = component.add(velocity, alpha=coefficient)
    for velocity, coefficient in rest:
        # In place, which leaves the gradient as it is: no one keeps a sum that is not finished.
        total.add_(velocity, alpha=coefficient)
    return total

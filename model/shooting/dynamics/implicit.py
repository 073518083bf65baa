"""The general case: fields that are not linear in their weights, whose control has no closed form.

The control solves `∂H/∂θ = 0` by Newton's method on `H(p, q, θ) = ⟨pᵀ f(q, θ)⟩ − R(θ)`, and the motion follows by
automatic differentiation::

    Δθ = (−∂²H/∂θ²)⁻¹ ∂H/∂θ            curvatures that are not negative are turned, short steps are tried where H falls
    ṗ  = −(∂f/∂q)ᵀ p                   a product of a vector and a Jacobian

By the implicit function theorem the derivative of the solution θ* in the particles is `(−∂²H/∂θ²)⁻¹ ∂(∂H/∂θ)`. That is
the derivative of one more Newton step from a θ* that is held fixed, so the step is taken under automatic
differentiation and the iterations before it are not. First derivatives are exact, second ones are not.

The Hessian has the square of the number of weights as its entries: this is for fields of up to some thousand weights.

Legend: q, p positions and momenta of the K particles; θ weights; R cost; ⟨·⟩ mean over the particles.
"""

import math
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from model.errors import ControlNotFound, ShootingArgumentInvalid
from model.shooting.dynamics.dynamics import Control, Dynamics
from model.shooting.finite import check_count, check_finite, check_positive, is_positive
from model.shooting.phase import Phase, State

_MAX_HALVINGS = 30


@dataclass(frozen=True)
class ImplicitDynamics(Dynamics):
    """A field of any form, given by its sizes and its velocity.

    The search for a control begins at weights of zero, the cheapest; of several maxima it finds one that is reached
    from there. It finds one wherever the velocity grows less than quadratically with the weights.

    Attributes:
        parameter_weights: The m_w of the cost by the weight's name; 1 where none is given.
        max_iterations: Newton steps after which the search gives up.
        tolerance: Length of a Newton step, relative to one and the weights, after which one more step ends the search;
            by default the square root of the resolution of the numbers, since each step squares the error.

    Raises:
        ShootingArgumentInvalid: A parameter weight that is not positive and finite or names no weight, no iteration, a
            tolerance that is not positive.
    """

    parameter_weights: Mapping[str, float] = field(default_factory=dict, kw_only=True)
    max_iterations: int = field(default=50, kw_only=True)
    tolerance: float | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        for name, weight in self.parameter_weights.items():
            if name not in self.weight_shapes or not is_positive(weight):
                needed = f"positive numbers for any of {', '.join(self.weight_shapes)}"
                raise ShootingArgumentInvalid("parameter_weights", {name: weight}, needed)
        check_count("max_iterations", self.max_iterations)
        if self.tolerance is not None:
            check_positive("tolerance", self.tolerance)

    @abstractmethod
    def velocity(self, q: State, weights: State) -> State:
        """f(q, θ): how points at positions q move, each by itself; each component (points, size).

        It must be twice differentiable in the weights by `torch.func`: no in-place change of q or of the weights, and
        no branch on their values.
        """

    def optimal_weights(self, particles: Phase) -> State:
        """The weights at which H is stationary and a maximum.

        Raises:
            ControlNotFound: The search did not settle, or settled where H is no maximum.
        """
        if torch.is_inference_mode_enabled():
            with torch.inference_mode(mode=False), torch.no_grad():
                return self.optimal_weights(Phase.from_components(_plain(particles.components())))
        fixed = Phase.from_components([one.detach() for one in particles.components()])
        with torch.no_grad():
            found, curvature = self._search(fixed)
        gradient = torch.func.grad(self._hamiltonian_of(particles))(found)
        return self._split(found + curvature.solve(gradient))

    def with_weights(self, weights: Sequence[Tensor]) -> Control:
        """The control that applies these weights.

        Raises:
            ShootingArgumentInvalid: Another number of weights, one of another shape, one on the CPU that is not finite.
        """
        found = [tuple(weight.shape) for weight in weights]
        if found != (shapes := list(self.weight_shapes.values())):
            raise ShootingArgumentInvalid("weights", found, f"of shapes {shapes}")
        check_finite("weights", weights)
        return _ImplicitControl(self, tuple(weights))

    def optimal_control(self, particles: Phase) -> Control:
        """The control with the optimal weights."""
        return _ImplicitControl(self, self.optimal_weights(particles))

    def cost(self, weights: Sequence[Tensor]) -> Tensor:
        """½ Σ_w m_w ‖w‖²."""
        named = zip(self.weight_shapes, weights, strict=True)
        return 0.5 * torch.stack([self.parameter_weights.get(name, 1.0) * w.square().sum() for name, w in named]).sum()

    def _split(self, flat: Tensor) -> State:
        shapes = list(self.weight_shapes.values())
        parts = flat.split([math.prod(shape) for shape in shapes])
        return tuple(part.reshape(shape) for part, shape in zip(parts, shapes, strict=True))

    def _hamiltonian_of(self, particles: Phase) -> Callable[[Tensor], Tensor]:
        """H as a function of all weights in one vector."""

        def value(flat: Tensor) -> Tensor:
            weights = self._split(flat)
            velocity = self.velocity(particles.q, weights)
            pairing = torch.stack([(p * dq).sum() for p, dq in zip(particles.p, velocity, strict=True)]).sum()
            return pairing / len(particles.q[0]) - self.cost(weights)

        return value

    def _search(self, particles: Phase) -> tuple[Tensor, "_Curvature"]:
        """The weights of the control, but for one more Newton step, and the curvature of H there."""
        value = self._hamiltonian_of(particles)
        slope = torch.func.grad(value)
        derivatives = torch.func.jacrev(lambda flat: (slope(flat),) * 2, has_aux=True)
        num_weights = sum(math.prod(shape) for shape in self.weight_shapes.values())
        flat = particles.q[0].new_zeros(num_weights)
        tolerance = self.tolerance or torch.finfo(flat.dtype).eps ** 0.5
        for iteration in range(self.max_iterations + 1):
            hessian, gradient = derivatives(flat)
            if not (bool(torch.isfinite(gradient).all()) and bool(torch.isfinite(hessian).all())):
                raise ControlNotFound(iteration, "the Hamiltonian is not finite")
            curvature = _Curvature.of(hessian)
            step = curvature.solve(gradient)
            if float(step.norm()) <= tolerance * (1 + float(flat.norm())):
                if not curvature.is_maximum:
                    raise ControlNotFound(iteration, "the Hamiltonian is stationary there, but no maximum")
                return flat, curvature
            flat = _climbed(value, flat, step, iteration)
        raise ControlNotFound(self.max_iterations, f"the last step was {float(step.norm()):.1e} long")


def _plain(components: Sequence[Tensor]) -> State:
    """Copies to take derivatives of: in inference mode torch before 2.13 says that they are zero, without a word."""
    return tuple(component.clone() for component in components)


class _Curvature(NamedTuple):
    """Eigenvalues and eigenvectors of −∂²H/∂θ²."""

    values: Tensor
    vectors: Tensor

    @classmethod
    def of(cls, hessian: Tensor) -> "_Curvature":
        return cls(*torch.linalg.eigh(-0.5 * (hessian + hessian.T)))

    @property
    def _floor(self) -> Tensor:
        return self.values.abs().max() * torch.finfo(self.values.dtype).eps * len(self.values)

    @property
    def is_maximum(self) -> bool:
        return bool(self.values[0] > self._floor)

    def solve(self, gradient: Tensor) -> Tensor:
        """The Newton step; along a curvature of the wrong sign it goes up, too."""
        return self.vectors @ ((self.vectors.T @ gradient) / self.values.abs().clamp_min(self._floor))


def _climbed(value: Callable[[Tensor], Tensor], flat: Tensor, step: Tensor, iteration: int) -> Tensor:
    """The end of the longest of step, step/2, step/4 … at which H is not lower, but for rounding."""
    start = float(value(flat))
    rounding = 16 * torch.finfo(flat.dtype).eps * (1 + abs(start))
    for _ in range(_MAX_HALVINGS):
        if float(value(flat + step)) >= start - rounding:
            return flat + step
        step = step / 2
    raise ControlNotFound(iteration, "the Hamiltonian rises along no step, however short")


@dataclass(frozen=True, eq=False)
class _ImplicitControl(Control):
    """Weights of a field, whose derivative is automatic."""

    dynamics: ImplicitDynamics
    weights: State

    def velocity(self, q: State) -> State:
        return self.dynamics.velocity(q, self.weights)

    def momentum_velocity(self, q: State, p: State) -> State:
        if torch.is_inference_mode_enabled():
            with torch.inference_mode(mode=False), torch.no_grad():
                return _ImplicitControl(self.dynamics, _plain(self.weights)).momentum_velocity(_plain(q), _plain(p))
        pulled_back = torch.func.vjp(lambda *q: self.dynamics.velocity(q, self.weights), *q)[1]
        return tuple(-gradient for gradient in pulled_back(p))

    def kept(self, dtype: torch.dtype) -> Control:
        return _ImplicitControl(self.dynamics, tuple(weight.to(dtype) for weight in self.weights))

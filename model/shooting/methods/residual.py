"""Residual networks: the discrete-time form, whose adjoint and control are those of the discrete problem.

A step is a layer, `x' = x + h f(x, θ)`. Where the cost of all layers together is least, each layer's weights and
momenta satisfy the conditions of Pontryagin for discrete time (section 2 of the paper)::

    p  = p' + h (∂f/∂x)ᵀ p'               the adjoint, ∂f/∂x at (x, θ)
    0  = ∂H/∂θ at (x, p', θ)              the control, at the position before the layer and the momentum after it

Shooting forward knows p and needs p', on which θ depends as well. Since the momenta move by `ṗ(x, p') = −(∂f/∂x)ᵀ p'`
under the control of (x, p'), p' is a fixed point of `p' ↦ p + h ṗ(x, p')`, found by iteration where h is small enough.
That makes a step of symplectic Euler.

Its derivative is that of the fixed point, by the implicit function theorem: with J the derivative of `ṗ(x, ·)` at p', a
gradient g that reaches p' goes on as the u with `u = g + h Jᵀ u`, which is found by iteration, too. So no sweep has to
be kept, and the result does not depend on how many there were.

Legend: h step; q, p positions and momenta of the particles before the layer; p' after it; θ weights.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, final

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from model.errors import ImplicitStepUnsolved
from model.shooting.course import Course
from model.shooting.finite import check_count, check_positive
from model.shooting.methods.method import Method, StageControls
from model.shooting.methods.runge_kutta import EULER
from model.shooting.phase import Phase, State, moved

Sweep = Callable[[State], State]
"""One step of a fixed-point iteration."""

Solve = Callable[[Sweep, State], State]
"""Repeats a sweep from a start until it changes nothing more."""


@final
@dataclass(frozen=True)
class Residual(Method):
    """The layers of a residual network.

    Attributes:
        order: Of the global error, as Euler's.
        tolerance: Change of the momenta in a sweep, relative to the largest, at which the iteration ends; by default
            32 times the resolution of the numbers.
        max_sweeps: Sweeps after which it gives up.

    Raises:
        ShootingArgumentInvalid: A tolerance that is not positive and finite, no sweep.
    """

    order: int = field(default=1, init=False)
    tolerance: float | None = None
    max_sweeps: int = 50

    def __post_init__(self) -> None:
        if self.tolerance is not None:
            check_positive("tolerance", self.tolerance)
        check_count("max_sweeps", self.max_sweeps)

    @property
    def num_stages(self) -> int:
        """One layer."""
        return 1

    def advance(self, course: Course, companions: State, *, time: float, step: float) -> tuple[StageControls, State]:
        """Solves for the momenta after the layer; a course without companions has its control at once.

        Raises:
            ImplicitStepUnsolved: The iteration does not contract.
        """
        if not companions:
            return (course.control(time, ()),), ()
        q, p = Phase.from_components(companions)

        def momentum_velocity(q: State, after: State) -> State:
            motion = course.motion(course.control(time, (*q, *after)), (*q, *after))
            return Phase.from_components(motion).p

        def settled(sweep: Sweep, start: State) -> State:
            return self._fixed_point(sweep, start, step=step)

        with torch.no_grad():
            after = settled(lambda after: moved(p, [momentum_velocity(q, after)], [step]), p)
        last = moved(p, [momentum_velocity(q, after)], [step])
        if torch.is_grad_enabled():
            last = _with_implicit_gradient(momentum_velocity, settled, step, *q, *after, *last)
        control = course.control(time, (*q, *last))
        return (control,), (*moved(q, [control.velocity(q)], [step]), *last)

    def carry(
        self, state: State, controls: StageControls, *, step: float, fractions: Sequence[float] = (1.0,)
    ) -> list[State]:
        """Adds the layer, or a fraction of it."""
        return EULER.carry(state, controls, step=step, fractions=fractions)

    def _fixed_point(self, sweep: Sweep, start: State, *, step: float) -> State:
        tolerance = self.tolerance or 32 * torch.finfo(start[0].dtype).eps
        change, number = 0.0, 0
        while math.isfinite(change) and number < self.max_sweeps:
            before, start = start, sweep(start)
            change = _relative_change(before, start)
            if change <= tolerance:
                return start
            number += 1
        raise ImplicitStepUnsolved(step, number, change)


class _ImplicitGradient(torch.autograd.Function):
    """The identity on p', with the gradient of a fixed point."""

    @staticmethod
    def forward(
        ctx: Any, momentum_velocity: Callable[[State, State], State], settled: Solve, step: float, *tensors: Tensor
    ) -> State:
        """Takes q, the momenta at which the last sweep started, and those at which it ended."""
        ctx.momentum_velocity, ctx.settled, ctx.step = momentum_velocity, settled, step
        third = len(tensors) // 3
        ctx.save_for_backward(*tensors[: 2 * third])
        return tuple(tensor.view_as(tensor) for tensor in tensors[2 * third :])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Any, ...]:
        """The u with u = g + h Jᵀ u."""
        q, after = Phase.from_components(ctx.saved_tensors)
        with torch.enable_grad():
            leaves = [component.detach().requires_grad_() for component in after]
            velocity = ctx.momentum_velocity(q, tuple(leaves))

        def sweep(u: State) -> State:
            pulled = torch.autograd.grad(velocity, leaves, u, retain_graph=True, materialize_grads=True)
            return moved(gradients, [pulled], [ctx.step])

        return (None, None, None, *[None] * (2 * len(q)), *ctx.settled(sweep, gradients))


_with_implicit_gradient: Callable[..., State] = _ImplicitGradient.apply


def _relative_change(before: State, after: State) -> float:
    change = torch.stack([(b - a).abs().max() for a, b in zip(before, after, strict=True)]).max()
    size = torch.stack([a.abs().max() for a in after]).max()
    return float(change / size.clamp_min(torch.finfo(size.dtype).tiny))

"""Longer steps where nothing is lost by them: a flow is often smoother than the step that it was trained with.

Legend: h step.
"""

from collections.abc import Sequence
from copy import deepcopy

import torch
from torch import Tensor

from model.shooting.finite import check_positive
from model.shooting.flow import Flow
from model.shooting.phase import State


def coarsened(flow: Flow, state: State, times: Sequence[float] | Tensor, *, tolerance: float = 1e-6) -> Flow:
    """The same flow with the longest of the steps h, 2h, 4h … that takes these points where h takes them.

    The parametrisation is shared, not copied. Steps are compared in float64, and doubled for as long as no component of
    a point moves by more than the tolerance. Half as many steps are half as many controls to keep and to read.

    Args:
        flow: A flow that is trained no further.
        state: Points like those it will carry, at time 0; each component of shape (points, size).
        times: Those that will be asked.
        tolerance: Relative to the largest number of each component.

    Raises:
        ShootingArgumentInvalid: A tolerance that is not positive and finite; times or a state that a flow refuses.
        ImplicitStepUnsolved: A step of the residual network is too long before it is too coarse.
    """
    check_positive("tolerance", tolerance)
    measured = deepcopy(flow).double()
    exact = tuple(component.double() for component in state)
    with torch.no_grad():
        expected = measured(exact, times)
        furthest = max(abs(float(time)) for time in times)
        while 2 * measured.step <= furthest:
            longer = _with_step(measured, 2 * measured.step)
            if not _is_near(longer(exact, times), expected, tolerance):
                break
            measured = longer
    return _with_step(flow, measured.step)


def _with_step(flow: Flow, step: float) -> Flow:
    return Flow(flow.parametrisation, step=step, method=flow.method, checkpoint_steps=flow.checkpoint_steps)


def _is_near(found: State, expected: State, tolerance: float) -> bool:
    pairs = zip(found, expected, strict=True)
    return all(bool((one - other).abs().max() <= tolerance * other.abs().max()) for one, other in pairs)

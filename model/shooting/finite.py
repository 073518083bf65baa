"""NaN, infinity and counts that are not whole are refused where a caller hands them in, by the name of the argument.

Only there: within a flow and in what a training step does with what it has learned, nothing is looked at. A training
that diverges says so itself, by its loss.
"""

import math
from collections.abc import Iterable
from numbers import Integral

import torch
from torch import Tensor

from model.errors import ShootingArgumentInvalid


def check_finite(argument: str, tensors: Iterable[Tensor]) -> None:
    """Refuses tensors on the CPU that are not finite throughout.

    On an accelerator, looking at the values would make the host wait for all that is under way there.

    Raises:
        ShootingArgumentInvalid: NaN or infinity.
    """
    looked_at = [tensor for tensor in tensors if tensor.device.type == "cpu"]
    if not all(bool(torch.isfinite(tensor).all()) for tensor in looked_at):
        raise ShootingArgumentInvalid(argument, "NaN or infinite", "finite")


def check_count(argument: str, count: object, *, least: int = 1) -> None:
    """Refuses what does not count anything.

    Raises:
        ShootingArgumentInvalid: No whole number, or one that is too small.
    """
    if not isinstance(count, Integral) or int(count) < least:
        raise ShootingArgumentInvalid(argument, count, f"a whole number from {least} on")


def check_step(step: float) -> None:
    """Refuses a signed step that leads nowhere.

    Raises:
        ShootingArgumentInvalid: Zero, NaN or infinity.
    """
    if not 0 < abs(step) < math.inf:
        raise ShootingArgumentInvalid("step", step, "finite and not 0; negative goes back in time")

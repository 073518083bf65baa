"""What is NaN, infinite or of another kind is refused where a caller hands it in, by the name of the argument.

Only there: within a flow and in what a training step does with what it has learned, nothing is looked at. A training
that diverges says so itself, by its loss.
"""

import math
from collections.abc import Collection, Iterable
from numbers import Integral, Real

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


def check_positive(argument: str, number: object, *, needed: str = "a positive number") -> None:
    """Refuses what is no size, length or tolerance.

    Raises:
        ShootingArgumentInvalid: No number, NaN, infinity, zero or less.
    """
    if not is_positive(number):
        raise ShootingArgumentInvalid(argument, number, needed)


def is_positive(number: object) -> bool:
    """Whether it is a number above zero, and finite."""
    return isinstance(number, Real) and 0 < float(number) < math.inf


def check_kind(argument: str, given: object, kind: type, *, needed: str) -> None:
    """Refuses what is of another kind, which would fail later and elsewhere.

    Raises:
        ShootingArgumentInvalid: It is.
    """
    if not isinstance(given, kind):
        raise ShootingArgumentInvalid(argument, given, needed)


def check_name(argument: str, name: object, known: Collection[str]) -> None:
    """Refuses a name that is not known.

    Raises:
        ShootingArgumentInvalid: It is not.
    """
    if not isinstance(name, str) or name not in known:
        raise ShootingArgumentInvalid(argument, name, f"one of {', '.join(known)}")


def check_step(step: object) -> None:
    """Refuses a signed step that leads nowhere.

    Raises:
        ShootingArgumentInvalid: No number, zero, NaN or infinity.
    """
    if not isinstance(step, Real) or not is_positive(abs(step)):
        raise ShootingArgumentInvalid("step", step, "finite and not 0; negative goes back in time")

"""One vector field a file: the terms of its velocity, from which its control and its motion follow."""

from model.shooting.dynamics.activation import ACTIVATIONS, Activation, sine
from model.shooting.dynamics.dynamics import Control, Dynamics
from model.shooting.dynamics.implicit import ImplicitDynamics
from model.shooting.dynamics.linear import LinearDynamics
from model.shooting.dynamics.second_order import SecondOrder
from model.shooting.dynamics.simple import Simple
from model.shooting.dynamics.slope import Slope
from model.shooting.dynamics.updown import UpDown
from model.shooting.dynamics.updown_damped import UpDownDamped
from model.shooting.dynamics.updown_general import UpDownGeneral
from model.shooting.dynamics.updown_periodic import UpDownPeriodic
from model.shooting.dynamics.updown_symmetrized import UpDownSymmetrized
from model.shooting.dynamics.updown_universal import UpDownUniversal

DYNAMICS: dict[str, type[LinearDynamics]] = {
    "simple": Simple,
    "second_order": SecondOrder,
    "updown": UpDown,
    "updown_universal": UpDownUniversal,
    "updown_damped": UpDownDamped,
    "updown_symmetrized": UpDownSymmetrized,
    "updown_general": UpDownGeneral,
    "updown_periodic": UpDownPeriodic,
}
"""Every vector field by name; the shared tests check each row."""

__all__ = [
    "ACTIVATIONS",
    "DYNAMICS",
    "Activation",
    "Control",
    "Dynamics",
    "ImplicitDynamics",
    "LinearDynamics",
    "SecondOrder",
    "Simple",
    "Slope",
    "UpDown",
    "UpDownDamped",
    "UpDownGeneral",
    "UpDownPeriodic",
    "UpDownSymmetrized",
    "UpDownUniversal",
    "sine",
]

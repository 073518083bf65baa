"""One vector field a file: the terms of its velocity, from which its control and its motion follow."""

from model.shooting.dynamics.activation import ACTIVATIONS, Activation, sine
from model.shooting.dynamics.dynamics import Control, Dynamics
from model.shooting.dynamics.linear import LinearDynamics
from model.shooting.dynamics.updown_universal import UpDownUniversal

DYNAMICS: dict[str, type[LinearDynamics]] = {"updown_universal": UpDownUniversal}
"""Every vector field by name; the shared tests check each row."""

__all__ = ["ACTIVATIONS", "DYNAMICS", "Activation", "Control", "Dynamics", "LinearDynamics", "UpDownUniversal", "sine"]

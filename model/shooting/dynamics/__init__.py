"""One vector field a file: its weights, velocity, optimal control and motion."""

from model.shooting.dynamics.activation import ACTIVATIONS, Activation
from model.shooting.dynamics.dynamics import Control, Dynamics
from model.shooting.dynamics.updown_universal import ParameterWeights, UpDownUniversal

DYNAMICS: dict[str, type[Dynamics]] = {"updown_universal": UpDownUniversal}
"""Every vector field by name; the shared tests check each row."""

__all__ = ["ACTIVATIONS", "DYNAMICS", "Activation", "Control", "Dynamics", "ParameterWeights", "UpDownUniversal"]

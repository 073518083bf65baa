"""What may keep a flow bounded: choices of its training, and choices of how it is continued.

A remedy changes one thing, or a few together; everything else is as in the first row.
"""

from dataclasses import dataclass, field
from typing import Literal

ControlPast = Literal["continued", "held", "repeated", "energy kept"]
"""The control past the trained time T: as the particles move on; θ(T) for ever; θ(t mod T); as the particles move on,
their momenta rescaled after each step so that the energy stays what it was."""


@dataclass(frozen=True)
class Training:
    """Choices that need a training of their own.

    Attributes:
        energy_weight: Of the penalty R(θ) beside the mean square error.
        energy_bound: Of R(θ): whenever a step of Adam exceeds it, momenta or weights are rescaled to it.
        activation: σ.
        decays: The fixed decays of x and v.
        method: Of the integration, one of `METHODS`.
        mixed_times: Times are drawn anew in each iteration, up to twice the trained time, in place of a grid up to it.
    """

    energy_weight: float = 0.0
    energy_bound: float | None = None
    activation: str = "relu"
    decays: tuple[float, float] = (0.0, 0.0)
    method: str = "rk4"
    mixed_times: bool = False


@dataclass(frozen=True)
class Continuation:
    """Choices of how a trained flow is followed.

    Attributes:
        control: Past the trained time.
        substeps: Steps for each one of training.
        double: In float64 in place of float32.
        state_bound: Largest norm of a component of a point, in units of the largest within the trained time; a point
            that is further out is put back to it after each step.
    """

    control: ControlPast = "continued"
    substeps: int = 1
    double: bool = False
    state_bound: float | None = None


@dataclass(frozen=True)
class Remedy:
    """A name and the two kinds of choices."""

    name: str
    training: Training = field(default_factory=Training)
    continuation: Continuation = field(default_factory=Continuation)


_TANH_DAMPED = Training(activation="tanh", decays=(0.3, 0.3))

REMEDIES = (
    Remedy("none"),
    Remedy("energy 1e-3", Training(energy_weight=1e-3)),
    Remedy("energy 1e-2", Training(energy_weight=1e-2)),
    Remedy("energy at most 1", Training(energy_bound=1.0)),
    Remedy("tanh", Training(activation="tanh")),
    Remedy("sine", Training(activation="sine")),
    Remedy("v damped", Training(decays=(0.0, 0.3))),
    Remedy("x and v damped", Training(decays=(0.3, 0.3))),
    Remedy("mixed times", Training(mixed_times=True)),
    Remedy("euler", Training(method="euler")),
    Remedy("residual", Training(method="residual")),
    Remedy("steps of a quarter", continuation=Continuation(substeps=4)),
    Remedy("float64", continuation=Continuation(double=True)),
    Remedy("energy kept", continuation=Continuation("energy kept")),
    Remedy("control held", continuation=Continuation("held")),
    Remedy("control repeated", continuation=Continuation("repeated")),
    Remedy("state bounded", continuation=Continuation(state_bound=1.5)),
    Remedy("repeated, state bounded", continuation=Continuation("repeated", state_bound=1.5)),
    Remedy("tanh, held", Training(activation="tanh"), Continuation("held")),
    Remedy("tanh, repeated", Training(activation="tanh"), Continuation("repeated")),
    Remedy("tanh, damped", _TANH_DAMPED),
    Remedy("tanh, damped, held", _TANH_DAMPED, Continuation("held")),
    Remedy("tanh, damped, repeated", _TANH_DAMPED, Continuation("repeated")),
)
"""Every remedy that is compared, the untreated flow first."""

FOR_ALL_PARAMETRISATIONS = frozenset(
    {"none", "state bounded", "tanh", "tanh, damped", "tanh, damped, repeated", "control repeated"}
)
"""The remedies that are tried on all four parametrisations; the others on `particles_dynamic` alone."""

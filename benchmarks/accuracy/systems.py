"""Systems whose channels move each other: each trained as one, and channel by channel, on the same steps.

The coordinates of Lorenz's and Rössler's systems, about 25 steps a turn, and a random oscillation with two echoes of
it, 12 and 24 steps later. Nothing is read; the systems are integrated here. Forecasts are made every ten steps of what
follows the training, none of which was chosen by, and errors are in units of each channel's variance.

Lorenz, "Deterministic nonperiodic flow", 1963; Rössler, "An equation for continuous chaos", 1976.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.accuracy.suite import Suite, Values, series, trained
from benchmarks.measurement import Measurement
from model import Forecaster, Panel, Steps, TrainingOptions

KNOWN, AHEAD, EVERY, HORIZON, FREQ = 4000, 1000, 10, 48, "D"
OPTIONS = TrainingOptions(horizon=HORIZON, context_length=96, patch_length=12)
"""What is left open by the options of the command line."""

_SUBSTEPS = 20


@dataclass(frozen=True)
class _Motion:
    """A differential equation, how long a step is, and where it starts."""

    velocity: Callable[[Values], Values]
    step: float
    start: tuple[float, ...]


def lorenz(state: Values) -> Values:
    """Convection between two plates."""
    x, y, z = state
    return np.array([10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z])


def roessler(state: Values) -> Values:
    """A spiral that is folded back."""
    x, y, z = state
    return np.array([-y - z, x + 0.2 * y, 0.2 + z * (x - 5.7)])


def run(files: Sequence[Path], options: TrainingOptions) -> list[Measurement]:
    """The mean square errors of each system, forecast as one and apart."""
    del files
    own = {name: getattr(options, name) or getattr(OPTIONS, name) for name in OPTIONS.chosen if name != "seed"}
    options = replace(options, **own)
    found: list[Measurement] = []
    for name, values in _systems(options.seed).items():
        found += _compared(name, values, options)
    return found


def _compared(name: str, values: Values, options: TrainingOptions) -> list[Measurement]:
    whole = Panel(tuple(series(f"channel-{number}", column, FREQ) for number, column in enumerate(values.T)))
    known = _until(whole, KNOWN)
    together, apart = (trained(known, replace(options, joint=is_joint)) for is_joint in (True, False))
    errors = [_errors(one.forecaster, whole) for one in (together, apart)]
    settings = {**together.settings, "seed": options.seed, "horizon": HORIZON}
    parts: dict[str, slice | int] = {
        "mse": slice(None),
        **{f"{channel}.mse": channel for channel in range(values.shape[1])},
    }
    return [
        Measurement(
            f"systems.{name}.{part}",
            float(errors[0][..., columns].mean()),
            "MSE",
            {"apart": float(errors[1][..., columns].mean())},
            settings,
        )
        for part, columns in parts.items()
    ]


def _errors(forecaster: Forecaster, whole: Panel) -> Values:
    """Square errors in units of the variances; shape (cutoffs, leads, channels)."""
    unit = np.array([one.values.var() for one in whole])
    errors = []
    for cutoff in range(KNOWN, KNOWN + AHEAD - HORIZON, EVERY):
        items = forecaster.forecast(_until(whole, cutoff), Steps(HORIZON), (0.5,)).items
        truth = np.stack([one.values[cutoff : cutoff + HORIZON] for one in whole], axis=-1)
        errors.append((np.stack([one.mean for one in items], axis=-1) - truth) ** 2 / unit)
    return np.array(errors)


def _until(panel: Panel, length: int) -> Panel:
    return Panel(tuple(one.until(one.timestamps[length - 1]) for one in panel))


def _systems(seed: int) -> dict[str, Values]:
    return {
        "lorenz": _integrated(_Motion(lorenz, 0.03, (1.0, 1.0, 20.0))),
        "roessler": _integrated(_Motion(roessler, 0.24, (1.0, 1.0, 0.0))),
        "echoes": _echoes(seed),
    }


def _integrated(motion: _Motion) -> Values:
    """A trajectory on the attractor, by the classical method of Runge and Kutta."""
    state, states = np.array(motion.start), []
    step = motion.step / _SUBSTEPS
    for _ in range(KNOWN + AHEAD + 200):
        for _ in range(_SUBSTEPS):
            first = motion.velocity(state)
            second = motion.velocity(state + step / 2 * first)
            third = motion.velocity(state + step / 2 * second)
            fourth = motion.velocity(state + step * third)
            state = state + step / 6 * (first + 2 * second + 2 * third + fourth)
        states.append(state)
    return np.array(states[200:])


def _echoes(seed: int) -> Values:
    """A random oscillation, and the same later, once and twice."""
    random = np.random.default_rng(seed)
    length = KNOWN + AHEAD
    driver = np.zeros(length + 200)
    for step in range(2, len(driver)):
        driver[step] = 1.5 * driver[step - 1] - 0.75 * driver[step - 2] + random.normal()
    columns = [driver[200 - delay : 200 - delay + length] for delay in (0, 12, 24)]
    return np.stack(columns, axis=-1) + 0.1 * random.normal(size=(length, 3))


SUITE = Suite((), run)

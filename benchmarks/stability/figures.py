"""Figures of stability: the error over time, on logarithmic scales."""

import math
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from benchmarks.stability.trial import Run

PANELS = (
    ("four parametrisations", ("none",)),
    ("training", ("none", "energy 1e-2", "tanh", "x and v damped", "mixed times", "tanh, damped")),
    (
        "integration and control",
        ("none", "steps of a quarter", "float64", "energy kept", "control held", "control repeated"),
    ),
    ("together", ("none", "state bounded", "repeated, state bounded", "tanh, damped, repeated", "rolled", "anchored")),
)
"""What is drawn beside one another: a title, and the remedies."""

CEILING = 1e4
"""Errors above it, or no longer finite, are drawn as it."""


def draw(task: str, runs: Sequence[Run], folder: Path) -> list[Path]:
    """One figure a task, with a line for each median over the seeds; none where matplotlib is not installed."""
    try:
        import matplotlib as mpl  # noqa: PLC0415
    except ImportError:
        print(f"{task}: no figure, since matplotlib is not installed", file=sys.stderr)
        return []
    mpl.use("Agg")
    from matplotlib import pyplot  # noqa: PLC0415

    figure, axes = pyplot.subplots(1, len(PANELS), figsize=(4 * len(PANELS), 3.6), sharey=True, layout="constrained")
    for number, (axis, (title, remedies)) in enumerate(zip(axes, PANELS, strict=True)):
        for label, curve in _lines(runs, remedies, together=number > 0):
            axis.loglog(range(1, len(curve) + 1), curve, label=label, linewidth=1.2)
        axis.set(title=title, xlabel="time / trained time T")
        if axis.lines:
            axis.legend(fontsize="x-small", loc="upper left")
    axes[0].set(ylabel=f"{task}: error / size of the truth", ylim=(None, CEILING))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"stability-{task}.png"
    figure.savefig(path, dpi=80)
    pyplot.close(figure)
    return [path]


def _lines(runs: Sequence[Run], remedies: Iterable[str], *, together: bool) -> Iterable[tuple[str, list[float]]]:
    """Labels and median errors: one line a remedy of `particles_dynamic`, or one a parametrisation."""
    names = {run.parametrisation: None for run in runs}
    pairs = [(name, "none") for name in names] if not together else [("particles_dynamic", r) for r in remedies]
    for parametrisation, remedy in pairs:
        some = [r.followed.errors for r in runs if (r.parametrisation, r.remedy.name) == (parametrisation, remedy)]
        if some:
            medians = np.median(np.minimum(some, CEILING), axis=0)
            yield remedy if together else parametrisation, [float(one) for one in medians if not math.isnan(one)]

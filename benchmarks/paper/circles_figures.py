"""Figure of the concentric circles: where each parametrisation's flow takes the plane's points."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from benchmarks.paper.experiment import BudgetT, Run, label


@dataclass(frozen=True)
class Drawn:
    """Some test points at times of the flow.

    Attributes:
        times: n of them.
        states: x at the times, of shape (n, points, 2).
        classes: Of shape (points,).
    """

    times: list[float]
    states: Tensor
    classes: Tensor


def draw(runs: Sequence[Run[BudgetT]], folder: Path) -> list[Path]:
    """One row a variant's and parametrisation's first run, one column a time."""
    from matplotlib import pyplot  # noqa: PLC0415

    first: dict[str, Drawn] = {}
    for run in runs:
        if isinstance(run.outcome.drawn, Drawn):
            first.setdefault(f"{run.task.parametrisation}\n{label(run.task.variant)}", run.outcome.drawn)
    if not first:
        return []
    times = next(iter(first.values())).times
    size = (1.8 * len(times), 1.8 * len(first))
    figure, axes = pyplot.subplots(len(first), len(times), figsize=size, squeeze=False, layout="constrained")
    for row, (name, one) in zip(axes, first.items(), strict=True):
        row[0].set_ylabel(name, fontsize="small")
        for axis, time, states in zip(row, times, one.states, strict=True):
            axis.scatter(*states.T, c=one.classes, s=1, cmap="coolwarm")
            axis.set_xticks([])
            axis.set_yticks([])
            if row is axes[0]:
                axis.set_title(f"time {time:g}", fontsize="small")
    path = folder / "circles.png"
    figure.savefig(path, dpi=60)
    pyplot.close(figure)
    return [path]

"""Figures of the regressions: the error that a number of parameters buys, as boxes over the seeds."""

import math
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from benchmarks.paper.experiment import BudgetT, Run


def draw(name: str, runs: Sequence[Run[BudgetT]], folder: Path) -> list[Path]:
    """One panel a parametrisation, a colour for each number of particles."""
    from matplotlib import pyplot  # noqa: PLC0415

    names = list(dict.fromkeys(run.task.parametrisation for run in runs))
    figure, axes = pyplot.subplots(
        1, len(names), figsize=(3 * len(names), 3.2), sharex=True, sharey=True, squeeze=False, layout="constrained"
    )
    for axis, one in zip(axes[0], names, strict=True):
        axis.set(title=one, xscale="log", yscale="log", xlabel="parameters")
        boxes = _boxes([run for run in runs if run.task.parametrisation == one])
        for number, (particles, errors) in enumerate(boxes.items()):
            axis.boxplot(
                list(errors.values()),
                positions=list(errors),
                widths=[0.15 * count for count in errors],
                manage_ticks=False,
                showfliers=False,
                boxprops={"color": f"C{number}"},
                medianprops={"color": f"C{number}"},
            )
            axis.plot([], color=f"C{number}", label=f"K {particles}" if particles else "no particles")
        axis.legend(fontsize="x-small")
    axes[0, 0].set_ylabel(f"{name}: test MSE")
    path = folder / f"{name}.png"
    figure.savefig(path, dpi=80)
    pyplot.close(figure)
    return [path]


def _boxes(runs: Sequence[Run[BudgetT]]) -> dict[int, dict[float, list[float]]]:
    """Errors of the seeds by the number of parameters, by the number of particles."""
    boxes: dict[int, dict[float, list[float]]] = defaultdict(lambda: defaultdict(list))
    for run in runs:
        values = run.outcome.values
        if math.isfinite(values["test_error"]):
            boxes[int(run.task.variant["particles"])][values["parameters"]].append(values["test_error"])
    return boxes

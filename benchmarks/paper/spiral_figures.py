"""Figures of the spiral: where each parametrisation ends up, and how its particles and its control move."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from benchmarks.paper.control_record import ControlRecord
from benchmarks.paper.experiment import BudgetT, Run


@dataclass(frozen=True)
class Drawn:
    """One training's trajectories, each of shape (200, 2), and its control within a snippet."""

    truth: Tensor
    chained: Tensor
    continued: Tensor
    control: ControlRecord


def draw(runs: Sequence[Run[BudgetT]], folder: Path) -> list[Path]:
    """The trajectories and the control of each parametrisation's first run."""
    first: dict[str, Drawn] = {}
    for run in runs:
        if run.outcome.drawn is None:
            continue
        first.setdefault(run.task.parametrisation, run.outcome.drawn)
    return [_trajectories(first, folder / "spiral-trajectories.png"), _controls(first, folder / "spiral-control.png")]


def _trajectories(drawn: dict[str, Drawn], path: Path) -> Path:
    from matplotlib import pyplot  # noqa: PLC0415

    figure, axes = pyplot.subplots(1, len(drawn), figsize=(3 * len(drawn), 3.2), squeeze=False, layout="constrained")
    for axis, (name, one) in zip(axes[0], drawn.items(), strict=True):
        axis.plot(*one.truth.T, color="0.7", linewidth=3, label="truth")
        axis.plot(*one.chained.T, color="C0", linewidth=1, label="snippets chained")
        axis.plot(*one.continued.T, color="C1", linewidth=1, linestyle="--", label="flow continued")
        axis.set(title=name, xlim=(-2.3, 2.3), ylim=(-2.3, 2.3), aspect="equal")
    axes[0, 0].legend(loc="upper right", fontsize="x-small")
    figure.savefig(path, dpi=80)
    pyplot.close(figure)
    return path


def _controls(drawn: dict[str, Drawn], path: Path) -> Path:
    from matplotlib import pyplot  # noqa: PLC0415

    figure, axes = pyplot.subplots(1, 4, figsize=(12, 3.2), layout="constrained")
    for name, one in drawn.items():
        for axis, (weight, norms) in zip(axes[1:], one.control.norms.items(), strict=False):
            axis.plot(one.control.times, norms, label=name)
            axis.set(title=f"norm of {weight}", xlabel="time within a snippet", ylim=(0, None))
        if one.control.positions is not None:
            axes[0].plot(*one.control.positions.permute(2, 0, 1), linewidth=0.8)
            axes[0].plot(*one.control.positions[0].T, ".", color="black", markersize=3)
    axes[0].set(title="particles (x), dots at time 0", aspect="equal")
    axes[1].legend(fontsize="x-small")
    for axis in axes[1:]:
        axis.set_ylim(bottom=0)
    figure.savefig(path, dpi=80)
    pyplot.close(figure)
    return path

"""The experiments of the paper, all four parametrisations side by side.

    python -m benchmarks.paper --quick
    python -m benchmarks.paper --experiments spiral --full --seeds 0 1 2 --json spiral.json

`--quick` spends minutes on one core, `--full` the paper's budgets. Each table names the budget that it was made with.
"""

import argparse
import json
import math
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from itertools import product
from pathlib import Path
from typing import Any

import torch

from benchmarks import measurement
from benchmarks.paper import bouncing_balls, circles, mocap, regression, rotated_digits, spiral
from benchmarks.paper.experiment import Budget, Experiment, Outcome, Run, Task, label, measurements
from benchmarks.paper.table import table
from model.errors import ConfigurationInvalid, SolverError, TrainingError
from model.networks.device import choose_device
from model.shooting.parametrisation import PARAMETRISATIONS

_ALL = (
    regression.CUBIC,
    regression.QUADRATIC,
    spiral.EXPERIMENT,
    circles.EXPERIMENT,
    rotated_digits.EXPERIMENT,
    bouncing_balls.EXPERIMENT,
    mocap.EXPERIMENT,
)

EXPERIMENTS: dict[str, Experiment[Any]] = {experiment.name: experiment for experiment in _ALL}
"""Every experiment by name."""


def main(words: Sequence[str] | None = None) -> int:
    """Runs the experiments that the command line asks for; 2 if one lacks its data."""
    asked = _parser().parse_args(words)
    torch.set_num_threads(asked.threads)
    status = 0
    records = []
    for name in asked.experiments:
        experiment = EXPERIMENTS[name]
        if missing := experiment.missing(asked.data):
            print(f"{name}: {missing}", file=sys.stderr)
            status = 2
            continue
        budget = _budget(experiment, asked)
        print(f"\n## {name}\n\n{budget}\n", flush=True)
        runs = []
        for run in _runs(experiment, budget, asked):
            runs.append(run)
            records += measurements(experiment, run)
            if asked.json:
                measurement.write(asked.json, records)
        print(f"\n{table(experiment, runs)}\n\n{sum(run.seconds for run in runs):.0f} s", flush=True)
        _draw(experiment, runs, asked.figures)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.paper", description=__doc__.splitlines()[0])
    folder = os.environ.get("LONGSHOT_DATA", "data")
    parser.add_argument("--experiments", nargs="+", choices=EXPERIMENTS, default=list(EXPERIMENTS), metavar="NAME")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", dest="full", action="store_false", help="minutes on one core (the default)")
    size.add_argument("--full", action="store_true", help="the paper's budgets")
    parser.set_defaults(full=False)
    parser.add_argument("--seeds", nargs="+", type=int, help="in place of the budget's")
    parser.add_argument("--parametrisations", nargs="+", choices=PARAMETRISATIONS, default=list(PARAMETRISATIONS))
    parser.add_argument("--data", type=Path, default=Path(folder), help="a folder with the sets somewhere below it")
    parser.add_argument("--json", type=Path, help="write the records to this file, after each training")
    parser.add_argument("--figures", type=Path, default=Path("docs/figures"), help="write the figures to this folder")
    parser.add_argument("--threads", type=int, default=1, help="of torch; more seldom pay for matrices of this size")
    parser.add_argument("--device", type=_device, default="cpu")
    parser.add_argument(
        "--budget",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        type=_changed_field,
        help="a field of the budget to set by hand, as JSON; may be repeated",
    )
    return parser


def _device(text: str) -> torch.device:
    try:
        return choose_device(text)
    except ConfigurationInvalid as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _changed_field(text: str) -> tuple[str, object]:
    name, _, value = text.partition("=")
    if name not in {field.name for experiment in EXPERIMENTS.values() for field in fields(experiment.full)}:
        raise argparse.ArgumentTypeError(f"{name!r} is in no experiment's budget")
    try:
        read = json.loads(value)
    except json.JSONDecodeError:
        read = value
    return name, tuple(read) if isinstance(read, list) else read


def _budget(experiment: Experiment[Any], asked: argparse.Namespace) -> Budget:
    budget: Any = experiment.full if asked.full else experiment.quick
    own = {field.name for field in fields(budget)}
    changes = {name: value for name, value in asked.budget if name in own}
    changed: Budget = replace(budget, **changes, **({"seeds": tuple(asked.seeds)} if asked.seeds else {}))
    return changed


def _runs(experiment: Experiment[Any], budget: Budget, asked: argparse.Namespace) -> Iterator[Run[Any]]:
    """One training after the other, seeds outermost, so that what is done is balanced whenever it is stopped."""
    for seed, name in product(budget.seeds, asked.parametrisations):
        for variant in experiment.variants(budget, name):
            run = _run(experiment, Task(name, seed, variant, budget, asked.device, asked.data))
            values = ", ".join(f"{metric} {value:.4g}" for metric, value in run.outcome.values.items())
            words = filter(None, [name, label(variant), f"seed {seed}: {values} ({run.seconds:.1f} s)"])
            print(" ".join(words), flush=True)
            yield run


def _run(experiment: Experiment[Any], task: Task[Any]) -> Run[Any]:
    """A training; one that diverges beyond what can be integrated is a failure to be counted, not an end."""
    torch.manual_seed(task.seed)
    started = time.monotonic()
    try:
        outcome = experiment.train(task)
    except (SolverError, TrainingError) as error:
        print(f"{task.parametrisation} seed {task.seed}: {error}", file=sys.stderr)
        outcome = Outcome({metric.name: math.nan for metric in experiment.metrics})
    return Run(task, outcome, time.monotonic() - started)


def _draw(experiment: Experiment[Any], runs: Sequence[Run[Any]], folder: Path) -> None:
    try:
        import matplotlib as mpl  # noqa: PLC0415
    except ImportError:
        print(f"{experiment.name}: no figures, since matplotlib is not installed", file=sys.stderr)
        return
    mpl.use("Agg")
    folder.mkdir(parents=True, exist_ok=True)
    for path in experiment.draw(runs, folder):
        print(path)


if __name__ == "__main__":
    raise SystemExit(main())

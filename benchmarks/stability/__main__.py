"""What keeps a flow bounded past the time T that it was trained for, remedy by remedy.

    python -m benchmarks.stability --quick
    python -m benchmarks.stability --full --seeds 0 1 2 --json stability.json

Errors are relative to the size of the truth, at T, 2T, 8T and 100T; the median over seeds, and `inf` where a number was
no longer finite. All remedies are tried on `particles_dynamic`, some of them on the other parametrisations too.
"""

import argparse
import math
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path

import torch

from benchmarks import measurement
from benchmarks.measurement import Measurement
from benchmarks.stability import planar, seasonal
from benchmarks.stability.figures import draw
from benchmarks.stability.remedies import FOR_ALL_PARAMETRISATIONS, REMEDIES, Remedy, Training
from benchmarks.stability.trial import MULTIPLES, Followed, Run, Task, follow, train
from model.errors import SolverError, TrainingError
from model.shooting.parametrisation import PARAMETRISATIONS

TASKS = ("rotation", "spiral", "seasonal")


@dataclass(frozen=True)
class Budget:
    """How much is spent.

    Attributes:
        seeds: One training each.
        iterations: Of Adam.
    """

    seeds: tuple[int, ...]
    iterations: int


QUICK, FULL = Budget((0, 1), 150), Budget((0, 1, 2), 1000)
LEARNING_RATES = {"rotation": 0.03, "spiral": 0.03, "seasonal": 0.01}


def main(words: Sequence[str] | None = None) -> int:
    """Runs what the command line asks for."""
    asked = _parser().parse_args(words)
    torch.set_num_threads(asked.threads)
    budget = FULL if asked.full else QUICK
    seeds, iterations = asked.seeds or budget.seeds, asked.iterations or budget.iterations
    records: list[Measurement] = []
    for name in asked.tasks:
        runs = [run for seed in seeds for run in _runs(name, seed, iterations, asked)]
        print(f"\n## {name}: {iterations} iterations, seeds {', '.join(map(str, seeds))}\n\n{_table(runs)}", flush=True)
        records += [record for run in runs for record in _measurements(run, iterations)]
        if asked.json:
            measurement.write(asked.json, records)
        for path in draw(name, runs, asked.figures):
            print(path)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stability", description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", dest="full", action="store_false", help="half an hour on one core (the default)")
    size.add_argument("--full", action="store_true", help="hours")
    names = [remedy.name for remedy in REMEDIES]
    parser.add_argument("--remedies", nargs="+", choices=names, default=names, metavar="NAME")
    parser.add_argument("--parametrisations", nargs="+", choices=PARAMETRISATIONS, default=list(PARAMETRISATIONS))
    parser.add_argument("--seeds", nargs="+", type=int, help="in place of the budget's")
    parser.add_argument("--iterations", type=int, help="in place of the budget's")
    parser.add_argument("--json", type=Path, help="write the records to this file, after each task")
    parser.add_argument("--figures", type=Path, default=Path("docs/figures"), help="write the figures to this folder")
    parser.add_argument("--threads", type=int, default=1, help="of torch; more seldom pay for matrices of this size")
    return parser


def _runs(name: str, seed: int, iterations: int, asked: argparse.Namespace) -> Iterator[Run]:
    """One training after the other, each followed with every remedy that shares it."""
    for parametrisation in reversed(asked.parametrisations):
        everything = parametrisation == "particles_dynamic"
        chosen = [
            r for r in REMEDIES if r.name in asked.remedies and (everything or r.name in FOR_ALL_PARAMETRISATIONS)
        ]
        for training, some in groupby(sorted(chosen, key=lambda r: repr(r.training)), key=lambda r: r.training):
            yield from _trained(name, parametrisation, seed, iterations, training, list(some))


def _trained(
    name: str, parametrisation: str, seed: int, iterations: int, training: Training, remedies: Sequence[Remedy]
) -> Iterator[Run]:
    """A training that diverges is a result, too: errors without an end."""
    torch.manual_seed(seed)
    started = time.monotonic()
    task: Task = (
        seasonal.Seasonal(parametrisation, training)
        if name == "seasonal"
        else planar.Planar(name, parametrisation, training)
    )
    sizes = seasonal.SIZES if name == "seasonal" else planar.SIZES
    nothing = Followed((math.inf,) * max(MULTIPLES), (math.inf,) * max(MULTIPLES), ())
    has_diverged = False
    try:
        train(task, training, iterations=iterations, learning_rate=LEARNING_RATES[name])
    except (SolverError, TrainingError) as error:
        print(f"{parametrisation}, {remedies[0].name}: {error}", file=sys.stderr)
        has_diverged = True
    for remedy in remedies:
        found = nothing if has_diverged else follow(task, remedy.continuation, sizes)
        errors = " ".join(f"{found.errors[multiple - 1]:.3g}" for multiple in MULTIPLES)
        print(f"{name} {parametrisation} {remedy.name} seed {seed}: {errors}", file=sys.stderr, flush=True)
        yield Run(name, parametrisation, remedy, seed, found, time.monotonic() - started)
    if isinstance(task, seasonal.Seasonal) and training == Training() and not has_diverged:
        for way, found in seasonal.in_blocks(task):
            yield Run(name, parametrisation, Remedy(way), seed, found, time.monotonic() - started)


def _table(runs: Sequence[Run]) -> str:
    """A Markdown table: errors and sizes at the multiples of T, medians over the seeds."""
    heads = [f"error at {m} T" for m in MULTIPLES] + [
        f"size at {MULTIPLES[-1]} T",
        f"energy drift at {MULTIPLES[-1]} T",
    ]
    lines = ["| parametrisation | remedy | " + " | ".join(heads) + " |", "|---|---|" + "---|" * len(heads)]
    key = {(run.parametrisation, run.remedy.name): None for run in runs}
    for parametrisation, remedy in key:
        same = [r.followed for r in runs if (r.parametrisation, r.remedy.name) == (parametrisation, remedy)]
        values = [statistics.median(f.errors[m - 1] for f in same) for m in MULTIPLES]
        values += [statistics.median(f.sizes[-1] for f in same)]
        drifts = [f.energy_drift[-1] for f in same if f.energy_drift]
        cells = [f"{value:.3g}" for value in values] + [f"{statistics.median(drifts):.2g}" if drifts else "-"]
        lines.append(f"| {parametrisation} | {remedy} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _measurements(run: Run, iterations: int) -> list[Measurement]:
    path = f"stability.{run.task}.{run.parametrisation}.{run.remedy.name}"
    settings = {"seed": run.seed, "iterations": iterations, "seconds": round(run.seconds, 1), **asdict(run.remedy)}
    found = []
    for multiple in MULTIPLES:
        found.append(
            Measurement(
                f"{path}.error_at_{multiple}T", run.followed.errors[multiple - 1], "relative RMSE", settings=settings
            )
        )
        found.append(
            Measurement(
                f"{path}.size_at_{multiple}T",
                run.followed.sizes[multiple - 1],
                "share of the truth's",
                settings=settings,
            )
        )
    return found


if __name__ == "__main__":
    raise SystemExit(main())

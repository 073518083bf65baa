"""What each part of the network is good for, by leaving it out or putting something else in its place.

    python -m benchmarks.ablation --data DIR --datasets ETTh1 [--parts flow loss] [--seeds 0 1 2] [--json FILE]

Protocol and data are those of the long-horizon sets in `benchmarks.accuracy`. Each variant is trained for one horizon
with what the product chooses, and asked for that and for longer ones, where a flow is both continued and rolled. There
is no line beside any of them, so that what stands in a part's place speaks for itself; two rows have one.
"""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from benchmarks.ablation.measuring import HEADER, Outcome, measure, measurements, row
from benchmarks.ablation.variants import VARIANTS
from benchmarks.accuracy.long_horizon_sets import LongHorizonSet
from benchmarks.accuracy.suite import find
from benchmarks.measurement import Measurement, write
from model import TrainingOptions

PARTS = tuple(dict.fromkeys(variant.part for variant in VARIANTS))


def main(words: Sequence[str] | None = None) -> int:
    """Trains what the command line asks for; 2 if its data are not there."""
    asked = _parser().parse_args(words)
    torch.set_num_threads(asked.threads)
    found: list[Measurement] = []
    try:
        print(HEADER)
        for outcome in _outcomes(asked):
            print(row(outcome), flush=True)
            found += measurements(outcome)
            if asked.json:
                write(asked.json, found)
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _outcomes(asked: argparse.Namespace) -> Iterator[Outcome]:
    for name in asked.datasets:
        data = LongHorizonSet.read(name, find(asked.data, f"{name}.csv", f"{name}.csv.gz"))
        for seed in asked.seeds:
            options = TrainingOptions(horizon=asked.horizon, seed=seed, num_epochs=asked.epochs)
            for variant in VARIANTS:
                if variant.part in asked.parts:
                    yield measure(data, variant, options, asked.beyond)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ablation", description=__doc__.splitlines()[0])
    folder = os.environ.get("LONGSHOT_DATA", "data")
    parser.add_argument("--data", type=Path, default=Path(folder), help="a folder with the sets somewhere below it")
    parser.add_argument("--datasets", nargs="+", default=["ETTh1"])
    parser.add_argument("--horizon", type=int, default=96, help="what is trained for")
    parser.add_argument("--beyond", nargs="*", type=int, default=[336, 720], help="what is asked for, too")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="what is varied")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--epochs", type=int, help="at most; the product's own number if left out")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the records to this file, anew after each variant")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())

"""Accuracy by the protocols of the literature.

    python -m benchmarks.accuracy --data DIR --datasets ETTh1 --horizons 96 192 336 720
    python -m benchmarks.accuracy --data DIR --preset balanced --option time_budget_seconds=600
    python -m benchmarks.accuracy --data DIR --suite m4

Any CSV with a column of dates is a dataset by its name. One version is trained for the longest horizon and asked for
all of them; `--apart` trains one for each. A suite is a benchmark with a protocol of its own; see its file.

`--peers PYTHON` trains neuralforecast's DLinear, NHITS and PatchTST after each of ours, on the same data and as many
threads, one model for each horizon; PYTHON is the interpreter of an environment that has neuralforecast.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import get_args

import torch

from benchmarks.accuracy import dysts, fev, irregular, m4, peers, systems
from benchmarks.accuracy.long_horizon import measured
from benchmarks.accuracy.long_horizon_sets import LongHorizonSet, SetUnusable
from benchmarks.accuracy.long_horizon_table import (
    ABLATION_HEADER,
    HEADER,
    REMOVED_HEADER,
    Record,
    measurements,
    rows,
)
from benchmarks.accuracy.suite import find, line
from benchmarks.measurement import Measurement, write
from model import Preset, TrainingOptions

SUITES = {
    "dysts": (dysts.SUITE,),
    "fev": (fev.SUITE,),
    "irregular": (irregular.SUITE,),
    "m4": (m4.HOURLY_SUITE, m4.WEEKLY_SUITE),
    "systems": (systems.SUITE,),
}
"""Every suite by name, in its parts."""

_TEXTS = ("floor", "precision", "preset", "refit")
"""Options whose values are words."""


def main(words: Sequence[str] | None = None) -> int:
    """Runs the benchmark that the command line asks for; 2 if its data are not there."""
    asked = _parser().parse_args(words)
    torch.set_num_threads(asked.threads)
    found: list[Measurement] = []
    try:
        if asked.peers:
            peers.check(asked.peers)
        for some in _suite(asked) if asked.suite else _datasets(asked):
            found += some
    except (FileNotFoundError, peers.PeersMissing, SetUnusable) as error:
        print(error, file=sys.stderr)
        return 2
    if asked.json:
        write(asked.json, found)
    return 0


def _datasets(asked: argparse.Namespace) -> Iterator[list[Measurement]]:
    """The figures of one version after the other, each printed as a table."""
    print(HEADER + ABLATION_HEADER * asked.ablation + REMOVED_HEADER * bool(asked.removed))
    for name in asked.datasets:
        data = LongHorizonSet.read(name, find(asked.data, f"{name}.csv", f"{name}.csv.gz"))
        for horizons in [(one,) for one in asked.horizons] if asked.apart else [tuple(sorted(asked.horizons))]:
            for seed in asked.seeds:
                options = TrainingOptions(**dict(asked.options) | {"horizon": horizons[-1], "seed": seed})
                records = measured(data, options, horizons, removed=asked.removed, ablation=asked.ablation)
                print("\n".join(rows(records)), flush=True)
                others = list(_peers(asked, data, records)) if asked.peers else []
                for record in records:
                    yield peers.compared(measurements(record), record, others)


def _peers(asked: argparse.Namespace, data: LongHorizonSet, records: list[Record]) -> Iterator[peers.Peer]:
    """Each peer, printed as soon as it is known; at the end all of them beside the version."""
    print(peers.HEADER)
    horizons, found = [record.horizon for record in records], []
    for peer in peers.trained(
        asked.peers,
        data,
        horizons,
        names=asked.peer_models,
        seed=records[0].seed,
        threads=asked.threads,
        most_seconds=None if asked.peer_minutes is None else 60 * asked.peer_minutes,
    ):
        print(peers.row(peer), flush=True)
        found.append(peer)
        yield peer
    print("\n".join(peers.rows(records, found)), flush=True)


def _suite(asked: argparse.Namespace) -> Iterator[list[Measurement]]:
    """The figures of each part of a suite, each printed on a line."""
    for part in SUITES[asked.suite]:
        files = [find(asked.data, pattern) for pattern in part.files]
        for seed in asked.seeds:
            found = part.run(files, TrainingOptions(**dict(asked.options) | {"seed": seed}))
            print("\n".join(map(line, found)), flush=True)
            yield found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__.splitlines()[0])
    folder = os.environ.get("LONGSHOT_DATA", "data")
    parser.add_argument("--data", type=Path, default=Path(folder), help="a folder with the sets somewhere below it")
    parser.add_argument("--datasets", nargs="+", default=["ETTh1"])
    parser.add_argument("--horizons", nargs="+", type=int, default=[96])
    parser.add_argument("--suite", choices=sorted(SUITES), help="in place of datasets and horizons")
    parser.add_argument("--apart", action="store_true", help="train a version for each horizon")
    parser.add_argument(
        "--removed", type=float, default=0.0, help="at the shortest horizon, score contexts without this share too"
    )
    parser.add_argument(
        "--ablation", action="store_true", help="score the flow and the line each without the other, too"
    )
    parser.add_argument("--peers", type=Path, metavar="PYTHON", help="an interpreter that has neuralforecast")
    parser.add_argument("--peer-models", nargs="+", choices=peers.PEERS, default=peers.PEERS, help="which of them")
    parser.add_argument("--peer-minutes", type=float, help="of processor time, after which a peer's training is cut")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--threads", type=int, default=1, help="of torch; more seldom pay for matrices of this size")
    parser.add_argument(
        "--preset",
        dest="options",
        metavar="{" + ",".join(get_args(Preset)) + "}",
        action="append",
        default=[],
        type=lambda word: _option(f"preset={word}"),
        help="how much is tried before a training; fast if left out",
    )
    parser.add_argument(
        "--option",
        dest="options",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        type=_option,
        help="a field of TrainingOptions to set by hand; may be repeated",
    )
    parser.add_argument("--json", type=Path, help="write the records to this file")
    return parser


def _option(text: str) -> tuple[str, int | float | str]:
    name, _, value = text.partition("=")
    if name not in {field.name for field in fields(TrainingOptions)} - {"horizon", "seed", "validation_steps"}:
        raise argparse.ArgumentTypeError(f"{name!r} is no option of a training")
    if name == "preset" and value not in get_args(Preset):
        raise argparse.ArgumentTypeError(f"{value!r} is none of {', '.join(get_args(Preset))}")
    return name, value if name in _TEXTS else json.loads(value)


if __name__ == "__main__":
    raise SystemExit(main())

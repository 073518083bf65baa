"""Other models, trained beside ours on the same data, split and windows: neuralforecast's, in its own environment.

One model for each horizon, as they are used; see `peer_training`, which runs there.
"""

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.accuracy.long_horizon_sets import LongHorizonSet
from benchmarks.accuracy.long_horizon_table import Record
from benchmarks.measurement import Measurement

PEERS = ("DLinear", "NHITS", "PatchTST")
HEADER = f"{'':<17}{'h':>6}{'MSE / MAE':>16}{'trained in':>13}{'processor':>12}{'steps':>8}{'best at':>9}"

COMPARED = ("mse", "mae", "seconds", "processor_seconds")

_PROGRAM = Path(__file__).with_name("peer_training.py")
_NEEDED = (
    "{python} has no neuralforecast. Make an environment of its own that has, and name its interpreter:\n"
    "    python -m venv peers && peers/bin/pip install 'torch=={torch}' 'neuralforecast>=3.3,<4'\n"
    "    python -m benchmarks.accuracy … --peers peers/bin/python"
)


class PeersMissing(Exception):
    """The interpreter named has no neuralforecast."""


@dataclass(frozen=True)
class Peer:
    """What a peer reached.

    Attributes:
        name: Of the model.
        horizon: Steps ahead that it was trained for.
        mse: Mean square error over all test windows and channels.
        mae: Mean absolute error over the same.
        seconds: Of its training, validation included, forecasts of the test part left out.
        processor_seconds: The processor time in them.
        num_steps: Gradient steps until it stopped.
        best_step: After which validation was best; the weights of then are scored.
        was_cut: Whether the time was up before it stopped by itself.
        num_windows: Test windows times channels.
    """

    name: str
    horizon: int
    mse: float
    mae: float
    seconds: float
    processor_seconds: float
    num_steps: int
    best_step: int
    was_cut: bool
    num_windows: int


def check(python: Path) -> None:
    """Refuses an interpreter that cannot train peers.

    Raises:
        PeersMissing
    """
    try:
        subprocess.run([python, "-c", "import neuralforecast"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        raise PeersMissing(_NEEDED.format(python=python, torch=torch.__version__.partition("+")[0])) from None


def trained(
    python: Path,
    data: LongHorizonSet,
    horizons: Sequence[int],
    *,
    names: Sequence[str] = PEERS,
    seed: int,
    threads: int,
    most_seconds: float | None = None,
) -> Iterator[Peer]:
    """Each peer at each horizon, told as soon as it has been scored.

    Args:
        python: An interpreter that has neuralforecast.
        data: What to train on.
        horizons: What to train for.
        names: Which peers.
        seed: Of their weights and windows.
        threads: Of torch.
        most_seconds: Processor time after which a training is cut, at its next look at the validation part.

    Raises:
        RuntimeError: A training failed; what it said stands above.
    """
    borders = data.borders
    with TemporaryDirectory() as folder:
        np.save(Path(folder) / "values.npy", data.values)
        task = {
            "values": str(Path(folder) / "values.npy"),
            "validation_steps": borders.validation - borders.train,
            "test_steps": borders.test - borders.validation,
            "horizons": list(horizons),
            "models": list(names),
            "seed": seed,
            "threads": threads,
            "most_seconds": most_seconds,
        }
        file = Path(folder) / "task.json"
        file.write_text(json.dumps(task))
        yield from _lines(python, file, threads)


def _lines(python: Path, task: Path, threads: int) -> Iterator[Peer]:
    known = {field.name for field in fields(Peer)}
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    environment.pop("PYTHONPATH", None)
    with subprocess.Popen(
        [python, "-P", _PROGRAM, task], env=environment, cwd=task.parent, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if line.startswith("{"):
                    yield Peer(**{name: value for name, value in json.loads(line).items() if name in known})
        finally:
            process.terminate()
    if process.returncode:
        raise RuntimeError(f"{_PROGRAM.name} ended with {process.returncode}")


def rows(records: Sequence[Record], peers: Sequence[Peer]) -> list[str]:
    """Ours and each peer over all horizons: the mean of the errors, the sum of the times of all trainings."""
    ours = [(one.errors.mse, one.errors.mae) for one in records]
    lines = [_row("ours, one version", "all", np.mean(ours, axis=0), records[0].seconds, records[0].processor_seconds)]
    for name in dict.fromkeys(peer.name for peer in peers):
        some = [peer for peer in peers if peer.name == name]
        spent = sum(peer.seconds for peer in some), sum(peer.processor_seconds for peer in some)
        lines.append(_row(name, "all", np.mean([(peer.mse, peer.mae) for peer in some], axis=0), *spent))
    return lines


def row(peer: Peer) -> str:
    """A line of the table."""
    errors = np.array([peer.mse, peer.mae])
    whole = _row(peer.name, str(peer.horizon), errors, peer.seconds, peer.processor_seconds)
    return whole + f"{peer.num_steps:>8}{peer.best_step:>9}" + "  cut" * peer.was_cut


def compared(found: Sequence[Measurement], record: Record, peers: Sequence[Peer]) -> list[Measurement]:
    """Our figures of one horizon, each beside that of the peers."""
    some = [peer for peer in peers if peer.horizon == record.horizon]

    def beside(one: Measurement) -> Measurement:
        figure = one.name.rpartition(".")[2]
        sides = {f"{peer.name}, this run": float(getattr(peer, figure)) for peer in some if figure in COMPARED}
        return replace(one, compared_with=dict(one.compared_with) | sides)

    return [beside(one) for one in found]


def _row(name: str, horizon: str, errors: NDArray[np.float64], seconds: float, processor_seconds: float) -> str:
    pair = f"{errors[0]:.3f} / {errors[1]:.3f}"
    return f"{name:<17}{horizon:>6}{pair:>16}{seconds:>11.0f} s{processor_seconds:>10.0f} s"

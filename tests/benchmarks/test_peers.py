"""Peers are trained by another interpreter, and stand beside ours in what is printed and written."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.accuracy import peers
from benchmarks.accuracy.__main__ import main
from benchmarks.accuracy.long_horizon_sets import Borders, LongHorizonSet
from benchmarks.accuracy.long_horizon_table import Record, measurements
from benchmarks.accuracy.window_errors import Errors

PEER = peers.Peer("DLinear", 24, 0.3, 0.4, 10.0, 9.0, 100, 75, False, 700)
RECORD = Record("waves", 24, Errors(0.2, 0.3), None, None, None, *[Errors(0.5, 0.6)] * 3, 0, 5.0, 4.0, 700, {}, {})
SET = LongHorizonSet("waves", Borders(60, 80, 100), pd.DataFrame(), np.zeros((100, 2)))


def trained(program: Path, monkeypatch: pytest.MonkeyPatch) -> list[peers.Peer]:
    monkeypatch.setattr(peers, "_PROGRAM", program)
    return list(peers.trained(Path(sys.executable), SET, [24], names=["DLinear"], seed=3, threads=1, most_seconds=90.0))


def test_an_interpreter_without_neuralforecast_is_refused_and_how_to_make_one_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--data", str(tmp_path), "--peers", str(tmp_path / "python")]) == 2
    told = capsys.readouterr().err
    assert f"{tmp_path / 'python'} has no neuralforecast" in told
    assert "pip install" in told


def test_a_peer_is_told_the_protocol_and_is_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import json, pathlib, sys, numpy\n"
        "task = json.loads(pathlib.Path(sys.argv[1]).read_text())\n"
        f"pathlib.Path({str(tmp_path / 'seen')!r}).write_text(json.dumps(task))\n"
        "assert numpy.load(task['values']).shape == (100, 2)\n"
        f"print('GPU available: False'); print(json.dumps({vars(PEER)!r}))\n"
    )
    assert trained(program, monkeypatch) == [PEER]
    seen = json.loads((tmp_path / "seen").read_text())
    assert (seen["validation_steps"], seen["test_steps"], seen["horizons"], seen["seed"]) == (20, 20, [24], 3)
    assert seen["most_seconds"] == 90.0


def test_a_peer_that_fails_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "program.py").write_text("raise SystemExit(7)")
    with pytest.raises(RuntimeError, match="7"):
        trained(tmp_path / "program.py", monkeypatch)


def test_what_is_written_of_ours_has_the_peers_of_that_horizon_beside_it() -> None:
    other = replace(PEER, horizon=48, mse=9.0)
    found = {one.name: one for one in peers.compared(measurements(RECORD), RECORD, [PEER, other])}
    assert found["accuracy.waves.24.mse"].compared_with["DLinear, this run"] == 0.3
    assert found["accuracy.waves.24.processor_seconds"].compared_with == {"DLinear, this run": 9.0}
    assert not found["accuracy.waves.24.validation_mse"].compared_with


def test_one_version_stands_beside_the_sum_of_all_trainings_of_a_peer() -> None:
    ours, theirs = peers.rows([RECORD, replace(RECORD, horizon=48)], [PEER, replace(PEER, horizon=48, mse=0.5)])
    assert "0.200 / 0.300" in ours
    assert "5 s" in ours
    assert "0.400 / 0.400" in theirs
    assert "20 s" in theirs


def test_a_training_that_was_cut_is_told_apart() -> None:
    assert "cut" not in peers.row(PEER)
    assert peers.row(replace(PEER, was_cut=True)).endswith("cut")

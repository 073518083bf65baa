"""`longshot train` in processes that torchrun started: one version, told once."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from app.settings import Settings
from app.stores.artifacts import ArtifactStore
from app.stores.database import Database
from app.stores.registry import Registry

pytestmark = pytest.mark.system

ROOT = Path(__file__).resolve().parent.parent.parent
SMALL = {"horizon": 6, "context-length": 48, "state-size": 8, "num-particles": 4, "num-epochs": 2, "batch-size": 16}


def write_table(path: Path) -> None:
    hours = pd.date_range("2026-01-01", periods=400, freq="h")
    values = np.sin(np.arange(400) / 4) + 0.1 * np.random.default_rng(0).normal(size=400)
    pd.DataFrame({"timestamp": hours, "target": values}).to_csv(path, index=False)


def run(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    options = [text for name, value in SMALL.items() for text in (f"--{name}", str(value))]
    starter = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "app.cli", "train"]
    environment = os.environ | {"LONGSHOT_HOME": str(home), "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, *starter, *words, *options],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=110,
    )  # fmt: skip


def test_two_processes_make_one_version_and_the_first_speaks(tmp_path: Path) -> None:
    write_table(tmp_path / "waves.csv")
    ended = run(tmp_path / "home", str(tmp_path / "waves.csv"), "--model", "waves")
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr.count("in 2 processes") == 1
    assert ended.stderr.count("epoch 2/3") == 1
    assert ended.stdout.count("Registered") == 1
    settings = Settings(home=tmp_path / "home")
    database = Database(settings.database_url)
    versions = Registry(database, ArtifactStore(settings.artifacts_path)).versions("waves")
    database.close()
    assert [version.number for version in versions] == [1]


def test_what_a_training_refuses_ends_all_processes(tmp_path: Path) -> None:
    write_table(tmp_path / "waves.csv")
    ended = run(tmp_path / "home", str(tmp_path / "waves.csv"), "--model", "waves", "--dropout", "2")
    assert ended.returncode != 0
    assert "dropout" in ended.stderr

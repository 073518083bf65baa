"""The command line as a test runs it: in this process, on a home of its own."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from app.cli import main
from app.cli.home import open_registry
from app.settings import Settings
from app.stores.references import PRODUCTION
from app.stores.registry import Registry
from model import Checkpoint


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Ended]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv("LONGSHOT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "120")

    def command(*words: object) -> Ended:
        monkeypatch.setattr(sys, "argv", ["longshot", *map(str, words)])
        with pytest.raises(SystemExit) as caught:
            main()
        code = caught.value.code
        return Ended(code if isinstance(code, int) else 0, *capsys.readouterr())

    return command


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rows = [
        f"{name},2026-01-{1 + hour // 24:02}T{hour % 24:02}:00:00Z,{10 + np.sin(hour / 4):.3f}"
        for name in ("a", "b")
        for hour in range(160)
    ]
    path = tmp_path / "table.csv"
    path.write_text("item_id,timestamp,target\n" + "\n".join(rows) + "\n")
    return path


@pytest.fixture
def published(tmp_path: Path, checkpoint: Checkpoint) -> Iterator[Registry]:
    with open_registry(Settings(home=tmp_path / "home")) as registry:
        registry.register("m", checkpoint)
        registry.point_alias("m", PRODUCTION, 1, actor="test")
        yield registry


def refused(ended: Ended, *parts: str) -> None:
    assert ended.code == 1, ended
    (line,) = (line for line in ended.err.strip().splitlines() if not line.endswith("(history_short)"))
    assert line.startswith("longshot: ")
    assert all(part in line for part in parts), line
    assert ended.out == ""

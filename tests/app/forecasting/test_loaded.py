import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.forecasting import LoadedVersions
from model import CheckpointCorrupt


@dataclass(frozen=True)
class Weight:
    """Stands for a loaded version of a size."""

    num_bytes: int


def test_a_version_is_loaded_once_however_many_ask_at_once():
    loads = []

    def load(path: Path) -> Weight:
        loads.append(path)
        time.sleep(0.05)
        return Weight(1)

    versions = LoadedVersions(10, load)
    found: list[Weight] = []
    threads = [threading.Thread(target=lambda: found.append(versions.get("d", Path("p")))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loads) == 1
    assert len({id(one) for one in found}) == 1


def test_the_least_recently_used_versions_leave_when_memory_is_short():
    loads: list[str] = []

    def load(path: Path) -> Weight:
        loads.append(path.name)
        return Weight(4)

    versions = LoadedVersions(10, load)
    for name in ("a", "b", "a", "c", "a", "b"):
        versions.get(name, Path(name))
    assert loads == ["a", "b", "c", "b"]
    assert len(versions) == 2


def test_a_version_larger_than_the_memory_is_kept_while_it_is_the_only_one():
    versions = LoadedVersions(1, lambda path: Weight(100))
    versions.get("a", Path("a"))
    assert len(versions) == 1
    versions.get("b", Path("b"))
    assert len(versions) == 1


def test_a_load_that_failed_is_tried_again():
    outcomes = [CheckpointCorrupt("model.safetensors", "cut"), Weight(1)]

    def load(path: Path) -> Weight:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    versions = LoadedVersions(10, load)
    with pytest.raises(CheckpointCorrupt):
        versions.get("a", Path("a"))
    assert versions.get("a", Path("a")) == Weight(1)

import os
from pathlib import Path

import pytest

from app.stores.artifacts import ArtifactStore


@pytest.mark.parametrize("key", ["", "/etc/passwd", "../x", "a/../b", "a//b", "A", "a b", ".hidden", "a/", "a\n"])
def test_no_key_leads_out_of_the_folder(artifacts: ArtifactStore, key: str) -> None:
    with pytest.raises(ValueError, match="is no key"):
        artifacts.path(key)


def test_a_file_and_a_folder_are_kept_whole(artifacts: ArtifactStore) -> None:
    def folder(path: Path) -> None:
        path.mkdir()
        (path / "inside").write_text("b")

    assert artifacts.add("files/a", lambda path: path.write_text("a") and None).read_text() == "a"
    assert (artifacts.add("folders/b", folder) / "inside").read_text() == "b"


def test_what_fails_half_way_is_not_there_at_all(artifacts: ArtifactStore) -> None:
    def half(path: Path) -> None:
        path.mkdir()
        (path / "first").write_text("1")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        artifacts.add("folders/b", half)
    assert not artifacts.path("folders/b").exists()


def test_a_stored_artifact_is_not_written_again(artifacts: ArtifactStore) -> None:
    artifacts.add("a", lambda path: path.write_text("first") and None)
    assert artifacts.add("a", lambda path: path.write_text("second") and None).read_text() == "first"


def test_a_folder_that_another_process_stored_meanwhile_is_kept(artifacts: ArtifactStore) -> None:
    def slow(path: Path) -> None:
        path.mkdir()
        (path / "inside").write_text("mine")
        winner = artifacts.path("folder")
        winner.mkdir(parents=True)
        (winner / "inside").write_text("theirs")

    assert (artifacts.add("folder", slow) / "inside").read_text() == "theirs"


def test_only_what_lies_half_written_for_long_is_swept_away(artifacts: ArtifactStore) -> None:
    partial = artifacts.path("a").parent / ".partial"
    (partial / "old").mkdir(parents=True)
    (partial / "old" / "inside").write_text("")
    (partial / "new").write_text("")
    os.utime(partial / "old", (0, 0))
    artifacts.sweep()
    assert [one.name for one in partial.iterdir()] == ["new"]


def test_an_artifact_that_is_removed_is_gone(artifacts: ArtifactStore) -> None:
    artifacts.add("a", lambda path: path.write_text("a") and None)
    artifacts.remove("a")
    artifacts.remove("a")
    assert not artifacts.path("a").exists()

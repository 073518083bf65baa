"""A checkpoint appears whole, and is believed only if every byte is the one written."""

import hashlib
import json
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest

from model import (
    Checkpoint,
    CheckpointCorrupt,
    CheckpointFormatUnsupported,
    CheckpointMissing,
    Forecaster,
    Panel,
    Steps,
    load,
)
from model.files import written_whole
from model.training.checkpoint import Training


@pytest.fixture
def folder(checkpoint: Checkpoint, tmp_path: Path) -> Path:
    checkpoint.save(tmp_path / "checkpoint")
    return tmp_path / "checkpoint"


def test_a_saved_checkpoint_answers_bit_for_bit(folder: Path, forecaster: Forecaster, panel: Panel) -> None:
    loaded = Forecaster.load(folder, device="cpu")
    for now, before in zip(
        loaded.forecast(panel, Steps(100)).items, forecaster.forecast(panel, Steps(100)).items, strict=True
    ):
        assert np.array_equal(now.mean, before.mean)
        assert all(np.array_equal(now.quantiles[level], before.quantiles[level]) for level in before.quantiles)
    assert loaded.manifest == forecaster.manifest


def test_a_tar_of_the_folder_is_the_same_checkpoint_whatever_else_lies_in_it(folder: Path, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "bundle.tar", "w") as archive:
        for one in folder.iterdir():
            archive.add(one, one.name)
        archive.add(folder, "README.md", recursive=False)
    assert load(tmp_path / "bundle.tar", device="cpu").manifest == Checkpoint.load(folder).manifest


def test_a_file_that_is_no_tar_is_no_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "bundle.tar").write_bytes(b"no tar")
    with pytest.raises(CheckpointCorrupt, match="neither a folder nor a bundle"):
        Checkpoint.load(tmp_path / "bundle.tar")


@pytest.mark.slow
def test_loading_a_checkpoint_does_not_load_the_compiler_of_torch(folder: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from model import Forecaster; "
        "Forecaster.load(Path(sys.argv[1]), device='cpu'); print('torch._dynamo' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", program, str(folder)], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "False"


def test_the_folder_holds_safetensors_and_json_only(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == [
        "config.json",
        "manifest.json",
        "model.safetensors",
        "validation.json",
    ]


def test_the_manifest_says_where_it_comes_from(checkpoint: Checkpoint, panel: Panel) -> None:
    manifest = checkpoint.manifest
    assert manifest.data_digest == panel.digest()
    assert manifest.num_observations == panel.num_observations
    assert {"python", "torch", "torchdiffeq"} <= set(manifest.versions)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "validation.json", "manifest.json"])
@pytest.mark.parametrize("damage", ["truncated", "flipped", "missing", "empty"])
def test_any_damage_to_any_file_is_noticed(folder: Path, name: str, damage: str) -> None:
    file = folder / name
    content = bytearray(file.read_bytes())
    # The words of a manifest are not hashed: its own damage is noticed where it names what is in the others.
    content[content.index(b'"digest": "') + 12 if name == "manifest.json" else len(content) // 2] ^= 1
    if damage == "missing":
        file.unlink()
    else:
        file.write_bytes({"truncated": content[:-10], "flipped": content, "empty": b""}[damage])
    with pytest.raises((CheckpointCorrupt, CheckpointMissing)) as caught:
        Checkpoint.load(folder)
    assert caught.value.hint


def test_a_checkpoint_of_another_format_is_refused_by_number(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "format_version": 99}))
    with pytest.raises(CheckpointFormatUnsupported, match="format 99; this release reads format 1"):
        Checkpoint.load(folder)


def test_an_absent_checkpoint_is_missing(tmp_path: Path) -> None:
    with pytest.raises(CheckpointMissing):
        Checkpoint.load(tmp_path / "nothing")


def test_saving_twice_changes_nothing_and_another_checkpoint_is_not_overwritten(
    folder: Path, checkpoint: Checkpoint, panel: Panel
) -> None:
    checkpoint.save(folder)
    other = Checkpoint.of(
        checkpoint.network.__class__(checkpoint.config),
        checkpoint.config,
        checkpoint.validation,
        panel,
        Training("cpu", 1.0, 0.5),
    )
    with pytest.raises(FileExistsError):
        other.save(folder)


def test_a_checkpoint_of_an_earlier_release_is_written_anew_as_one_of_this(folder: Path, tmp_path: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    # An earlier release knew no anchor, and wrote nothing of it.
    assert config.pop("anchored") is False
    _rewrite(folder, "config.json", json.dumps(config).encode())
    earlier = Checkpoint.load(folder)
    earlier.save(tmp_path / "again")
    again = Checkpoint.load(tmp_path / "again")
    assert again.config == earlier.config
    assert again.manifest.digest != earlier.manifest.digest
    earlier.save(folder)
    assert Checkpoint.load(folder).manifest == earlier.manifest


def _rewrite(folder: Path, name: str, content: bytes) -> None:
    """Puts another content into a checkpoint, with hashes that fit."""
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][name] = hashlib.sha256(content).hexdigest()
    joined = "".join(f"{one}\0{digest}\n" for one, digest in sorted(manifest["files"].items()))
    manifest["digest"] = hashlib.sha256(joined.encode()).hexdigest()
    (folder / name).write_bytes(content)
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_what_fails_halfway_leaves_nothing_behind(tmp_path: Path) -> None:
    def write_half(path: Path) -> None:
        with written_whole(path) as place:
            place.mkdir()
            (place / "half").write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half(tmp_path / "folder")
    assert list(tmp_path.iterdir()) == []

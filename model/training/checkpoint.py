"""A trained network as a folder: safetensors, JSON, manifest.

model.safetensors   the weights, particles among them
config.json         every choice of the training
validation.json     what validation chose, and the calibration
manifest.json       where it comes from, and the SHA-256 of each other file
"""

import hashlib
import json
import platform
import tarfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from model.configuration.config import TrainingConfig
from model.configuration.reason import Reason
from model.configuration.trial import Trial
from model.errors import CheckpointCorrupt, CheckpointFormatUnsupported, CheckpointMissing, ForecastingError
from model.files import read_files, written_whole
from model.networks.network import ShootingNetwork
from model.panels.series import Panel
from model.training.validation import Validation

FORMAT_VERSION = 1
_WEIGHTS, _CONFIG, _VALIDATION, _MANIFEST = "model.safetensors", "config.json", "validation.json", "manifest.json"
_NAMES = {_WEIGHTS, _CONFIG, _VALIDATION, _MANIFEST}
_UNREADABLE = (AttributeError, KeyError, TypeError, ValueError, RecursionError, OverflowError)
"""What reading files goes wrong with that nobody of ours wrote."""
_LIBRARIES = ("torch", "torchdiffeq", "numpy", "pandas", "safetensors")


@dataclass(frozen=True)
class Manifest:
    """Where a checkpoint comes from.

    Attributes:
        format_version: Of the folder's layout.
        digest: SHA-256 over the hashes of its files; names the checkpoint's content.
        files: The SHA-256 of each file by its name.
        data_digest: `Panel.digest()` of the panel it was trained on.
        num_series: Series of that panel.
        num_observations: Observations of that panel.
        trained_until: The last instant of that panel (ISO 8601, UTC), or a later one that the version it started from
            was trained until.
        seed: Of the training.
        device: That trained it.
        versions: Of Python and the libraries that trained it.
        created_at: When training ended (ISO 8601, UTC).
        train_seconds: How long training took.
        validation_loss: The best one reached.
        trials: Short trainings that its configuration was chosen by, in their order.
        warm_start: The version whose weights it started from, as it was called; None where they were random.
        warm_start_digest: Of that version's checkpoint.
        reasons: Why the choices of its configuration are what they are; none in a checkpoint of an earlier release.
    """

    format_version: int
    digest: str
    files: dict[str, str]
    data_digest: str
    num_series: int
    num_observations: int
    trained_until: str
    seed: int
    device: str
    versions: dict[str, str]
    created_at: str
    train_seconds: float
    validation_loss: float
    trials: tuple[Trial, ...] = ()
    warm_start: str | None = None
    warm_start_digest: str | None = None
    reasons: tuple[Reason, ...] = ()

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "Manifest":
        """The manifest that `asdict` and JSON made this of, or that of an earlier release, which knew fewer fields."""
        trials = tuple(Trial(**one) for one in content.get("trials", ()))
        return cls(
            **{**content, "trials": trials, "reasons": tuple(Reason(**one) for one in content.get("reasons", ()))}
        )

    def check(self) -> None:
        """Refuses values of other types, which a manifest from elsewhere may have.

        Raises:
            TypeError, ValueError
        """
        texts = [self.data_digest, self.trained_until, self.device, self.created_at, *self.versions.values()]
        texts += [text for one in self.reasons for text in (one.choice, one.value, one.why)]
        counts = [self.num_series, self.num_observations, self.seed]
        if not all(isinstance(one, str) for one in (*texts, *self.files.values(), *self.files)):
            raise TypeError("texts")
        if not all(one is None or isinstance(one, str) for one in (self.warm_start, self.warm_start_digest)):
            raise TypeError("a warm start")
        if not all(isinstance(one, int) for one in counts):
            raise TypeError("counts")
        if not all(isinstance(one, int | float) for one in (self.train_seconds, self.validation_loss)):
            raise TypeError("measures")
        pd.Timestamp(self.trained_until)


@dataclass(frozen=True)
class Origin:
    """A version that a training started from.

    Attributes:
        reference: What it is called where it is kept.
        manifest: Of its checkpoint.
    """

    reference: str
    manifest: Manifest


@dataclass(frozen=True)
class Training:
    """How a training went.

    Attributes:
        device: Where it ran.
        seconds: How long it took.
        validation_loss: The best one reached.
        trials: What its configuration was chosen by.
        origin: The version whose weights it started from.
        reasons: Why the choices of its configuration are what they are.
    """

    device: str
    seconds: float
    validation_loss: float
    trials: tuple[Trial, ...] = ()
    origin: Origin | None = None
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A trained network with its configuration, what validation chose for it, and its origin, in memory.

    Attributes:
        network: On the CPU.
        config: Every choice of the training.
        validation: What validation chose.
        manifest: Where it comes from.
    """

    network: ShootingNetwork
    config: TrainingConfig
    validation: Validation
    manifest: Manifest

    @classmethod
    def of(
        cls, network: ShootingNetwork, config: TrainingConfig, validation: Validation, panel: Panel, training: Training
    ) -> "Checkpoint":
        """The checkpoint of a training that has just ended."""
        origin = training.origin
        hashes = {name: _hash(content) for name, content in _contents(network, config, validation).items()}
        manifest = Manifest(
            format_version=FORMAT_VERSION,
            digest=_digest(hashes),
            files=hashes,
            data_digest=panel.digest(),
            num_series=len(panel),
            num_observations=panel.num_observations,
            trained_until=_trained_until(panel, origin),
            seed=config.seed,
            device=training.device,
            versions={"python": platform.python_version()} | {name: version(name) for name in _LIBRARIES},
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            train_seconds=round(training.seconds, 3),
            validation_loss=training.validation_loss,
            trials=training.trials,
            warm_start=None if origin is None else origin.reference,
            warm_start_digest=None if origin is None else origin.manifest.digest,
            reasons=training.reasons,
        )
        return cls(network, config, validation, manifest)

    def save(self, path: Path) -> None:
        """Writes the folder whole or not at all; what an earlier release wrote is written as this one does.

        Raises:
            FileExistsError: There is something of another content at `path`; the same checkpoint is left as it is.
        """
        contents = _contents(self.network, self.config, self.validation)
        hashes = {name: _hash(content) for name, content in contents.items()}
        manifest = replace(self.manifest, files=hashes, digest=_digest(hashes))
        if (path / _MANIFEST).exists() and _read_manifest(path).digest in (self.manifest.digest, manifest.digest):
            return
        if path.exists():
            raise FileExistsError(path)
        with written_whole(path) as folder:
            folder.mkdir()
            for name, content in contents.items():
                (folder / name).write_bytes(content)
            (folder / _MANIFEST).write_bytes(_json(asdict(manifest)))

    @classmethod
    def load(cls, path: Path) -> "Checkpoint":
        """Reads the folder, or the tar of it that a bundle is, and checks every hash.

        Raises:
            CheckpointMissing: There is no manifest at `path`.
            CheckpointCorrupt: A file is missing, damaged, or not the one that the manifest names.
            CheckpointFormatUnsupported: Another release wrote it.
        """
        try:
            return cls.of_files(read_files(path, _NAMES))
        except (FileNotFoundError, NotADirectoryError):
            raise CheckpointMissing(str(path)) from None
        except tarfile.TarError as error:
            raise CheckpointCorrupt(path.name, "it is neither a folder nor a bundle") from error

    @classmethod
    def of_files(cls, files: Mapping[str, bytes]) -> "Checkpoint":
        """The checkpoint that files are, wherever they come from: every hash, size and type is checked.

        Args:
            files: The content of each file by its name.

        Raises:
            CheckpointMissing: There is no manifest among them.
            CheckpointCorrupt: A file is missing, damaged, or not the one that the manifest names.
            CheckpointFormatUnsupported: Another release wrote it.
        """
        if _MANIFEST not in files:
            raise CheckpointMissing(_MANIFEST)
        manifest = _to_manifest(files[_MANIFEST])
        contents = {name: _checked(name, files.get(name), digest) for name, digest in manifest.files.items()}
        try:
            config = TrainingConfig.from_json(json.loads(contents[_CONFIG]))
            validation = Validation.from_json(json.loads(contents[_VALIDATION]))
            validation.check(config)
            network = _network(config, load_tensors(contents[_WEIGHTS]))
        except (*_UNREADABLE, RuntimeError, SafetensorError, ForecastingError) as error:
            reason = f"its content does not fit together ({type(error).__name__})"
            raise CheckpointCorrupt("the checkpoint", reason) from error
        return cls(network, config, validation, manifest)


def _trained_until(panel: Panel, origin: Origin | None) -> str:
    """The last instant that the weights have learned from, wherever they did."""
    last = pd.Timestamp(max(one.last for one in panel))
    return (last if origin is None else max(last, pd.Timestamp(origin.manifest.trained_until))).isoformat()


def _network(config: TrainingConfig, weights: dict[str, Tensor]) -> ShootingNetwork:
    """The network of a configuration with these weights; none is made before their sizes are known to be its own."""
    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        expected = {name: value.shape for name, value in ShootingNetwork(config).state_dict().items()}
    if expected != {name: value.shape for name, value in weights.items()}:
        raise ValueError("weights of other sizes")
    with torch.random.fork_rng(devices=[]):
        network = ShootingNetwork(config)
    network.load_state_dict(weights)
    return network


def _contents(network: ShootingNetwork, config: TrainingConfig, validation: Validation) -> dict[str, bytes]:
    return {
        _WEIGHTS: save_tensors({name: value.contiguous() for name, value in network.state_dict().items()}),
        _CONFIG: _json(config.to_json()),
        _VALIDATION: _json(validation.to_json()),
    }


def _read_manifest(path: Path) -> Manifest:
    try:
        return _to_manifest((path / _MANIFEST).read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        raise CheckpointMissing(str(path)) from None


def _to_manifest(content: bytes) -> Manifest:
    try:
        found = json.loads(content)
        if found["format_version"] != FORMAT_VERSION:
            raise CheckpointFormatUnsupported(found["format_version"], FORMAT_VERSION)
        manifest = Manifest.from_json(found)
        manifest.check()
        agrees = set(manifest.files) == _NAMES - {_MANIFEST} and _digest(manifest.files) == manifest.digest
    except _UNREADABLE:
        raise CheckpointCorrupt(_MANIFEST, "it is not a manifest") from None
    if not agrees:
        raise CheckpointCorrupt(_MANIFEST, "its hashes do not give its digest")
    return manifest


def _checked(name: str, content: bytes | None, digest: str) -> bytes:
    if content is None:
        raise CheckpointCorrupt(name, "it is missing")
    if _hash(content) != digest:
        raise CheckpointCorrupt(name, "its content is not the one that was written")
    return content


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _digest(hashes: dict[str, str]) -> str:
    return _hash("".join(f"{name}\0{digest}\n" for name, digest in sorted(hashes.items())).encode())


def _json(content: dict[str, Any]) -> bytes:
    return (json.dumps(content, indent=2, sort_keys=True) + "\n").encode()

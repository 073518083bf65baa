"""A version as one file: its checkpoint, where it comes from, and a model card, in a tar."""

import json
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from app.stores.versions import Version
from model import Checkpoint

MODEL_CARD: Final = "README.md"
VERSION_FILE: Final = "version.json"
BUNDLE_FORMAT: Final = 1
_CHUNK_BYTES: Final = 256 * 2**10
_BLOCK_BYTES: Final = tarfile.BLOCKSIZE


def bundle(version: Version, folder: Path) -> Iterator[bytes]:
    """The tar of a version, piece by piece; the same version always gives the same model files.

    Args:
        version: The version.
        folder: Where its checkpoint is.

    Raises:
        CheckpointError: The checkpoint is damaged or gone; nothing was given out then.
    """
    Checkpoint.load(folder)
    names = sorted([*version.manifest.files, "manifest.json"])
    files = [(folder / name, (folder / name).stat().st_size) for name in names]
    return _tar(version, files)


def _tar(version: Version, files: list[tuple[Path, int]]) -> Iterator[bytes]:
    for name, content in ((MODEL_CARD, model_card(version)), (VERSION_FILE, _version_file(version))):
        raw = content.encode()
        yield _head(version, name, len(raw)) + raw + _padding(len(raw))
    for path, num_bytes in files:
        yield _head(version, path.name, num_bytes)
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                yield chunk
        yield _padding(num_bytes)
    yield b"\0" * (2 * _BLOCK_BYTES)


def _version_file(version: Version) -> str:
    """What a service that takes the bundle in keeps of where it comes from."""
    content = {
        "bundle_format": BUNDLE_FORMAT,
        "name": version.name,
        "version": version.number,
        "digest": version.digest,
        "report": version.report.to_json() if version.report else None,
    }
    return json.dumps(content, indent=2) + "\n"


def model_card(version: Version) -> str:
    """What one should know of a version before using it, in Markdown."""
    manifest = version.manifest
    facts = {
        "Version": str(version),
        "Digest": manifest.digest,
        "Trained": f"{manifest.created_at}, in {manifest.train_seconds:.0f} s on {manifest.device}",
        "Data": f"{manifest.num_series} series, {manifest.num_observations} observations, to {manifest.trained_until}",
        "Data digest": manifest.data_digest,
        "Training job": version.job_id or "none",
        "Dataset": version.dataset_id or "none",
        "Seed": str(manifest.seed),
        "Validation loss": f"{manifest.validation_loss:.6g}",
    }
    parts = [
        f"# {version}",
        "A shooting model for forecasting, trained by Longshot.",
        _table(("", ""), facts.items()),
        "## Scores",
        _scores(version),
        "## Calibration",
        "Intervals are calibrated by lead time on data held back; `validation.json` has what was measured.",
        "## Configuration",
        _table(("option", "value"), version.config.to_json().items()),
        "## Made with",
        _table(("library", "version"), manifest.versions.items()),
    ]
    return "\n\n".join(parts) + "\n"


def _scores(version: Version) -> str:
    report = version.report
    if report is None:
        return "None: the series were too short to hold something back."
    said = f"{report.num_forecasts} forecasts of {report.horizon} steps, held back from training."
    rows = ((one.method, f"{one.mase:.3f}", f"{one.smape:.2f}", f"{one.mae:.4g}") for one in report.scores)
    return f"{said}\n\n{_table(('method', 'MASE', 'sMAPE', 'MAE'), rows)}"


def _table(head: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    lines: list[tuple[object, ...]] = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def _head(version: Version, name: str, num_bytes: int) -> bytes:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode, entry.mtime = num_bytes, 0o644, int(version.created_at.timestamp())
    return entry.tobuf(tarfile.USTAR_FORMAT)


def _padding(num_bytes: int) -> bytes:
    return b"\0" * (-num_bytes % _BLOCK_BYTES)

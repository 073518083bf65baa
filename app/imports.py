"""A version taken in from a bundle: trusted in nothing, checked in everything, registered as a copy."""

import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from app.bundles import BUNDLE_FORMAT, MODEL_CARD, VERSION_FILE
from app.errors import NameInvalid
from app.stores.references import check_name
from app.stores.registry import Registry
from app.stores.versions import Origin, Version
from model import (
    BacktestReport,
    Checkpoint,
    CheckpointCorrupt,
    CheckpointFormatUnsupported,
    CheckpointMissing,
    ForecastingError,
)

_CHECKPOINT_FILES: Final = ("manifest.json", "model.safetensors", "config.json", "validation.json")
_KNOWN: Final = {*_CHECKPOINT_FILES, MODEL_CARD, VERSION_FILE}
_REPORT: Final = TypeAdapter(BacktestReport | None)
_COMPRESSED: Final = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zXZ")
_NO_TAR: Final = (tarfile.TarError, EOFError, OSError, ValueError, OverflowError, RecursionError)


class BundleError(ForecastingError):
    """A bundle that cannot be taken in."""


class BundleInvalid(BundleError):
    """A bundle that is not what an export gives."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"The bundle cannot be taken in: {reason}.",
            hint="Send the tar as GET …/bundle or 'longshot models export' gave it, unpacked and unchanged.",
        )
        self.reason = reason


class BundleFormatUnsupported(BundleError):
    """A bundle in a format that this release does not read, most likely because a newer one made it."""

    def __init__(self, what: str, found: object, supported: int) -> None:
        super().__init__(
            f"The {what} of the bundle is in format {str(found)[:40]}; this release reads format {supported}.",
            hint="Import it into the release that made it, or export it from a release that is no newer than this one.",
        )
        self.found = found
        self.supported = supported


class BundleNameless(BundleError):
    """A bundle that does not say which model it belongs to, imported without a name."""

    def __init__(self) -> None:
        super().__init__(
            "The bundle does not say which model it belongs to.", hint="Say under which name to register it."
        )


class _Description(BaseModel):
    """What a bundle says of itself."""

    model_config = ConfigDict(strict=True)

    name: Annotated[str, AfterValidator(check_name)]
    version: Annotated[int, Field(ge=1, le=2**31 - 1)]
    digest: str
    report: dict[str, Any] | None


@dataclass(frozen=True)
class Imported:
    """A version that was taken in.

    Attributes:
        version: It.
        is_new: Whether it was not there already.
    """

    version: Version
    is_new: bool


def import_bundle(registry: Registry, content: bytes, *, name: str | None = None) -> Imported:
    """Registers the version in a bundle as the next one of a name; one that this name has already is that one.

    No alias moves. What the bundle says of its origin and scores is kept as its claim; the checkpoint is checked.

    Args:
        registry: Where it goes.
        content: The tar.
        name: The model it will belong to; the one it belonged to, if left out.

    Raises:
        NameInvalid
        BundleInvalid: It is no bundle, is damaged, or holds what no bundle holds.
        BundleFormatUnsupported: A newer release made it.
        BundleNameless: Neither it nor the caller says the name.
    """
    files = _unpack(content)
    checkpoint = _checkpoint(files)
    origin, report = _origin(files.get(VERSION_FILE), checkpoint.manifest.digest)
    wanted = name or origin.name
    if wanted is None:
        raise BundleNameless
    kept = {one: files[one] for one in _CHECKPOINT_FILES}
    earlier = registry.with_digest(wanted, origin.digest)
    # Also if there is one already: its files may have been lost.
    version = registry.register(
        wanted, checkpoint, report=report, origin=origin, save=lambda folder: _write(folder, kept)
    )
    return Imported(version, is_new=earlier is None)


def _unpack(content: bytes) -> dict[str, bytes]:
    """The files of a tar, in memory: names are compared, never used as paths, and nothing grows."""
    files: dict[str, bytes] = {}
    if content.startswith(_COMPRESSED):
        raise BundleInvalid("it is compressed")
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as tar:
            for member in tar:
                if member.name not in _KNOWN or not member.isreg() or member.issparse():
                    raise BundleInvalid(f"it holds {member.name[:80]!r}, which no bundle holds")
                if member.name in files:
                    raise BundleInvalid(f"it holds {member.name!r} twice")
                file = tar.extractfile(member)
                files[member.name] = b"" if file is None else file.read()
    except _NO_TAR as error:
        raise BundleInvalid("it is not a tar, or not a whole one") from error
    missing = [one for one in _CHECKPOINT_FILES if one not in files]
    if missing:
        raise BundleInvalid(f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing")
    return files


def _checkpoint(files: Mapping[str, bytes]) -> Checkpoint:
    try:
        return Checkpoint.of_files(files)
    except CheckpointFormatUnsupported as error:
        raise BundleFormatUnsupported("checkpoint", error.found, error.supported) from error
    except (CheckpointCorrupt, CheckpointMissing) as error:
        raise BundleInvalid(error.detail.rstrip(".")) from error


def _origin(content: bytes | None, digest: str) -> tuple[Origin, BacktestReport | None]:
    """Where a bundle says that it comes from, and how it did there; one of an earlier release says nothing."""
    if content is None:
        return Origin(None, None, digest), None
    found = _parse(content)
    if found["bundle_format"] != BUNDLE_FORMAT:
        raise BundleFormatUnsupported("description", found["bundle_format"], BUNDLE_FORMAT)
    try:
        said = _Description.model_validate(found)
        report = _REPORT.validate_python(said.report)
    except (ValidationError, NameInvalid) as error:
        raise BundleInvalid(f"{VERSION_FILE} does not describe a version") from error
    if said.digest != digest:
        raise BundleInvalid(f"{VERSION_FILE} belongs to another checkpoint")
    return Origin(said.name, said.version, digest), report


def _parse(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise BundleInvalid(f"{VERSION_FILE} is no JSON") from error
    if not isinstance(found, dict) or "bundle_format" not in found:
        raise BundleInvalid(f"{VERSION_FILE} does not describe a version")
    return found


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)

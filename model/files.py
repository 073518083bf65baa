"""Files and folders that appear whole or not at all, and the files of a folder or of a tar."""

import os
import shutil
import tarfile
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A temporary place beside `path` to write a file or fill a folder in; moved to `path` once the block ends well.

    What was written is on the disk before it gets its name. After an error the temporary place is removed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        yield place / path.name
        _sync(place / path.name)
        (place / path.name).replace(path)
        _sync_one(path.parent)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def read_files(path: Path, names: Collection[str]) -> dict[str, bytes]:
    """The content of those files of a folder, or at the top of a tar, that have one of these names.

    Raises:
        FileNotFoundError: There is neither.
        tarfile.TarError: It is a file, and no tar.
    """
    if path.is_dir():
        return {one.name: one.read_bytes() for one in path.iterdir() if one.name in names}
    with tarfile.open(path, "r:") as archive:
        found = ((one.name, archive.extractfile(one)) for one in archive if one.name in names and one.isreg())
        return {name: file.read() for name, file in found if file is not None}


def _sync(path: Path) -> None:
    if path.is_dir():
        for child in path.iterdir():
            _sync(child)
    _sync_one(path)


def _sync_one(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

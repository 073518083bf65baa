"""Where files live: a folder in which things appear whole or not at all."""

import os
import re
import shutil
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Final

_KEY = re.compile(r"[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)*")
_DAY_SECONDS: Final = 86_400


class ArtifactStore:
    """Files and folders by key, such as `checkpoints/3fa…`; a stored one never changes.

    Args:
        folder: Where they live; made when first needed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, key: str) -> Path:
        """Where the artifact of a key is, or would be."""
        if not _KEY.fullmatch(key) or ".." in key:
            raise ValueError(f"{key!r} is no key: use lower-case letters, digits, '.', '_', '-', and '/' between parts")
        return self._folder / key

    def add(self, key: str, write: Callable[[Path], None]) -> Path:
        """Stores what `write` makes at the path it is given, a file or a folder; keeps what a key has already.

        A crash at any point leaves the artifact whole or absent; what was half written lies under `.partial`.
        """
        target = self.path(key)
        if target.exists():
            return target
        partial = self._folder / ".partial" / uuid.uuid4().hex
        partial.parent.mkdir(parents=True, exist_ok=True)
        try:
            write(partial)
            _flush_tree(partial)
            target.parent.mkdir(parents=True, exist_ok=True)
            _move(partial, target)
        finally:
            _remove(partial)
        return target

    def remove(self, key: str) -> None:
        """Removes the artifact of a key, if there is one."""
        _remove(self.path(key))

    def sweep(self) -> None:
        """Removes what crashes left half written; a day is longer than anything takes to write."""
        for partial in (self._folder / ".partial").glob("*"):
            if time.time() - partial.stat().st_mtime > _DAY_SECONDS:
                _remove(partial)


def _move(partial: Path, target: Path) -> None:
    try:
        partial.rename(target)
    except OSError:
        # A folder cannot replace a folder: another process stored the same key first.
        if not target.exists():
            raise
    _flush(target.parent)


def _flush_tree(path: Path) -> None:
    for one in (*path.rglob("*"), path):
        _flush(one)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)

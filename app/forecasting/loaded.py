"""Versions in memory: each loaded once, those least used dropped when it is short."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from model import Forecaster


class LoadedVersions:
    """Forecasters by digest: each loaded once, the least recently used dropped beyond a number of bytes.

    Args:
        max_bytes: Memory for all of them; the one in use is kept even if it alone takes more.
        load: Loads a checkpoint's folder.

    Attributes:
        num_found: How often a version asked for was in memory.
        num_missed: How often it was not.
    """

    def __init__(self, max_bytes: int, load: Callable[[Path], Forecaster] = Forecaster.load) -> None:
        self._max_bytes = max_bytes
        self._load = load
        self._lock = threading.Lock()
        self._loaded: OrderedDict[str, Forecaster] = OrderedDict()
        self._gates: dict[str, threading.Lock] = {}
        self.num_found = 0
        self.num_missed = 0

    def get(self, digest: str, path: Path) -> Forecaster:
        """The forecaster of a digest, from memory or from its folder.

        Raises:
            CheckpointError: The folder holds no usable checkpoint.
        """
        with self._lock:
            if digest in self._loaded:
                self.num_found += 1
                self._loaded.move_to_end(digest)
                return self._loaded[digest]
            self.num_missed += 1
            gate = self._gates.setdefault(digest, threading.Lock())
        with gate:
            with self._lock:
                found = self._loaded.get(digest)
            return found or self._keep(digest, self._load(path))

    def __len__(self) -> int:
        return len(self._loaded)

    @property
    def num_bytes(self) -> int:
        """Memory of all of them."""
        with self._lock:
            return self._num_bytes()

    def _num_bytes(self) -> int:
        return sum(one.num_bytes for one in self._loaded.values())

    def _keep(self, digest: str, forecaster: Forecaster) -> Forecaster:
        with self._lock:
            self._loaded[digest] = forecaster
            self._gates.pop(digest, None)
            while len(self._loaded) > 1 and self._num_bytes() > self._max_bytes:
                self._loaded.popitem(last=False)
        return forecaster

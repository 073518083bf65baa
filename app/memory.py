"""Memory that large requests took goes back to the system once they are answered."""

import ctypes
import threading
from typing import Any, Final

import pyarrow as pa

LARGE_BYTES: Final = 2**20
"""Of a request and its answer together, from which on it is worth to look for what is free."""

_ARENA_MAX, _TRIM_THRESHOLD, _MMAP_THRESHOLD = -8, -1, -3
_ALLOCATION: Final = {_ARENA_MAX: 2, _TRIM_THRESHOLD: 2**28, _MMAP_THRESHOLD: 2**25}
"""For mallopt, in whose header these numbers stand; thresholds in bytes."""


def share_arenas() -> None:
    """Lets all threads allocate from the same two arenas, each of which keeps the most that it ever held.

    What a request needs is then taken from there as well, and not from the system and back for each array of some
    mebibytes, until `Tidying` gives it back. Does nothing where the C library is not glibc.
    """
    if _glibc is not None:
        for option, value in _ALLOCATION.items():
            _glibc.mallopt(option, value)


class Tidying:
    """Gives back what is free, a moment after the first large request and once for all that came since.

    Args:
        after_seconds: How long that moment is: to give back what the next request takes again would cost it time.
    """

    def __init__(self, *, after_seconds: float = 10.0) -> None:
        self._after_seconds = after_seconds
        self._lock = threading.Lock()
        self._is_due = False

    def soon(self) -> None:
        """A large request was answered."""
        with self._lock:
            if self._is_due:
                return
            self._is_due = True
        timer = threading.Timer(self._after_seconds, self._tidy)
        timer.daemon = True
        timer.start()

    def _tidy(self) -> None:
        with self._lock:
            self._is_due = False
        pa.default_memory_pool().release_unused()
        if _glibc is not None:
            _glibc.malloc_trim(0)


def _find_glibc() -> Any:
    try:
        library = ctypes.CDLL(None)
    except (OSError, TypeError):
        return None
    return library if hasattr(library, "malloc_trim") and hasattr(library, "mallopt") else None


_glibc: Final = _find_glibc()

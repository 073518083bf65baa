"""Memory that large requests took goes back to the system once they are answered."""

import ctypes
import threading
from typing import Any, Final

import pyarrow as pa

LARGE_BYTES: Final = 2**20
"""Of a request and its answer together, from which on it is worth to look for what is free."""

_ARENA_MAX: Final = -8
_NUM_ARENAS: Final = 2


def share_arenas() -> None:
    """Lets all threads allocate from the same two arenas: each keeps the most that it ever held.

    Does nothing where the C library is not glibc.
    """
    if _glibc is not None:
        _glibc.mallopt(_ARENA_MAX, _NUM_ARENAS)


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

"""Errands: work done later in this process, one after another, its result kept for a while for who asked for it.

Unlike a job an errand does not outlive its process, and no other process knows it.
"""

import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, Literal

import structlog

from app.errors import ErrandsFull, JobNotCancellable, JobNotFound
from model import ForecastingError

ErrandState = Literal["queued", "running", "succeeded", "failed", "cancelled"]

_LIVE: Final = ("queued", "running")
_log = structlog.get_logger()


@dataclass
class _Errand:
    id: str
    owner: str
    timeout_seconds: float | None
    state: ErrandState = "queued"
    started: float = 0.0
    ended: float = 0.0
    result: bytes | None = None
    error: str | None = None

    @property
    def is_late(self) -> bool:
        """Whether it has run for longer than it may."""
        if self.state != "running" or self.timeout_seconds is None:
            return False
        return time.monotonic() - self.started > self.timeout_seconds

    def end(self, state: ErrandState, *, result: bytes | None = None, error: str | None = None) -> None:
        """Ends it, unless it has ended."""
        if self.state in _LIVE:
            self.state, self.result, self.error, self.ended = state, result, error, time.monotonic()


@dataclass(frozen=True)
class ErrandSeen:
    """An errand as it stood a moment ago.

    Attributes:
        id: `errand_…`.
        state: queued → running → succeeded, failed or cancelled.
        result: What it came to, once it has succeeded.
        error: Why it failed, if it did.
    """

    id: str
    state: ErrandState
    result: bytes | None
    error: str | None


class Errands:
    """Does errands on one thread.

    Args:
        max_live: How many may wait and run at once.
        max_kept_bytes: Of all results together; the oldest are dropped beyond it.
        keep_seconds: How long an errand that has ended is remembered.
    """

    def __init__(self, *, max_live: int = 32, max_kept_bytes: int = 2**28, keep_seconds: float = 3600.0) -> None:
        self._max_live = max_live
        self._max_kept_bytes = max_kept_bytes
        self._keep_seconds = keep_seconds
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="errand")
        self._lock = threading.Lock()
        self._errands: OrderedDict[str, _Errand] = OrderedDict()

    def submit(self, owner: str, work: Callable[[], bytes], *, timeout_seconds: float | None = None) -> str:
        """Takes an errand on; its id.

        Args:
            owner: Who may look at it.
            work: Gives its result.
            timeout_seconds: How long it may run; what it computes then is left to end unheard.

        Raises:
            ErrandsFull: As many as may be are live.
        """
        with self._lock:
            self._sweep()
            if sum(one.state in _LIVE for one in self._errands.values()) >= self._max_live:
                raise ErrandsFull(self._max_live)
            errand = _Errand(f"errand_{uuid.uuid4().hex}", owner, timeout_seconds)
            self._errands[errand.id] = errand
        self._thread.submit(self._do, errand, work)
        return errand.id

    def look(self, errand_id: str, owner: str) -> ErrandSeen:
        """An errand as it stands.

        Raises:
            JobNotFound: There is none, or it is somebody else's, or it has been forgotten.
        """
        with self._lock:
            self._sweep()
            found = self._find(errand_id, owner)
            return ErrandSeen(found.id, found.state, found.result, found.error)

    def cancel(self, errand_id: str, owner: str) -> None:
        """Ends an errand without a result; one that waits is never begun, one that runs is left to end unheard.

        Raises:
            JobNotFound: There is none, or it is somebody else's, or it has been forgotten.
            JobNotCancellable: It has ended.
        """
        with self._lock:
            self._sweep()
            found = self._find(errand_id, owner)
            if found.state not in _LIVE:
                raise JobNotCancellable(found.id, found.state)
            found.end("cancelled")

    def close(self) -> None:
        """Begins no more of them."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _find(self, errand_id: str, owner: str) -> _Errand:
        found = self._errands.get(errand_id)
        if found is None or found.owner != owner:
            raise JobNotFound(errand_id)
        return found

    def _do(self, errand: _Errand, work: Callable[[], bytes]) -> None:
        with self._lock:
            if errand.state != "queued":
                return
            errand.state, errand.started = "running", time.monotonic()
        try:
            result = work()
        except ForecastingError as error:
            with self._lock:
                errand.end("failed", error=str(error))
        except Exception as error:  # noqa: BLE001 - its owner is told that it failed, the operator why
            _log.error("an errand failed", errand_id=errand.id, exc_info=error)
            with self._lock:
                errand.end("failed", error=f"The service failed; its log names {errand.id}.")
        else:
            with self._lock:
                errand.end("succeeded", result=result)
                self._sweep()

    def _sweep(self) -> None:
        for one in self._errands.values():
            if one.is_late:
                one.end("failed", error=f"It did not end within the {one.timeout_seconds:g} seconds that it was given.")
        ended = sorted((one for one in self._errands.values() if one.state not in _LIVE), key=lambda one: one.ended)
        num_bytes = sum(len(one.result or b"") for one in ended)
        for one in ended[:-1]:
            if num_bytes > self._max_kept_bytes or time.monotonic() - one.ended > self._keep_seconds:
                num_bytes -= len(one.result or b"")
                del self._errands[one.id]

"""Keeps a worker process running beside the server."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Final

import structlog

from app.settings import Settings

_LONGEST_PAUSE_SECONDS: Final = 30.0
_STEADY_SECONDS: Final = 60.0
_log = structlog.get_logger()


class Supervisor:
    """Starts a worker, restarts it when it dies, and stops it in the end.

    The worker reads a pipe that this process holds open, so that it ends with this process however that ends.

    Args:
        settings: What the worker is to run with.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._worker: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._spawning = threading.Lock()
        self._watcher = threading.Thread(target=self._watch, name="supervisor", daemon=True)

    def start(self) -> None:
        """Starts the worker and watches over it from a thread."""
        self._spawn()
        self._watcher.start()

    def stop(self) -> None:
        """Stops the worker; kills it if it takes longer than `shutdown_seconds`."""
        with self._spawning:
            self._stopping.set()
        if self._worker is None:
            return
        self._worker.terminate()
        try:
            # The worker keeps to the same limit itself, and needs a moment to end after it.
            self._worker.wait(self._settings.shutdown_seconds + 2)
        except subprocess.TimeoutExpired:
            self._worker.kill()
        self._watcher.join()

    @property
    def worker_pid(self) -> int | None:
        """The process id of the worker, while there is one."""
        worker = self._worker
        return worker.pid if worker is not None and worker.poll() is None else None

    def _watch(self) -> None:
        pause = 1.0
        while self._worker is not None and not self._stopping.is_set():
            started = time.monotonic()
            code = self._worker.wait()
            if self._worker.stdin is not None:
                self._worker.stdin.close()
            pause = 1.0 if time.monotonic() - started > _STEADY_SECONDS else min(2 * pause, _LONGEST_PAUSE_SECONDS)
            if not self._stopping.is_set():
                _log.error("the worker has died and will be restarted", exit_code=code, pause_seconds=pause)
                self._stopping.wait(pause)
                self._spawn()

    def _spawn(self) -> None:
        with self._spawning:
            if self._stopping.is_set():
                return
            command = [sys.executable, "-P", "-m", "app.worker", "--supervised"]
            # A group of its own: Ctrl-C in a terminal reaches this process, which then stops the worker.
            self._worker = subprocess.Popen(
                command, stdin=subprocess.PIPE, env=_environment(self._settings), process_group=0
            )


def _environment(settings: Settings) -> dict[str, str]:
    package = str(Path(__file__).resolve().parents[1])
    return {**os.environ, **settings.to_environment(), "PYTHONPATH": package}

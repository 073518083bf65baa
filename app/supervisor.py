"""Keeps a worker process running beside the server."""

from app.settings import Settings


class Supervisor:
    """Starts a worker, restarts it when it dies, and stops it in the end.

    Args:
        settings: What the worker is to run with.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def start(self) -> None:
        """Starts the worker and watches over it from a thread."""
        raise NotImplementedError

    def stop(self) -> None:
        """Stops the worker; kills it if it takes longer than `shutdown_seconds`."""
        raise NotImplementedError

    @property
    def worker_pid(self) -> int | None:
        """The process id of the worker, while there is one."""
        raise NotImplementedError

"""The process that runs training jobs."""

from app.database import Database
from app.settings import Settings


def run_worker(settings: Settings, *, supervised: bool = False) -> None:
    """Runs queued jobs until SIGTERM or SIGINT; a job in work is left for the next worker to resume.

    Args:
        settings: Where to work.
        supervised: Whether to end as well once standard input ends, as it does when the supervisor dies.

    Raises:
        WorkerAlreadyRunning: The home folder has a worker.
    """
    raise NotImplementedError


def worker_alive(database: Database, *, within_seconds: float = 15.0) -> bool:
    """Whether a worker has lately said that it lives."""
    raise NotImplementedError

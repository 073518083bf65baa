"""The queue of jobs: durable workflows that a worker takes one by one."""

import sqlite3
import threading
import time
from collections.abc import Callable
from typing import Final

import sqlalchemy as sa
from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer

_QUEUE: Final = "training"
_WORKFLOW: Final = "training_job"


def _teach_the_time(connection: object, _: object) -> None:
    """Gives SQLite before 3.42 `unixepoch('subsec')`, which DBOS takes for granted on Python 3.12 and later."""
    if isinstance(connection, sqlite3.Connection):
        connection.create_function("unixepoch", 1, lambda _: time.time())


if sqlite3.sqlite_version_info < (3, 42):
    # DBOS makes its engines itself, so that only all of them can be told.
    sa.event.listen(sa.Engine, "connect", _teach_the_time)


class JobQueue:
    """The side of the queue that jobs are put in at; connects when first used.

    Args:
        url: The database of the workflows.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._client: DBOSClient | None = None
        self._connecting = threading.Lock()
        self._queued: set[str] = set()

    def enqueue(self, ticket: str) -> None:
        """Queues the workflow of a job; does nothing if it is there already."""
        if ticket in self._queued:
            return
        with self._connecting:
            if self._client is None:
                DBOS.migrate(self._url)
                self._client = DBOSClient(
                    system_database_url=self._url,
                    serializer=DBOSPortableJSONSerializer(),
                    application_name="longshot",
                    retry_connection_errors=False,
                )
        self._client.enqueue(
            {"workflow_name": _WORKFLOW, "queue_name": _QUEUE, "workflow_id": ticket, "app_version": "1"}, ticket
        )
        self._queued.add(ticket)

    def close(self) -> None:
        """Closes the connection."""
        with self._connecting:
            if self._client is not None:
                self._client.destroy()
                self._client = None


def run_workflows(jobs_url: str, *, worker_id: str, work: Callable[[str], None]) -> None:
    """Starts to run queued jobs on a thread, one at a time, those first that an earlier process of this worker left.

    Args:
        jobs_url: The database of the workflows.
        worker_id: The same for every process that may go on with the same jobs.
        work: Does the job of a ticket; it is called again with that ticket if the process dies before it returns.
    """
    DBOS(
        config={
            "name": "longshot",
            "system_database_url": jobs_url,
            "executor_id": worker_id,
            # A constant: a new release goes on with the jobs of the one before.
            "application_version": "1",
            "serializer": DBOSPortableJSONSerializer(),
            "log_level": "WARNING",
        }
    )

    # The jobs count their attempts themselves, and only those that got no further.
    @DBOS.workflow(name=_WORKFLOW, max_recovery_attempts=1_000_000)
    def training_job(ticket: str) -> None:
        work(ticket)

    DBOS.launch()
    DBOS.register_queue(_QUEUE, worker_concurrency=1, polling_interval_sec=0.5)


def job_of(ticket: str) -> str:
    """The id of the job that a ticket of the queue stands for."""
    return ticket.partition(".")[0]

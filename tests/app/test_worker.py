from datetime import timedelta

from app.database import Database, WorkerRow, now
from app.worker import worker_alive


def test_a_worker_is_alive_as_long_as_it_says_so(database: Database) -> None:
    assert not worker_alive(database)
    seen_at = now() - timedelta(seconds=60)
    with database.writing() as session:
        session.add(WorkerRow(id="worker-1", pid=1, started_at=seen_at, seen_at=seen_at))
    assert not worker_alive(database, within_seconds=15)
    assert worker_alive(database, within_seconds=90)

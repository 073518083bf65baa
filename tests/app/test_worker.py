import os
import threading
from datetime import timedelta

from app.stores.database import Database, now
from app.stores.tables import WorkerRow
from app.worker import worker_alive
from app.workshop import stand_back


def test_a_worker_is_alive_as_long_as_it_says_so(database: Database) -> None:
    assert not worker_alive(database)
    seen_at = now() - timedelta(seconds=60)
    with database.writing() as session:
        session.add(WorkerRow(id="worker-1", pid=1, started_at=seen_at, seen_at=seen_at))
    assert not worker_alive(database, within_seconds=15)
    assert worker_alive(database, within_seconds=90)


def test_a_job_stands_back_for_a_core_and_the_rest_of_its_worker_does_not() -> None:
    found: list[int] = []

    def work() -> None:
        for _ in range(2):
            stand_back(3)
            found.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

    before = os.getpriority(os.PRIO_PROCESS, os.getpid())
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [min(19, before + 3)] * 2
    assert os.getpriority(os.PRIO_PROCESS, os.getpid()) == before

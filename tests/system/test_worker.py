"""Real worker processes, ended in every way that they can end."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.jobs.jobs import Jobs
from app.jobs.values import BacktestRequest, Job, JobState, TrainingRequest
from app.settings import Settings
from app.stores.artifacts import ArtifactStore
from app.stores.database import Database, migrate
from app.stores.datasets import Datasets
from app.stores.references import PRODUCTION
from app.stores.registry import Registry
from app.supervisor import Supervisor
from app.training_jobs import submit
from app.worker import worker_alive
from model import Panel, Series, TrainingOptions

pytestmark = pytest.mark.system

SHORT = TrainingOptions(
    horizon=6, context_length=24, state_size=4, num_particles=2, num_epochs=3, steps_per_epoch=2, batch_size=4
)
LONG = replace(SHORT, num_epochs=6, steps_per_epoch=60)
ENDLESS = replace(SHORT, num_epochs=10_000, steps_per_epoch=20)


class Workplace:
    """A home folder, and the worker processes started on it."""

    def __init__(self, home: Path) -> None:
        self.settings = Settings(home=home, shutdown_seconds=10, training_threads=1, log_format="json")
        self.database = Database(self.settings.database_url)
        migrate(self.database)
        artifacts = ArtifactStore(self.settings.artifacts_path)
        self.datasets = Datasets(self.database, artifacts)
        self.registry = Registry(self.database, artifacts)
        self.jobs = Jobs(self.database, self.settings.jobs_url)
        self.workers: list[subprocess.Popen[str]] = []

    def submit(self, options: TrainingOptions, name: str = "m") -> Job:
        return submit(self.jobs, self.registry, self.datasets, TrainingRequest(name, self.dataset_id(), options))

    def dataset_id(self) -> str:
        steps = np.arange(160)
        values = 10 + np.sin(2 * np.pi * steps / 24) + 0.1 * np.random.default_rng(0).normal(size=160)
        return self.datasets.add(Panel((Series.from_grid("a", "2026-01-01T00:00:00Z", "h", values),))).id

    def start_worker(self, *arguments: str) -> subprocess.Popen[str]:
        worker = subprocess.Popen(
            [sys.executable, "-m", "app.worker", *arguments],
            env={**os.environ, **self.settings.to_environment(), "OMP_NUM_THREADS": "1"},
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.workers.append(worker)
        return worker

    def wait_for(self, job: Job, *states: JobState) -> Job:
        wait_until(lambda: self.jobs.get(job.id).state in states, f"{job.id} to be {states}")
        return self.jobs.get(job.id)

    def wait_for_epoch(self, job: Job, epoch: int) -> None:
        wait_until(lambda: self.jobs.get(job.id).epoch >= epoch, f"epoch {epoch}")

    def close(self) -> None:
        for worker in self.workers:
            worker.kill()
            worker.communicate()
        self.jobs.close()
        self.database.close()


@pytest.fixture
def workplace(tmp_path: Path) -> Iterator[Workplace]:
    workplace = Workplace(tmp_path)
    yield workplace
    workplace.close()


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"waited {seconds} seconds for {what}"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_a_job_whose_worker_is_killed_goes_on_with_the_next_and_ends_once(workplace: Workplace) -> None:
    job = workplace.submit(LONG)
    first = workplace.start_worker()
    workplace.wait_for_epoch(job, 2)
    first.kill()
    first.wait()
    left = workplace.jobs.get(job.id)
    assert left.state == "running"
    workplace.start_worker()
    done = workplace.wait_for(job, "succeeded", "failed")
    assert (done.state, done.version, done.attempts) == ("succeeded", 1, 2), done.failure
    assert [one.epoch for one in done.losses] == [*range(1, done.epoch + 1)]
    assert done.losses[: left.epoch] == left.losses[: left.epoch]
    assert len(workplace.registry.versions("m")) == len(workplace.registry.history("m", PRODUCTION)) == 1


def test_a_backtest_whose_worker_is_killed_is_done_anew_and_ends_once(workplace: Workplace) -> None:
    worker = workplace.start_worker()
    trained = workplace.wait_for(workplace.submit(SHORT), "succeeded", "failed")
    one = workplace.datasets.panel(trained.request.dataset_id).series[0]
    panel = Panel(tuple(replace(one, item_id=f"item-{number}") for number in range(100)))
    request = BacktestRequest("m/1", "m", 1, workplace.datasets.add(panel).id, num_cutoffs=100, stride=1)
    job = workplace.jobs.submit(request)
    wait_until(lambda: workplace.jobs.get(job.id).progress > 0, "the backtest to get on")
    worker.kill()
    worker.wait()
    assert workplace.jobs.get(job.id).state == "running"
    workplace.start_worker()
    done = workplace.wait_for(job, "succeeded", "failed")
    assert (done.state, done.attempts) == ("succeeded", 2), done.failure
    assert done.report is not None
    assert done.report.num_forecasts == 10_000


def test_sigterm_leaves_the_job_for_the_next_worker_and_jobs_queued_meanwhile_are_done(workplace: Workplace) -> None:
    job = workplace.submit(LONG)
    first = workplace.start_worker()
    workplace.wait_for_epoch(job, 1)
    first.send_signal(signal.SIGTERM)
    assert first.wait(timeout=10) == 0
    assert workplace.jobs.get(job.id).state == "running"
    assert not worker_alive(workplace.database)
    later = workplace.submit(SHORT, "n")
    workplace.start_worker()
    assert workplace.wait_for(job, "succeeded", "failed").version == 1
    assert workplace.wait_for(later, "succeeded", "failed").version == 1


def test_a_job_is_cancelled_whether_queued_or_running_and_the_worker_goes_on(workplace: Workplace) -> None:
    running, queued = workplace.submit(ENDLESS), workplace.submit(ENDLESS)
    worker = workplace.start_worker()
    workplace.wait_for_epoch(running, 1)
    assert workplace.jobs.cancel(queued.id).state == "cancelled"
    assert workplace.jobs.cancel(running.id).cancel_requested
    workplace.wait_for(running, "cancelled")
    assert workplace.wait_for(workplace.submit(SHORT), "succeeded").version == 1
    assert workplace.jobs.get(queued.id).attempts == 0
    assert worker.poll() is None


def test_a_job_that_fails_tells_why_and_the_worker_goes_on(workplace: Workplace) -> None:
    job = workplace.submit(SHORT)
    (file,) = workplace.settings.artifacts_path.glob("datasets/*")
    content = file.read_bytes()
    file.write_bytes(content[:100])
    worker = workplace.start_worker()
    failed = workplace.wait_for(job, "failed", "succeeded")
    assert failed.failure is not None
    assert failed.failure.code == "dataset_corrupt"
    file.write_bytes(content)
    assert workplace.wait_for(workplace.submit(SHORT), "succeeded").version == 1
    assert worker.poll() is None


def test_a_second_worker_waits_for_the_first_to_end_and_says_so_if_it_does_not(workplace: Workplace) -> None:
    workplace.settings = replace(workplace.settings, shutdown_seconds=1)
    first = workplace.start_worker()
    wait_until(lambda: worker_alive(workplace.database), "the first worker")
    second = workplace.start_worker()
    _, said = second.communicate(timeout=30)
    assert second.returncode == 1
    assert f"Another worker (process {first.pid}) is running" in said
    assert "Traceback" not in said


def test_a_job_that_was_never_queued_is_found_by_the_worker(workplace: Workplace, tmp_path: Path) -> None:
    elsewhere = Jobs(workplace.database, f"sqlite:///{tmp_path}/elsewhere.db")
    job = elsewhere.submit(TrainingRequest("m", workplace.dataset_id(), SHORT))
    elsewhere.close()
    workplace.start_worker()
    assert workplace.wait_for(job, "succeeded", "failed").version == 1


def test_a_supervised_worker_is_restarted_when_it_dies_and_stopped_in_the_end(workplace: Workplace) -> None:
    supervisor = Supervisor(workplace.settings)
    supervisor.start()
    try:
        wait_until(lambda: worker_alive(workplace.database), "the worker")
        first = supervisor.worker_pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: supervisor.worker_pid not in (None, first), "another worker")
        second = supervisor.worker_pid
        assert second is not None
        assert workplace.wait_for(workplace.submit(SHORT), "succeeded").version == 1
    finally:
        supervisor.stop()
    assert supervisor.worker_pid is None
    assert not alive(second)


def test_a_worker_does_not_outlive_a_killed_server(workplace: Workplace) -> None:
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER],
        env={**os.environ, **workplace.settings.to_environment()},
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        pid = int(server.stdout.readline())
        job = workplace.submit(ENDLESS)
        workplace.wait_for_epoch(job, 1)
    finally:
        server.kill()
        server.communicate()
    wait_until(lambda: not alive(pid), "the worker to end", seconds=20)
    assert workplace.jobs.get(job.id).state == "running"


SERVER = """
import time
from app.settings import Settings
from app.supervisor import Supervisor

supervisor = Supervisor(Settings.from_environment())
supervisor.start()
print(supervisor.worker_pid, flush=True)
time.sleep(600)
"""


def test_submitting_trains_nothing_in_its_own_process(workplace: Workplace) -> None:
    job = workplace.submit(SHORT)
    time.sleep(3)
    assert workplace.jobs.get(job.id).state == "queued"

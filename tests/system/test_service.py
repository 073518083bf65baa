"""A real `longshot serve`, asked over a real network, and ended in every way that it can end."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
import sqlalchemy as sa

from app.settings import Settings
from app.stores.artifacts import ArtifactStore
from app.stores.database import Database, migrate
from app.stores.references import PRODUCTION
from app.stores.registry import Registry
from app.stores.tables import WorkerRow
from model import Panel, Series, TrainingOptions, choose_config, fit

pytestmark = pytest.mark.system

LONGSHOT = Path(sys.executable).with_name("longshot")
TRAINING = {
    "horizon": 6,
    "context_length": 24,
    "state_size": 4,
    "num_particles": 2,
    "num_epochs": 2,
    "steps_per_epoch": 2,
    "batch_size": 4,
}
VALUES = [round(value, 4) for value in (10 + np.sin(np.arange(160) / 4)).tolist()]
SERIES = {"item_id": "a", "start": "2026-01-01T00:00:00Z", "freq": "h", "target": VALUES}
QUESTION = {"model": "m", "series": [SERIES], "horizon": {"steps": 3}}
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")


class Service:
    """A home folder, with one tiny version unless there is to be none, and the services started on it."""

    def __init__(self, home: Path, *, has_version: bool = True, database_url: str = "") -> None:
        self.settings = Settings(
            home=home / "home", port=0, shutdown_seconds=8, training_threads=1, database_url=database_url
        )
        self.settings.make_home()
        self.log = home / "serve.log"
        self.database = Database(self.settings.database_url)
        migrate(self.database)
        self.processes: list[subprocess.Popen[str]] = []
        self.client = httpx.Client(timeout=30)
        if has_version:
            self._register()

    def _register(self) -> None:
        panel = Panel((Series.from_grid("a", SERIES["start"], "h", VALUES),))
        registry = Registry(self.database, ArtifactStore(self.settings.artifacts_path))
        registry.register("m", fit(panel, choose_config(panel, TrainingOptions(**TRAINING))))
        registry.point_alias("m", PRODUCTION, 1, actor="test")

    def start(self) -> subprocess.Popen[str]:
        with self.log.open("a") as log:
            process = subprocess.Popen(
                [LONGSHOT, "serve"],
                env={**os.environ, **self.settings.to_environment(), "OMP_NUM_THREADS": "1"},
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        self.processes.append(process)
        address = ADDRESS.search(process.stdout.readline())
        assert address, self.log.read_text()
        self.client.base_url = address.group()
        wait_until(self.is_ready, "the service to be ready", log=self.log)
        return process

    @property
    def address(self) -> str:
        """Host and port."""
        return str(self.client.base_url).removeprefix("http://").rstrip("/")

    def is_ready(self) -> bool:
        try:
            return self.client.get("/readyz").is_success
        except httpx.TransportError:
            return False

    def ask(self) -> dict:
        response = self.client.post("/v1/forecasts", json=QUESTION)
        assert response.status_code == 200, response.text
        return response.json()

    def train(self, **fields: object) -> str:
        body = {"model": "m", "series": [SERIES], "options": TRAINING, "policy": "promote"} | fields
        response = self.client.post("/v1/training-jobs", json=body)
        assert response.status_code == 202, response.text
        return response.headers["location"]

    def worker_pids(self) -> set[int]:
        with self.database.reading() as session:
            return {pid for pid in session.scalars(sa.select(WorkerRow.pid)) if alive(pid)}

    def close(self) -> None:
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdout.close()
        self.client.close()
        self.database.close()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    service = Service(tmp_path)
    yield service
    service.close()


def wait_until(condition: Callable[[], bool], what: str, *, seconds: float = 60, log: Path | None = None) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"waited {seconds} s for {what}\n{log.read_text() if log else ''}"
        time.sleep(0.1)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_version_trained_over_http_serves_without_a_restart_or_a_failed_request(service: Service) -> None:
    service.start()
    assert service.ask()["model"]["version"] == 1
    versions: list[int] = []
    trained = threading.Event()

    def keep_asking() -> None:
        while not trained.is_set():
            versions.append(service.ask()["model"]["version"])
            time.sleep(0.02)

    asking = threading.Thread(target=keep_asking)
    asking.start()
    try:
        job = service.train()
        wait_until(lambda: service.client.get(job).json()["state"] == "succeeded", "the training", log=service.log)
        wait_until(lambda: bool(versions) and versions[-1] == 2, "the new version to answer", seconds=10)
    finally:
        trained.set()
        asking.join()
    assert versions == sorted(versions)
    assert service.client.get(job).json()["progress"] == 1.0
    assert service.client.get("/v1/models/m").json()["aliases"] == {"production": 2}
    service.client.put("/v1/models/m/aliases/production", json={"version": 1})
    assert service.ask()["model"]["version"] == 1


def test_a_running_training_is_cancelled_over_http(service: Service) -> None:
    service.start()
    job = service.train(options=TRAINING | {"num_epochs": 10_000, "steps_per_epoch": 50})
    wait_until(lambda: service.client.get(job).json()["state"] == "running", "the training to run", log=service.log)
    assert service.client.post(f"{job}/cancel").status_code == 202
    wait_until(lambda: service.client.get(job).json()["state"] == "cancelled", "the training to stop", log=service.log)
    assert service.client.get("/v1/models/m").json()["latest_version"] == 1


def test_a_killed_service_leaves_no_worker_and_serves_the_same_after_a_restart(service: Service) -> None:
    process = service.start()
    before = service.ask()
    workers = service.worker_pids()
    assert workers
    process.kill()
    process.wait()
    wait_until(lambda: not any(map(alive, workers)), "the worker to end with its service", seconds=20, log=service.log)
    service.start()
    after = service.ask()
    assert after["model"] == before["model"]
    assert after["forecasts"] == before["forecasts"]
    assert len(service.worker_pids()) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_service_ends_in_time_and_in_order(service: Service, number: signal.Signals) -> None:
    process = service.start()
    service.train(options=TRAINING | {"num_epochs": 10_000, "steps_per_epoch": 50})
    workers = service.worker_pids()
    started = time.monotonic()
    process.send_signal(number)
    assert process.wait(service.settings.shutdown_seconds + 5) == 0
    assert time.monotonic() - started < service.settings.shutdown_seconds + 4
    assert not any(map(alive, workers))
    assert "Traceback" not in service.log.read_text()


def test_a_worker_that_is_killed_comes_back_and_readiness_says_so(service: Service) -> None:
    service.start()
    (first,) = service.worker_pids()
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: bool(service.worker_pids() - {first}), "another worker", log=service.log)
    wait_until(service.is_ready, "the service to be ready", log=service.log)


def test_a_body_of_100_mb_is_refused_announced_or_chunked(service: Service) -> None:
    service.start()
    chunk = b" " * 1_000_000
    for content in (chunk * 100, (chunk for _ in range(100))):
        response = service.client.post("/v1/forecasts", content=content, headers={"content-type": "application/json"})
        assert (response.status_code, response.json()["code"]) == (413, "body_too_large")
    assert service.ask()["model"]["version"] == 1

"""A real PostgreSQL instead of SQLite: versions, datasets, jobs and a training go through it."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from app.stores.database import Database, migrate
from tests.system.test_service import QUESTION, SERIES, TRAINING, Service, wait_until

pytestmark = pytest.mark.system

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
FOUND = shutil.which("initdb", path=os.pathsep.join(map(str, [*reversed(PROGRAMS), os.environ["PATH"]])))


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A server of its own, on a free port; it does not run as root, so another user of the machine has to."""
    if FOUND is None:
        pytest.skip("PostgreSQL is not installed")
    programs = Path(FOUND).parent
    other = {"user": pwd.getpwnam("nobody").pw_uid} if os.getuid() == 0 else {}
    with TemporaryDirectory(dir="/tmp") as folder:
        os.chmod(folder, 0o777)  # noqa: PTH101
        data = Path(folder) / "data"
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        words = [programs / "initdb", "-D", data, "-A", "trust", "-U", "longshot", "-N", "-E", "UTF8", "--locale=C"]
        subprocess.run(words, check=True, capture_output=True, cwd=folder, timeout=60, **other)
        server = subprocess.Popen(
            [programs / "postgres", "-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", folder, "-F"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder, **other,
        )  # fmt: skip
        try:
            ready = [programs / "pg_isready", "-h", "127.0.0.1", "-p", str(port)]
            wait_until(lambda: subprocess.run(ready, capture_output=True, check=False).returncode == 0, "PostgreSQL")
            yield f"postgresql://longshot@127.0.0.1:{port}/postgres"
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(20)


def test_tables_are_made_once_however_often_a_service_starts(url: str) -> None:
    for _ in range(2):
        database = Database(url)
        migrate(database)
        database.close()


def test_a_training_through_postgresql_serves_a_version_and_what_came_true_is_kept(url: str, tmp_path: Path) -> None:
    service = Service(tmp_path, has_version=False, database_url=url)
    service.start()
    try:
        _learn_and_forecast(service)
    finally:
        service.close()


def _learn_and_forecast(service: Service) -> None:
    client = service.client
    dataset = client.post("/v1/datasets", json={"series": [SERIES]}).json()["id"]
    key = {"Idempotency-Key": "once"}
    training = {"model": "m", "dataset": dataset, "options": TRAINING}
    jobs = [client.post("/v1/training-jobs", json=training, headers=key).json()["id"] for _ in range(2)]
    assert jobs[0] == jobs[1]

    def state() -> str:
        return str(client.get(f"/v1/training-jobs/{jobs[0]}").json()["state"])

    wait_until(lambda: state() in ("succeeded", "failed"), "the training", log=service.log)
    assert state() == "succeeded", client.get(f"/v1/training-jobs/{jobs[0]}").text
    by_dataset = QUESTION | {"series": [{"dataset": dataset, "item_id": "a"}]}
    forecast = client.post("/v1/forecasts", json=by_dataset).json()["forecasts"][0]
    came = {"item_id": "a", "timestamps": forecast["timestamps"], "target": forecast["mean"]}
    assert client.post(f"/v1/datasets/{dataset}/observations", json={"series": [came]}).json()["num_added"] == 3
    assert client.get("/v1/models/m/versions/1").json()["realised"]["num_scored"] == 3
    moved = client.put("/v1/models/m/aliases/staging", json={"version": 1}, headers={"If-None-Match": "*"})
    assert moved.status_code == 200
    assert 'longshot_jobs{kind="train",state="succeeded"} 1.0' in client.get("/metrics").text
    actions = [one["action"] for one in client.get("/v1/audit-log").json()["data"]]
    assert {"job.submitted", "alias.moved"} <= set(actions)

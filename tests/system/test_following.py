"""A training followed live over a real network, while it is cut off, cancelled and resumed."""

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.system.test_service import TRAINING, Service, wait_until

pytestmark = pytest.mark.system

SLOW = TRAINING | {"num_epochs": 12, "steps_per_epoch": 60}
ENDLESS = TRAINING | {"num_epochs": 10_000, "steps_per_epoch": 60}


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    service = Service(tmp_path)
    service.start()
    yield service
    service.close()


def follow(service: Service, job: str, after: int = 0) -> Iterator[tuple[int, dict]]:
    headers = {"Last-Event-ID": str(after)} if after else {}
    with service.client.stream("GET", f"{job}/events", headers=headers) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        found: dict[str, str] = {}
        for line in response.iter_lines():
            name, _, value = line.partition(": ")
            if name:
                found[name] = value
            elif "id" in found:
                yield int(found["id"]), json.loads(found["data"])
                found = {}


def test_a_training_is_followed_across_cuts_cancelled_and_resumed_to_its_end(service: Service) -> None:
    job = service.train(options=SLOW)
    events: list[tuple[int, dict]] = []
    for event in follow(service, job):
        events.append(event)
        if event[1]["epoch"] == 2:
            break
    assert service.client.post(f"{job}/cancel").status_code == 202
    events += follow(service, job, after=events[-1][0])
    assert events[-1][1]["state"] == "cancelled"
    done = events[-1][1]["epoch"]
    assert service.client.post(f"{job}/resume").status_code == 202
    events += follow(service, job, after=events[-1][0])
    assert [number for number, _ in events] == list(range(1, len(events) + 1))
    assert [one["epoch"] for _, one in events if one["train_loss"] is not None] == [*range(1, 13)]
    assert (events[-1][1]["state"], events[-1][1]["version"]) == ("succeeded", 2)
    assert 2 <= done < 12
    again = service.client.get(f"{job}/events", headers={"Last-Event-ID": str(len(events))})
    assert (again.status_code, again.content) == (204, b"")


def test_an_open_stream_does_not_hold_up_the_end_of_the_service(service: Service) -> None:
    job = service.train(options=ENDLESS)
    stream = follow(service, job)
    next(stream)
    service.processes[0].send_signal(signal.SIGTERM)
    started = time.monotonic()
    for _ in stream:
        pass
    wait_until(lambda: service.processes[0].poll() is not None, "the service to end", log=service.log)
    assert service.processes[0].returncode == 0
    assert time.monotonic() - started < service.settings.shutdown_seconds


def test_followers_that_go_away_leave_nothing_behind(tmp_path: Path) -> None:
    service = Service(tmp_path)
    service.settings = type(service.settings)(**{**vars(service.settings), "max_concurrent_requests": 3})
    service.start()
    try:
        job = service.train(options=ENDLESS)
        for _ in range(12):
            with (
                httpx.Client(base_url=service.client.base_url, timeout=30) as client,
                client.stream("GET", f"{job}/events") as response,
            ):
                assert response.status_code == 200
                next(response.iter_lines())
            time.sleep(0.2)
        assert service.ask()["model"]["version"] == 1
    finally:
        service.close()

import json
import threading
from collections.abc import Iterator

import httpx
import pytest

from app.jobs.events import JobEvents
from app.jobs.jobs import Jobs
from app.jobs.ledger import JobLedger
from app.jobs.values import JobFailure, TrainingRequest
from app.settings import Settings
from model import Progress, TrainingOptions
from tests.app.conftest import Client, serve

REQUEST = TrainingRequest("m", "ds_1", TrainingOptions(horizon=6))


@pytest.fixture
def client(settings: Settings) -> Iterator[Client]:
    with serve(settings) as client:
        yield client


def progress(epoch: int, *, loss: float = 1.0) -> Progress:
    return Progress(epoch, 4, loss, loss + 1, loss + 1, 5.0, 45.0, 100, 6400)


def run_one(jobs: Jobs, ledger: JobLedger) -> str:
    job = jobs.submit(REQUEST)
    ledger.start(job.id)
    for epoch in (1, 2, 2, 3, 4):
        ledger.record_epoch(job.id, progress(epoch, loss=1 / epoch))
    ledger.succeed(job.id, 7, "production now points at version 7.")
    return job.id


def follow(client: Client, job_id: str, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.get(f"/v1/training-jobs/{job_id}/events", headers=named)


def told(response: httpx.Response) -> list[tuple[int, str, dict]]:
    assert response.headers["content-type"].startswith("text/event-stream")
    parts = [part for part in response.text.split("\n\n") if part and not part.startswith(":")]
    fields = [dict(line.split(": ", 1) for line in part.split("\n")) for part in parts]
    return [(int(one["id"]), one["event"], json.loads(one["data"])) for one in fields]


def test_every_state_and_every_epoch_is_told_once_and_in_order(client, jobs, ledger):
    events = told(follow(client, run_one(jobs, ledger)))
    assert [number for number, _, _ in events] == list(range(1, 8))
    assert [data["state"] if kind == "state" else data["epoch"] for _, kind, data in events] == [
        *("queued", "running", 1, 2, 3, 4, "succeeded")
    ]
    assert events[3][2]["train_loss"] == 0.5
    assert events[3][2]["progress"] == 0.5
    last = events[-1][2]
    assert (last["version"], last["detail"], last["progress"]) == (7, "production now points at version 7.", 1.0)


@pytest.mark.parametrize("received", range(7))
def test_a_stream_cut_anywhere_goes_on_without_loss_or_repetition(client, jobs, ledger, received):
    job_id = run_one(jobs, ledger)
    everything = told(follow(client, job_id))
    assert told(follow(client, job_id, last_event_id=str(received))) == everything[received:]


def test_whoever_was_told_the_end_is_told_not_to_come_back(client, jobs, ledger):
    response = follow(client, run_one(jobs, ledger), last_event_id="7")
    assert (response.status_code, response.content) == (204, b"")


def test_a_stream_follows_a_job_until_its_end(client, jobs, ledger):
    job = jobs.submit(REQUEST)

    def work() -> None:
        ledger.start(job.id)
        ledger.record_epoch(job.id, progress(1))
        ledger.fail(job.id, JobFailure("training_diverged", "It diverged.", "Lower learning_rate."))

    worker = threading.Timer(0.3, work)
    worker.start()
    events = told(follow(client, job.id))
    worker.join()
    assert [data["state"] for _, _, data in events] == ["queued", "running", "running", "failed"]
    assert events[-1][2]["detail"] == "It diverged."


def test_an_epoch_repeated_after_a_crash_is_told_once_unless_it_differs(jobs, ledger, database):
    job = jobs.submit(REQUEST)
    ledger.start(job.id)
    for loss in (1.0, 1.0, 0.5):
        ledger.record_epoch(job.id, progress(1, loss=loss))
    found = JobEvents(database).since(job.id, 2)
    assert [one.train_loss for one in found.items] == [1.0, 0.5]
    assert not found.is_last


def test_streams_end_when_the_service_stops(client, jobs, monkeypatch):
    job = jobs.submit(REQUEST)
    # It stops once the stream has looked for news the first time, however long that takes.
    monkeypatch.setattr(client.application.state.resources.leaving, "is_set", iter([False, True]).__next__)
    assert len(told(follow(client, job.id))) == 1


def test_what_cannot_be_followed_is_refused_before_the_stream_begins(client, jobs, ledger):
    assert follow(client, "job_unknown").json()["code"] == "job_not_found"
    refused = follow(client, run_one(jobs, ledger), last_event_id="x")
    assert (refused.status_code, refused.json()["code"]) == (400, "event_id_invalid")

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.errors import JobNotResumable
from app.jobs.events import JobEvents
from app.jobs.jobs import Jobs
from app.jobs.ledger import JobLedger
from app.jobs.values import Job, JobFailure, TrainingRequest
from app.settings import Settings
from app.stores.database import Database
from app.stores.datasets import Datasets
from app.stores.registry import Registry
from app.stores.versions import Version
from app.training_jobs import resume, run_job
from model import TrainingCancelled
from tests.app.conftest import TINY, Client, make_panel, serve


@pytest.fixture
def client(settings: Settings) -> Iterator[Client]:
    with serve(settings) as client:
        yield client


@pytest.fixture
def folder(settings: Settings) -> Path:
    return settings.training_path


def stop_after_one_epoch(
    job: Job, registry: Registry, datasets: Datasets, jobs: Jobs, ledger: JobLedger, folder: Path
) -> None:
    assert ledger.start(job.id)
    with pytest.raises(TrainingCancelled):
        run_job(job, registry, datasets, ledger, folder=folder, should_stop=lambda: jobs.get(job.id).epoch == 1)
    ledger.end_cancelled(job.id)


def weights(registry: Registry, version: Version) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in registry.checkpoint_path(version).glob("*.safetensors")}


def test_a_resumed_training_comes_to_the_weights_of_an_undisturbed_one(registry, datasets, jobs, ledger, folder):
    dataset = datasets.add(make_panel())
    undisturbed, stopped = (jobs.submit(TrainingRequest("m", dataset.id, TINY)) for _ in range(2))
    expected = run_job(undisturbed, registry, datasets, ledger, folder=folder, should_stop=lambda: False).version
    stop_after_one_epoch(stopped, registry, datasets, jobs, ledger, folder)
    resume(jobs, datasets, stopped.id, folder=folder)
    job = ledger.start(f"{stopped.id}.1")
    assert (job.epoch, job.attempts) == (1, 2)
    found = run_job(job, registry, datasets, ledger, folder=folder, should_stop=lambda: False).version
    assert found.number != expected.number
    assert weights(registry, found) == weights(registry, expected) != {}
    assert found.report == expected.report
    assert jobs.get(stopped.id).losses == jobs.get(undisturbed.id).losses


def test_a_resumed_job_keeps_its_events_and_loses_its_failure(jobs: Jobs, ledger: JobLedger, database: Database):
    job = jobs.submit(TrainingRequest("m", "ds_1", TINY))
    ledger.start(job.id)
    ledger.fail(job.id, JobFailure("job_abandoned", "The worker died.", "Give it more memory."))
    resumed = jobs.resume(job.id)
    assert (resumed.state, resumed.failure, resumed.finished_at) == ("queued", None, None)
    found = JobEvents(database).since(job.id, 0)
    assert [one.state for one in found.items] == ["queued", "running", "failed", "queued"]
    assert not found.is_last


def test_a_ticket_from_before_the_job_was_resumed_is_void(jobs: Jobs, ledger: JobLedger):
    job = jobs.submit(TrainingRequest("m", "ds_1", TINY))
    jobs.cancel(job.id)
    assert not jobs.resume(job.id).cancel_requested
    assert ledger.start(job.id) is None
    assert ledger.start(f"{job.id}.1").state == "running"


def test_a_job_that_has_not_ended_or_has_succeeded_is_not_resumed(jobs: Jobs, ledger: JobLedger):
    job = jobs.submit(TrainingRequest("m", "ds_1", TINY))
    with pytest.raises(JobNotResumable, match="its state is queued"):
        jobs.resume(job.id)
    ledger.start(job.id)
    ledger.succeed(job.id, 1, "production now points at version 1.")
    with pytest.raises(JobNotResumable, match="its state is succeeded"):
        jobs.resume(job.id)


def test_a_job_whose_data_or_last_epoch_is_gone_is_not_resumed(registry, datasets, jobs, ledger, folder):
    dataset = datasets.add(make_panel())
    job = jobs.submit(TrainingRequest("m", dataset.id, TINY))
    stop_after_one_epoch(job, registry, datasets, jobs, ledger, folder)
    (folder / job.id).rename(folder / "kept")
    with pytest.raises(JobNotResumable, match="after epoch 1 is no longer kept"):
        resume(jobs, datasets, job.id, folder=folder)
    (folder / "kept").rename(folder / job.id)
    datasets.delete(dataset.id)
    with pytest.raises(JobNotResumable, match="it is missing"):
        resume(jobs, datasets, job.id, folder=folder)
    assert jobs.get(job.id).state == "cancelled"


def test_a_job_is_resumed_over_http_and_refused_with_a_reason(client, jobs, datasets):
    job = jobs.submit(TrainingRequest("m", datasets.add(make_panel()).id, TINY))
    address = f"/v1/training-jobs/{job.id}"
    refused = client.post(f"{address}/resume")
    assert (refused.status_code, refused.json()["code"]) == (409, "job_not_resumable")
    client.post(f"{address}/cancel")
    resumed = client.post(f"{address}/resume")
    assert (resumed.status_code, resumed.json()["state"]) == (202, "queued")
    actions = [one["action"] for one in client.get("/v1/audit-log").json()["data"]]
    assert actions[:2] == ["job.resumed", "job.cancelled"]

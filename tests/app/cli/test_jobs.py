"""`longshot jobs`: the jobs of a home, as its service and its worker leave them."""

import json
import threading

import pytest

from app.jobs.jobs import Jobs
from app.jobs.ledger import JobLedger
from app.jobs.values import JobFailure, TrainingRequest
from app.settings import Settings
from app.stores.artifacts import ArtifactStore
from app.stores.database import Database, migrate
from app.stores.datasets import Datasets
from model import TrainingOptions
from tests.app.cli.conftest import Run, refused
from tests.app.conftest import make_panel


@pytest.fixture
def home(tmp_path):
    """The stores of the home that the command line of a test uses."""
    settings = Settings(home=tmp_path / "home")
    settings.make_home()
    database = Database(settings.database_url)
    migrate(database)
    jobs = Jobs(database, settings.jobs_url)
    yield database, jobs, Datasets(database, ArtifactStore(settings.artifacts_path))
    jobs.close()
    database.close()


@pytest.fixture
def job_id(home) -> str:
    _, jobs, datasets = home
    return jobs.submit(TrainingRequest("m", datasets.add(make_panel()).id, TrainingOptions())).id


def test_jobs_are_listed_and_shown(run: Run, job_id):
    assert job_id in run("jobs").out
    assert json.loads(run("jobs", "list", "--state", "queued", "--kind", "train", "--json").out)[0]["id"] == job_id
    assert json.loads(run("jobs", "list", "--kind", "backtest", "--json").out) == []
    assert "no such job" in run("jobs", "list", "--state", "failed").out
    assert "queued" in run("jobs", "show", job_id).out
    assert json.loads(run("jobs", "show", job_id, "--json").out)["state"] == "queued"
    refused(run("jobs", "show", "job_none"), "job_none")


def test_a_job_is_cancelled_and_resumed_and_the_log_says_so(run: Run, job_id):
    assert f"{job_id} is cancelled" in run("jobs", "cancel", job_id).out
    refused(run("jobs", "cancel", job_id), "has ended")
    assert json.loads(run("jobs", "resume", job_id, "--json").out)["state"] == "queued"
    refused(run("jobs", "resume", job_id), "its state is queued")
    lines = [json.loads(line) for line in run("audit-log", "--json").out.splitlines()]
    assert [one["action"] for one in lines] == ["job.resumed", "job.cancelled"]
    assert lines[0]["subject"] == f"/v1/training-jobs/{job_id}"


def test_a_job_is_followed_until_it_ends(run: Run, home, job_id):
    database, _, _ = home
    ledger = JobLedger(database)

    def work() -> None:
        ledger.start(job_id)
        ledger.succeed(job_id, 1, "production now points at it.")

    worker = threading.Timer(0.5, work)
    worker.start()
    ended = run("jobs", "watch", job_id)
    worker.join()
    assert ended.code == 0
    assert "Registered m/1. production now points at it." in ended.out
    assert [line.split()[0] for line in ended.err.splitlines()][::2] == ["queued", "succeeded"]
    events = [json.loads(line) for line in run("jobs", "watch", job_id, "--json").out.splitlines()]
    assert [one["state"] for one in events] == ["queued", "running", "succeeded"]


def test_a_job_that_failed_ends_the_watch_with_the_reason(run: Run, home, job_id):
    ledger = JobLedger(home[0])
    ledger.start(job_id)
    ledger.fail(job_id, JobFailure("series_too_short", "The series is too short.", "Send more."))
    ended = run("jobs", "watch", job_id)
    assert ended.code == 1
    assert ended.err.splitlines()[-1] == f"longshot: The job {job_id} is failed: The series is too short. Send more."
    assert "series_too_short" in run("jobs").out

"""Trainings that start from a version: by HTTP, by job, on the command line, and in TimeGPT's words."""

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.cli import main
from app.errors import VersionNotFound
from app.jobs.jobs import Jobs
from app.jobs.ledger import JobLedger
from app.jobs.values import TrainingJob, TrainingRequest
from app.settings import Settings
from app.stores.datasets import Datasets
from app.stores.references import PRODUCTION
from app.stores.registry import Registry
from app.training import TrainingPlan, train
from app.training_jobs import run_job
from model import Checkpoint, Panel, TrainingOptions
from tests.app.conftest import TINY, Client, make_panel, serve

AGAIN = TrainingOptions(num_epochs=1, steps_per_epoch=2, batch_size=4, warm_start="m")


@pytest.fixture
def client(settings: Settings, registry: Registry, checkpoint: Checkpoint) -> Iterator[Client]:
    registry.point_alias("m", PRODUCTION, registry.register("m", checkpoint).number, actor="test")
    with serve(settings) as client:
        yield client


def ask(client: Client, datasets: Datasets, key: str = "k", **options: object):
    body = {"model": "m", "dataset": datasets.add(make_panel()).id, "options": options}
    return client.post("/v1/training-jobs", json=body, headers={"Idempotency-Key": key})


def test_a_job_starts_from_the_version_that_was_meant_when_it_was_submitted(
    client: Client, datasets: Datasets, registry: Registry, jobs: Jobs, ledger: JobLedger, tmp_path: Path,
    other_checkpoint: Checkpoint,
):  # fmt: skip
    options = {"num_epochs": 1, "steps_per_epoch": 2, "batch_size": 4, "warm_start": "m"}
    job = ask(client, datasets, **options).json()
    assert job["options"]["warm_start"] == "m/1"
    registry.point_alias("m", PRODUCTION, registry.register("m", other_checkpoint).number, actor="test")
    assert ask(client, datasets, **options).json()["id"] == job["id"]
    ledger.start(job["id"])
    found = jobs.get(job["id"], TrainingJob)
    version = run_job(found, registry, datasets, ledger, folder=tmp_path, should_stop=lambda: False).version
    shown = client.get(f"/v1/models/m/versions/{version.number}").json()["manifest"]
    assert ("trust", "Trust in what was learned") in {(one["choice"], one["name"]) for one in shown["reasons"]}
    assert (shown["warm_start"], shown["warm_start_digest"]) == ("m/1", registry.version("m", 1).digest)


def test_a_start_that_is_not_there_or_does_not_fit_is_refused_before_anything_is_queued(
    client: Client, datasets: Datasets, jobs: Jobs
):
    for reference, status, code in (("no", 404, "model_not_found"), ("m/9", 404, "version_not_found"),
                                    ("m@no", 404, "alias_not_found"), ("M!", 422, "name_invalid")):  # fmt: skip
        found = ask(client, datasets, warm_start=reference)
        assert (found.status_code, found.json()["code"]) == (status, code)
    found = ask(client, datasets, warm_start="m/1", context_length=30).json()
    assert (found["status"], found["code"]) == (422, "warm_start_mismatch")
    assert "context_length (24 there, 30 here)" in found["detail"]
    assert not jobs.list(TrainingJob).items


def test_a_start_that_was_deleted_while_its_job_waited_fails_the_job_by_name(
    datasets: Datasets, registry: Registry, jobs: Jobs, ledger: JobLedger, checkpoint: Checkpoint, tmp_path: Path
):
    registry.register("m", checkpoint)
    job = jobs.submit(TrainingRequest("n", datasets.add(make_panel()).id, replace(AGAIN, warm_start="m/1")))
    registry.delete("m", 1)
    ledger.start(job.id)
    with pytest.raises(VersionNotFound):
        run_job(job, registry, datasets, ledger, folder=tmp_path, should_stop=lambda: False)


def test_what_the_start_has_seen_is_no_ground_for_a_promotion(registry: Registry):
    panel = make_panel(length=200)
    earlier = Panel(tuple(one.until(one.timestamps[-7]) for one in panel))
    train(registry, earlier, TrainingPlan("m", "test", TINY))
    later = train(registry, panel, TrainingPlan("m", "test", AGAIN)).version
    assert later.report is not None
    assert not later.report.overlaps_training
    seen = train(registry, earlier, TrainingPlan("m", "test", replace(AGAIN, warm_start=str(later))))
    assert seen.version.report is not None
    assert seen.version.report.overlaps_training
    assert "may have been seen by the version that it started from" in seen.decision
    promoted = train(registry, earlier, TrainingPlan("m", "test", replace(AGAIN, warm_start=str(later)), "promote"))
    assert promoted.version.aliases == (PRODUCTION,)


def test_the_command_line_starts_from_a_version_and_says_so(
    client: Client, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    panel, file = make_panel(), tmp_path / "meters.csv"
    rows = [
        f"{one.item_id},{when},{value}" for one in panel for when, value in zip(one.timestamps, one.values, strict=True)
    ]
    file.write_text("\n".join(["item_id,timestamp,target", *rows]))
    monkeypatch.setenv("LONGSHOT_HOME", str(settings.home))
    monkeypatch.setenv("COLUMNS", "200")
    assert "Started from m/1." in run(monkeypatch, capsys, file, "m@production")
    assert "has no version 7" in run(monkeypatch, capsys, file, "m/7")


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, file: Path, start: str) -> str:
    """What a training from a version prints."""
    quick = ["--epochs", "1", "--steps-per-epoch", "2"]
    monkeypatch.setattr(sys, "argv", ["longshot", "train", str(file), "-m", "new", "--warm-start", start, *quick])
    with pytest.raises(SystemExit):
        main()
    return "".join(capsys.readouterr())


def test_a_fine_tuned_model_is_fine_tuned_again(client: Client, jobs: Jobs):
    (series,) = make_panel(num_items=1).series
    body = {
        "series": {"y": series.values.tolist(), "sizes": [len(series)], "start_datetime": ["2026-01-01T00:00:00"]},
        "freq": "h", "model": "timegpt-1", "finetune_steps": 5, "finetuned_model_id": "m", "output_model_id": "twice",
    }  # fmt: skip
    found = client.post("/compat/nixtla/v2/finetune/async", json=body)
    assert found.status_code == 202, found.text
    options = jobs.get(found.json()["job_id"], TrainingJob).request.options
    assert (options.warm_start, options.num_epochs, options.steps_per_epoch) == ("m/1", 1, 5)
    assert client.get("/compat/nixtla/v2/finetuned_models/m").json()["base_model_id"] == "none"
    other = client.post("/compat/nixtla/v2/finetune/async", json=body | {"finetuned_model_id": "no"})
    assert json.loads(other.text)["code"] == "model_not_found"

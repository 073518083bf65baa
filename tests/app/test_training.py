from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.errors import DatasetNotFound, NameInvalid
from app.jobs.jobs import Jobs
from app.jobs.ledger import JobLedger
from app.jobs.values import TrainingJob, TrainingRequest
from app.stores.datasets import Datasets
from app.stores.references import PRODUCTION
from app.stores.registry import Registry
from app.training import TrainingPlan, train
from app.training_jobs import find_notices, run_job, submit
from model import Panel, Progress, Series, SeriesTooShort, TrainingCancelled, TrainingOptions
from tests.app.conftest import TINY, make_panel

LEARNS = TrainingOptions(
    horizon=6,
    context_length=48,
    state_size=8,
    num_particles=4,
    num_epochs=8,
    steps_per_epoch=20,
    batch_size=16,
    learning_rate=0.02,
    dropout=0.0,
    seed=4,
)


def jumping_panel(length: int = 400) -> Panel:
    """A daily pattern under noise so large that copying yesterday is a poor forecast."""
    noise = np.random.default_rng(3)
    steps = np.arange(length)
    values = 10 + 3 * np.sin(2 * np.pi * steps / 24) + noise.normal(size=length)
    return Panel((Series.from_grid("a", "2026-01-01T00:00:00Z", "h", values),))


def test_a_training_ends_with_a_version_in_production(registry: Registry) -> None:
    told: list[Progress] = []
    outcome = train(registry, make_panel(), TrainingPlan("m", "test", TINY), on_epoch=told.append)
    assert [one.epoch for one in told] == [1, 2]
    assert registry.resolve("m").number == outcome.version.number == 1
    assert outcome.version.aliases == (PRODUCTION,)
    assert outcome.decision == "production now points at version 1: nothing was in production before."
    assert registry.alias("m", PRODUCTION).actor == "test"


def test_the_report_is_about_what_training_has_not_seen(registry: Registry) -> None:
    panel = make_panel()
    version = train(registry, panel, TrainingPlan("m", "test", TINY)).version
    assert version.manifest.num_observations == panel.num_observations - 6 * len(panel)
    assert version.report is not None
    assert not version.report.overlaps_training
    assert version.report.num_forecasts == len(panel)
    assert {one.method for one in version.report.scores} >= {"longshot", "seasonal_naive"}


def test_nothing_is_held_back_where_too_little_would_be_left(registry: Registry) -> None:
    panel = make_panel(length=40)
    options = replace(TINY, horizon=9, context_length=8, validation_steps=10)
    version = train(registry, panel, TrainingPlan("m", "test", options)).version
    assert version.report is None
    assert version.manifest.num_observations == panel.num_observations


def test_what_is_held_back_is_not_refitted_on(registry: Registry) -> None:
    first, second = make_panel(), make_panel()
    first_version = train(registry, first, TrainingPlan("m", "test", TINY)).version
    assert first_version.config.refit != "none"
    held_back = first_version.config.horizon
    shifted = (np.concatenate([one.values[:-held_back], 7 * one.values[-held_back:]]) for one in second)
    panel = Panel(tuple(replace(one, values=values) for one, values in zip(second, shifted, strict=True)))
    version = train(registry, panel, TrainingPlan("m", "test", TINY)).version
    assert version.manifest.digest == first_version.manifest.digest
    assert version.report != first_version.report


def test_the_policy_decides_where_production_points(registry: Registry) -> None:
    first = train(registry, make_panel(), TrainingPlan("m", "test", TINY, "register"))
    only_registered = train(registry, make_panel(), TrainingPlan("m", "test", TINY, "register"))
    assert (first.version.aliases, only_registered.version.aliases) == ((PRODUCTION,), ())
    assert only_registered.decision == "production stays at version 1: the policy is only to register."
    assert train(registry, make_panel(), TrainingPlan("m", "test", TINY, "promote")).version.aliases == (PRODUCTION,)
    assert [one.number for one in registry.history("m", PRODUCTION)] == [3, 1]


def test_a_version_that_does_not_beat_copying_the_last_season_is_not_promoted(registry: Registry) -> None:
    (noisy,) = make_panel(num_items=1).series
    settled = replace(noisy, values=np.concatenate([noisy.values[:40], np.tile(noisy.values[40:64], 5)]))
    for _ in range(2):
        outcome = train(registry, Panel((settled,)), TrainingPlan("m", "test", TINY))
    assert registry.resolve("m").number == 1
    assert "does not beat the seasonal naive forecast" in outcome.decision


def test_a_better_version_is_promoted_and_an_equal_one_is_not(registry: Registry) -> None:
    panel = jumping_panel()
    train(registry, panel, TrainingPlan("m", "test", replace(LEARNS, num_epochs=1, steps_per_epoch=1)))
    better = train(registry, panel, TrainingPlan("m", "test", LEARNS))
    assert better.version.aliases == (PRODUCTION,), better.decision
    assert "where version 1 has" in better.decision
    equal = train(registry, panel, TrainingPlan("m", "test", LEARNS))
    assert equal.version.aliases == (), equal.decision


def test_a_production_version_that_cannot_be_loaded_does_not_stand_in_the_way(registry: Registry) -> None:
    panel = jumping_panel()
    first = train(registry, panel, TrainingPlan("m", "test", TINY)).version
    (registry.checkpoint_path(first) / "manifest.json").write_text("{}")
    second = train(registry, panel, TrainingPlan("m", "test", LEARNS))
    assert "version 1 cannot forecast these series" in second.decision


def test_a_repeated_job_registers_and_promotes_once(
    registry: Registry, datasets: Datasets, jobs: Jobs, ledger: JobLedger, tmp_path: Path
) -> None:
    dataset = datasets.add(make_panel())
    job = jobs.submit(TrainingRequest("m", dataset.id, TINY))
    outcomes = [
        run_job(job, registry, datasets, ledger, folder=tmp_path / "training", should_stop=lambda: False)
        for _ in range(2)
    ]
    assert [one.version.number for one in outcomes] == [1, 1]
    assert len(registry.history("m", PRODUCTION)) == len(registry.versions("m")) == 1
    assert outcomes[0].version.job_id == job.id
    assert outcomes[0].version.dataset_id == dataset.id
    assert [one.epoch for one in jobs.get(job.id).losses] == [1, 2]
    assert not list((tmp_path / "training").iterdir())


def test_a_stopped_job_goes_on_from_its_last_epoch(
    registry: Registry, datasets: Datasets, jobs: Jobs, ledger: JobLedger, tmp_path: Path
) -> None:
    dataset = datasets.add(make_panel())
    job = jobs.submit(TrainingRequest("m", dataset.id, TINY))
    folder = tmp_path / "training"
    with pytest.raises(TrainingCancelled):
        run_job(job, registry, datasets, ledger, folder=folder, should_stop=lambda: jobs.get(job.id).epoch == 1)
    assert registry.models() == ()
    stops = iter(range(100))
    run_job(job, registry, datasets, ledger, folder=folder, should_stop=lambda: next(stops) > 90)
    assert [one.epoch for one in jobs.get(job.id).losses] == [1, 2]


def test_what_cannot_be_trained_is_refused_before_it_is_queued(
    datasets: Datasets, jobs: Jobs, registry: Registry
) -> None:
    short = datasets.add(Panel((Series.from_grid("a", "2026-01-01", "D", [1, 2, 3]),)))
    with pytest.raises(SeriesTooShort):
        submit(jobs, registry, datasets, TrainingRequest("m", short.id, TrainingOptions()))
    with pytest.raises(DatasetNotFound):
        submit(jobs, registry, datasets, TrainingRequest("m", "ds_unknown", TrainingOptions()))
    with pytest.raises(NameInvalid):
        submit(jobs, registry, datasets, TrainingRequest("M/1", short.id, TrainingOptions()))
    assert jobs.list(TrainingJob).items == ()


def test_a_job_keeps_what_the_audit_found_in_its_data(
    registry: Registry, datasets: Datasets, jobs: Jobs, ledger: JobLedger, tmp_path: Path
) -> None:
    whole = make_panel(num_items=1).series[0]
    kept = np.arange(len(whole)) % 5 > 0
    dataset = datasets.add(Panel((replace(whole, timestamps=whole.timestamps[kept], values=whole.values[kept]),)))
    job = jobs.submit(TrainingRequest("m", dataset.id, TINY))
    outcome = run_job(job, registry, datasets, ledger, folder=tmp_path / "training", should_stop=lambda: False)
    assert [one.code for one in jobs.get(job.id).notices] == ["many_gaps"]
    assert outcome.version.dataset_digest == dataset.digest


def cycling_panel() -> Panel:
    """A machine by the minute, whose cycle takes 37 of them."""
    values = 5 + np.sin(2 * np.pi * np.arange(400) / 37) + 0.1 * np.random.default_rng(5).normal(size=400)
    return Panel((Series.from_grid("machine", "2026-01-01T00:00:00Z", "min", values),))


def test_a_version_tells_what_was_chosen_and_why(registry: Registry) -> None:
    found = {
        one.choice: one
        for one in train(registry, cycling_panel(), TrainingPlan("m", "test", TINY)).version.manifest.reasons
    }
    assert found["season_length"].value == "37"
    assert "autocorrelation" in found["season_length"].why
    assert found["horizon"].why == found["context_length"].why == "as asked"


def test_a_horizon_that_was_not_asked_is_not_told_as_asked(registry: Registry) -> None:
    options = replace(TINY, horizon=None)
    found = {
        one.choice: one
        for one in train(registry, cycling_panel(), TrainingPlan("m", "test", options)).version.manifest.reasons
    }
    assert found["horizon"].value == "37"
    assert found["horizon"].why.startswith("a season")


def test_a_job_tells_of_a_season_that_is_not_the_usual_one() -> None:
    (notice,) = [one for one in find_notices(cycling_panel(), TINY) if one.code == "season_found"]
    assert notice.detail.startswith("The season has 37 steps: the values repeat after so many steps")
    assert "season_length" in notice.hint
    assert "season_found" not in {one.code for one in find_notices(make_panel(), TINY)}

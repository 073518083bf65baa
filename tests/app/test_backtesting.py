import threading
from pathlib import Path

import alembic.command
import alembic.config
import pytest
import sqlalchemy as sa

from app.backtesting import BacktestLimits, run_backtest, submit
from app.errors import DatasetInUse, IdempotencyMismatch, JobNotFound, LimitExceeded, VersionNotFound
from app.jobs.events import JobEvents
from app.jobs.ledger import MAX_STALLED_ATTEMPTS
from app.jobs.rows import JobFilter, read_job
from app.jobs.values import BacktestJob, BacktestRequest, TrainingJob, TrainingRequest
from app.stores.database import Database, migrate
from app.stores.registry import Registry
from app.stores.tables import Base
from app.workshop import Workshop
from model import Cutoffs, Forecaster, Panel, SeriesTooShort, TrainingCancelled, backtest
from tests.app.conftest import TINY, make_panel

LIMITS = BacktestLimits(max_cutoffs=100, max_steps=1000)


@pytest.fixture
def ask(registry: Registry, datasets, jobs, checkpoint):
    """Submits a backtest of the one version there is."""
    registry.register("m", checkpoint)

    def ask(
        panel: Panel | None = None, *, limits: BacktestLimits = LIMITS, key: str | None = None, **asked
    ) -> BacktestJob:
        dataset_id = datasets.add(panel or make_panel()).id
        request = BacktestRequest("m/1", "m", 1, dataset_id, **asked)
        return submit(jobs, registry, datasets, request, limits=limits, idempotency_key=key)[0]

    return ask


@pytest.fixture
def workshop(database, datasets, registry, jobs, ledger, settings):
    return Workshop(database, datasets, registry, jobs, ledger, settings.training_path, threading.Event())


def test_a_backtest_is_a_job_that_ends_with_the_report_the_model_gives(ask, workshop, jobs, registry):
    job = ask(num_cutoffs=3, stride=4)
    assert (job.state, job.report) == ("queued", None)
    workshop.work(job.id)
    done = jobs.get(job.id, BacktestJob)
    forecaster = Forecaster.load(registry.checkpoint_path(registry.version("m", 1)))
    assert (done.state, done.progress, done.failure) == ("succeeded", 1.0, None)
    assert done.report == backtest(forecaster, make_panel(), Cutoffs(6, 3, 4))
    assert [one.code for one in done.notices] == ["overlaps_training"]


def test_a_backtest_uses_the_content_that_its_dataset_had_when_it_was_asked_for(ask, workshop, jobs, datasets):
    whole = make_panel()
    early = Panel(tuple(one.until(one.timestamps[120]) for one in whole))
    job = ask(early)
    datasets.append(job.request.dataset_id, whole)
    untouched = ask(early)
    for one in (job, untouched):
        workshop.work(one.id)
    assert jobs.get(job.id, BacktestJob).report == jobs.get(untouched.id, BacktestJob).report
    assert jobs.get(job.id, BacktestJob).report is not None


def test_what_a_backtest_left_out_is_a_notice(ask, workshop, jobs):
    whole = make_panel(num_items=2)
    short = whole.series[1].until(whole.series[1].timestamps[8])
    job = ask(Panel((whole.series[0], short)), num_cutoffs=2)
    workshop.work(job.id)
    codes = {one.code: one.detail for one in jobs.get(job.id).notices}
    assert codes["cutoffs_skipped"].startswith("1 of 4 forecasts were left out")


def test_what_cannot_be_examined_is_refused_before_it_is_queued(ask, registry, datasets, jobs):
    with pytest.raises(SeriesTooShort, match="a backtest of 160 steps"):
        ask(horizon=160)
    with pytest.raises(LimitExceeded, match="202 forecasts to make"):
        ask(num_cutoffs=101)
    with pytest.raises(LimitExceeded, match="12 steps ahead"):
        ask(horizon=12, limits=BacktestLimits(100, 11))
    request = BacktestRequest("m/2", "m", 2, datasets.add(make_panel()).id)
    with pytest.raises(VersionNotFound):
        submit(jobs, registry, datasets, request, limits=LIMITS)
    assert jobs.list(BacktestJob).items == ()


def test_a_backtest_is_cancelled_between_two_forecasts(ask, jobs, registry, datasets, ledger):
    job = ask(num_cutoffs=3)
    ledger.start(job.id)
    jobs.cancel(job.id, BacktestJob)
    with pytest.raises(TrainingCancelled):
        run_backtest(job, registry, datasets, ledger, should_stop=lambda: ledger.cancel_requested(job.id))


def test_a_backtest_whose_version_was_deleted_fails_and_says_so(ask, workshop, jobs, registry):
    job = ask()
    registry.delete("m", 1)
    workshop.work(job.id)
    failed = jobs.get(job.id)
    assert (failed.state, failed.failure.code) == ("failed", "version_not_found")


def test_a_key_gives_the_same_backtest_again_even_if_the_alias_has_moved_on(jobs, datasets):
    dataset = datasets.add(make_panel()).id
    job = jobs.submit(BacktestRequest("m", "m", 1, dataset), idempotency_key="k")
    assert jobs.submit(BacktestRequest("m", "m", 2, dataset), idempotency_key="k") == job
    with pytest.raises(IdempotencyMismatch):
        jobs.submit(BacktestRequest("m", "m", 1, dataset, horizon=3), idempotency_key="k")
    with pytest.raises(IdempotencyMismatch):
        jobs.submit(TrainingRequest("m", dataset, TINY), idempotency_key="k")


def test_trainings_and_backtests_are_listed_and_found_apart(jobs):
    training = jobs.submit(TrainingRequest("m", "ds_1", TINY))
    backtests = [jobs.submit(BacktestRequest("m/1", name, version, "ds_1")) for name, version in (("m", 1), ("n", 2))]
    assert [one.id for one in jobs.list(TrainingJob).items] == [training.id]
    assert [one.id for one in jobs.list(BacktestJob).items] == [backtests[1].id, backtests[0].id]
    assert [one.id for one in jobs.list(BacktestJob, only=JobFilter(model_name="m", version=1)).items] == [
        backtests[0].id
    ]
    for job_id, kind in ((training.id, BacktestJob), (backtests[0].id, TrainingJob)):
        for ask in (jobs.get, jobs.cancel):
            with pytest.raises(JobNotFound):
                ask(job_id, kind)


def test_a_dataset_is_kept_as_long_as_a_backtest_needs_it(jobs, datasets):
    dataset = datasets.add(make_panel())
    jobs.submit(BacktestRequest("m", "m", 1, dataset.id))
    with pytest.raises(DatasetInUse):
        datasets.delete(dataset.id)


def test_progress_of_a_backtest_is_an_event_and_does_not_keep_a_deadly_one_alive(ask, jobs, ledger, database):
    job = ask()
    for attempt in range(MAX_STALLED_ATTEMPTS):
        assert ledger.start(job.id)
        ledger.record_progress(job.id, 0.25 * (attempt + 1), 9.0)
    assert (jobs.get(job.id).progress, jobs.get(job.id).eta_seconds) == (0.75, 9.0)
    events = JobEvents(database).since(job.id, 0, "backtest").items
    assert [one.kind for one in events] == ["state", "state", *["progress"] * MAX_STALLED_ATTEMPTS]
    with pytest.raises(JobNotFound):
        JobEvents(database).since(job.id, 0, "train")
    with pytest.raises(Exception, match="died 3 times"):
        ledger.start(job.id)


def test_jobs_of_an_earlier_release_are_trainings_as_far_as_they_were(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/earlier.db")
    config = alembic.config.Config()
    config.set_main_option("script_location", str(Path(__file__).parents[2] / "app" / "migrations"))
    with database.engine.execution_options(writes=True).connect() as connection:
        config.attributes.update(connection=connection, metadata=Base.metadata)
        alembic.command.upgrade(config, "0005")
        connection.execute(
            sa.text(
                "INSERT INTO jobs (id, state, model_name, dataset_id, options, policy, request_digest, "
                "cancel_requested, epoch, num_epochs, attempts, stalled_attempts, created_at) VALUES "
                "('job_1', 'running', 'm', 'ds_1', '{}', 'promote', 'd', 0, 2, 8, 1, 0, '2026-01-01')"
            )
        )
        connection.commit()
    migrate(database)
    job = read_job(database, "job_1", TrainingJob)
    database.close()
    assert (job.progress, job.epoch, job.request.policy) == (0.25, 2, "promote")

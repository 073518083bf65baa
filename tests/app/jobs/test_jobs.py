import pytest
import sqlalchemy as sa

from app.errors import CursorInvalid, IdempotencyMismatch, JobAbandoned, JobNotCancellable, JobNotFound
from app.jobs.jobs import Jobs
from app.jobs.ledger import MAX_STALLED_ATTEMPTS, JobLedger
from app.jobs.rows import JobFilter
from app.jobs.values import JobFailure, TrainingJob, TrainingRequest
from app.settings import Settings
from model import Progress, TrainingOptions

REQUEST = TrainingRequest("m", "ds_1", TrainingOptions(horizon=6, learning_rate=0.01))


def progress(epoch: int, *, loss: float = 1.0) -> Progress:
    return Progress(epoch, 10, loss, loss + 1, loss + 1, 5.0, 45.0, 100, 6400)


def test_a_submitted_job_is_queued_with_all_that_was_asked(jobs: Jobs) -> None:
    job = jobs.submit(REQUEST)
    assert (job.state, job.request, job.progress, job.losses) == ("queued", REQUEST, 0.0, ())
    assert jobs.get(job.id) == job


def test_a_submitted_job_waits_in_the_queue_as_plain_json(jobs: Jobs, settings: Settings) -> None:
    job = jobs.submit(REQUEST)
    engine = sa.create_engine(settings.jobs_url)
    with engine.connect() as connection:
        row = connection.execute(
            sa.text("SELECT * FROM workflow_status JOIN workflow_input USING (workflow_uuid)")
        ).one()
    engine.dispose()
    assert (row.workflow_uuid, row.status, row.serialization) == (job.id, "ENQUEUED", "portable_json")


def test_the_same_key_and_request_give_the_same_job(jobs: Jobs) -> None:
    job = jobs.submit(REQUEST, idempotency_key="k")
    assert jobs.submit(REQUEST, idempotency_key="k") == job
    assert jobs.submit(REQUEST, idempotency_key="other").id != job.id
    assert jobs.submit(REQUEST).id != jobs.submit(REQUEST).id


def test_the_same_key_for_another_request_is_refused(jobs: Jobs) -> None:
    jobs.submit(REQUEST, idempotency_key="k")
    with pytest.raises(IdempotencyMismatch):
        jobs.submit(TrainingRequest("m", "ds_1", TrainingOptions()), idempotency_key="k")


def test_a_job_tells_how_far_it_is(jobs: Jobs, ledger: JobLedger) -> None:
    job = jobs.submit(REQUEST)
    ledger.start(job.id)
    ledger.record_epoch(job.id, progress(1))
    ledger.record_epoch(job.id, progress(2, loss=0.5))
    ledger.record_epoch(job.id, progress(2, loss=0.25))
    found = jobs.get(job.id)
    assert (found.state, found.epoch, found.num_epochs, found.progress) == ("running", 2, 10, 0.2)
    assert found.eta_seconds == 45.0
    assert [(one.epoch, one.train, one.validation) for one in found.losses] == [(1, 1.0, 2.0), (2, 0.25, 1.25)]


def test_a_job_ends_once(jobs: Jobs, ledger: JobLedger) -> None:
    job = jobs.submit(REQUEST)
    ledger.start(job.id)
    ledger.succeed(job.id, 3, "production now points at version 3.")
    ledger.fail(job.id, JobFailure("late", "late", "late"))
    found = jobs.get(job.id)
    assert (found.state, found.version, found.failure, found.progress) == ("succeeded", 3, None, 1.0)
    assert found.finished_at is not None
    assert ledger.start(job.id) is None


def test_a_failed_job_tells_why(jobs: Jobs, ledger: JobLedger) -> None:
    job = jobs.submit(REQUEST)
    failure = JobFailure("series_too_short", "too short", "send more")
    ledger.fail(job.id, failure)
    assert (jobs.get(job.id).state, jobs.get(job.id).failure) == ("failed", failure)


def test_a_queued_job_is_cancelled_at_once_and_never_started(jobs: Jobs, ledger: JobLedger) -> None:
    job = jobs.submit(REQUEST)
    assert jobs.cancel(job.id).state == "cancelled"
    assert ledger.start(job.id) is None
    with pytest.raises(JobNotCancellable, match="its state is cancelled"):
        jobs.cancel(job.id)


def test_a_running_job_is_asked_to_stop(jobs: Jobs, ledger: JobLedger) -> None:
    job = jobs.submit(REQUEST)
    ledger.start(job.id)
    assert not ledger.cancel_requested(job.id)
    assert jobs.cancel(job.id).state == "running"
    assert ledger.cancel_requested(job.id)
    ledger.end_cancelled(job.id)
    assert jobs.get(job.id).state == "cancelled"


def test_a_job_cancelled_while_no_worker_lives_ends_when_one_comes(jobs: Jobs, ledger: JobLedger) -> None:
    job = jobs.submit(REQUEST)
    ledger.start(job.id)
    jobs.cancel(job.id)
    assert ledger.start(job.id) is None
    assert jobs.get(job.id).state == "cancelled"


def test_a_job_that_kills_its_worker_again_and_again_is_given_up(jobs: Jobs, ledger: JobLedger) -> None:
    job = jobs.submit(REQUEST)
    for _ in range(MAX_STALLED_ATTEMPTS):
        assert ledger.start(job.id)
    with pytest.raises(JobAbandoned):
        ledger.start(job.id)


def test_a_job_that_gets_further_each_time_is_not_given_up(jobs: Jobs, ledger: JobLedger) -> None:
    job = jobs.submit(REQUEST)
    for attempt in range(2 * MAX_STALLED_ATTEMPTS):
        assert ledger.start(job.id)
        if attempt % 2:
            ledger.suspend(job.id)
        else:
            ledger.record_epoch(job.id, progress(attempt + 1))
    assert jobs.get(job.id).attempts == 2 * MAX_STALLED_ATTEMPTS


def test_the_list_is_newest_first_and_can_be_narrowed(jobs: Jobs) -> None:
    ids = [jobs.submit(REQUEST).id for _ in range(3)]
    jobs.cancel(ids[1])
    first = jobs.list(TrainingJob, limit=2)
    assert [one.id for one in first.items] == [ids[2], ids[1]]
    assert [one.id for one in jobs.list(TrainingJob, limit=2, cursor=first.next_cursor).items] == [ids[0]]
    assert [one.id for one in jobs.list(TrainingJob, only=JobFilter(state="queued")).items] == [ids[2], ids[0]]
    with pytest.raises(CursorInvalid):
        jobs.list(TrainingJob, cursor="?")


def test_an_unknown_job_is_refused(jobs: Jobs, ledger: JobLedger) -> None:
    for ask in (jobs.get, jobs.cancel, ledger.start):
        with pytest.raises(JobNotFound):
            ask("job_unknown")

"""Jobs by kind and state, with the age of the oldest that has not ended."""

from app.jobs.census import take_census
from app.jobs.jobs import Jobs
from app.jobs.ledger import JobLedger
from app.stores.database import Database
from tests.app.jobs.test_jobs import REQUEST, progress


def test_jobs_are_counted_by_state_and_the_oldest_live_one_has_an_age(
    database: Database, jobs: Jobs, ledger: JobLedger
) -> None:
    assert take_census(database).counts == []
    first, _ = jobs.submit(REQUEST), jobs.submit(REQUEST)
    ledger.start(first.id)
    ledger.record_epoch(first.id, progress(1))
    ledger.record_epoch(first.id, progress(2))
    ended = jobs.submit(REQUEST)
    jobs.cancel(ended.id)
    census = take_census(database)
    assert [(one.kind, one.state, one.number) for one in census.counts] == [
        ("train", "cancelled", 1),
        ("train", "queued", 1),
        ("train", "running", 1),
    ]
    ages = {one.state: one.oldest_seconds for one in census.counts}
    assert ages["cancelled"] is None
    assert 0 <= ages["queued"] < 60
    assert census.num_epochs == 2

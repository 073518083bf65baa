"""How many jobs there are of each kind and state, how old the oldest live one is, and the epochs trained."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from app.stores.database import Database, now
from app.stores.tables import EpochRow, JobRow

_LIVE = ("queued", "running")


@dataclass(frozen=True)
class JobCount:
    """Jobs of one kind in one state.

    Attributes:
        kind: `train` or `backtest`.
        state: Of them.
        number: How many.
        oldest_seconds: Since the first of them was submitted; None for those that have ended.
    """

    kind: str
    state: str
    number: int
    oldest_seconds: float | None


@dataclass(frozen=True)
class JobCensus:
    """All jobs.

    Attributes:
        counts: By kind and state, of those that there are.
        num_epochs: Epochs trained, by all of them.
    """

    counts: Sequence[JobCount]
    num_epochs: int


def take_census(database: Database) -> JobCensus:
    """Counts all jobs."""
    key = (JobRow.kind, JobRow.state)
    query = sa.select(*key, sa.func.count(), sa.func.min(JobRow.created_at)).group_by(*key).order_by(*key)
    with database.reading() as session:
        rows = session.execute(query).all()
        num_epochs = session.scalar(sa.select(sa.func.count()).select_from(EpochRow)) or 0
    moment = now()
    counts = [
        JobCount(kind, state, number, (moment - oldest).total_seconds() if state in _LIVE else None)
        for kind, state, number, oldest in rows
    ]
    return JobCensus(counts, num_epochs)

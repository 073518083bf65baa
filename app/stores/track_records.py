"""What the forecasts of a version were worth once the observations came: sums by day, never computed anew."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.stores.database import Database, now
from app.stores.remembered import Outcome, Tally
from app.stores.tables import RealisedRow

Kind = Literal["quantile", "interval"]
_MEAN: Final = "mean"
_DAYS_KEPT: Final = 400
_MIN_SCORED: Final = 100
"""Fewer comparisons than this say nothing about drift."""


@dataclass(frozen=True)
class Coverage:
    """How often a quantile or an interval covered what came.

    Attributes:
        kind: Which of the two.
        level: Of the quantile, or of the interval in percent.
        nominal: The share it promises to cover.
        num_scored: Observations compared.
        realised: The share that it covered.
    """

    kind: Kind
    level: float
    nominal: float
    num_scored: int
    realised: float


@dataclass(frozen=True)
class TrackRecord:
    """A version's forecasts beside what came true, over the days that are looked at.

    Attributes:
        name: The model.
        number: The version.
        since: The first of the days.
        num_scored: Observations compared.
        mean_absolute_error: Of the means.
        relative_error: Sum of the absolute errors over the sum of the absolute observations; None if those are all 0.
        coverage: Of each level that was asked for.
        has_drifted: Whether an interval covers less than it promises, by more than is tolerated.
    """

    name: str
    number: int
    since: date
    num_scored: int
    mean_absolute_error: float
    relative_error: float | None
    coverage: tuple[Coverage, ...]
    has_drifted: bool


class TrackRecords:
    """The records of all versions.

    Args:
        database: Where the sums are.
        window_days: How many days are looked at.
        tolerance: The share that an interval may miss beyond what it promises.
    """

    def __init__(self, database: Database, *, window_days: int, tolerance: float) -> None:
        self._database = database
        self._window_days = window_days
        self._tolerance = tolerance

    def all(self) -> tuple[TrackRecord, ...]:
        """The records of every version that has been compared lately, by name and number."""
        return tuple(self._read())

    def of(self, name: str, number: int) -> TrackRecord | None:
        """The record of one version; None if nothing was compared lately."""
        return next(self._read(RealisedRow.model_name == name, RealisedRow.number == number), None)

    def _read(self, *conditions: sa.ColumnElement[bool]) -> Iterator[TrackRecord]:
        since = now().date() - timedelta(days=self._window_days - 1)
        key = (RealisedRow.model_name, RealisedRow.number, RealisedRow.kind, RealisedRow.level)
        names = ("num_scored", "num_covered", "sum_absolute_error", "sum_absolute_observed")
        sums = [sa.func.sum(getattr(RealisedRow, name)).label(name) for name in names]
        query = sa.select(*key, *sums).where(RealisedRow.day >= since, *conditions).group_by(*key).order_by(*key)
        with self._database.reading() as session:
            rows = session.execute(query).all()
        versions: dict[tuple[str, int], list[sa.Row[tuple[object, ...]]]] = {}
        for row in rows:
            versions.setdefault((row.model_name, row.number), []).append(row)
        for (name, number), found in versions.items():
            yield self._record(name, number, since, found)

    def _record(self, name: str, number: int, since: date, rows: Sequence[sa.Row[tuple[object, ...]]]) -> TrackRecord:
        mean = next(row for row in rows if row.kind == _MEAN)
        coverage = tuple(
            Coverage(
                row.kind, row.level, _nominal(row.kind, row.level), row.num_scored, row.num_covered / row.num_scored
            )
            for row in rows
            if row.kind != _MEAN and row.num_scored
        )
        return TrackRecord(
            name=name,
            number=number,
            since=since,
            num_scored=mean.num_scored,
            mean_absolute_error=mean.sum_absolute_error / mean.num_scored,
            relative_error=mean.sum_absolute_error / mean.sum_absolute_observed if mean.sum_absolute_observed else None,
            coverage=coverage,
            has_drifted=any(map(self._is_short, coverage)),
        )

    def _is_short(self, coverage: Coverage) -> bool:
        is_known = coverage.kind == "interval" and coverage.num_scored >= _MIN_SCORED
        return is_known and coverage.realised < coverage.nominal - self._tolerance


def add_outcome(session: Session, name: str, number: int, outcome: Outcome) -> None:
    """Adds to the sums of a version, within the transaction that marks the observations as compared.

    Args:
        session: The transaction.
        name: The model; its row is locked by the caller.
        number: The version.
        outcome: What is new.
    """
    day = now().date()
    mean = _grown(session, (name, number, day, _MEAN, 0.0), Tally(outcome.num_scored))
    mean.sum_absolute_error += outcome.sum_absolute_error
    mean.sum_absolute_observed += outcome.sum_absolute_observed
    kinds: Iterable[tuple[Kind, Mapping[float, Tally]]] = (
        ("quantile", outcome.quantiles),
        ("interval", outcome.intervals),
    )
    for kind, tallies in kinds:
        for level, tally in tallies.items():
            _grown(session, (name, number, day, kind, level), tally)
    old = RealisedRow.day < day - timedelta(days=_DAYS_KEPT)
    session.execute(sa.delete(RealisedRow).where(RealisedRow.model_name == name, old))


def _grown(session: Session, key: tuple[str, int, date, str, float], tally: Tally) -> RealisedRow:
    row = session.get(RealisedRow, key)
    if row is None:
        named = dict(zip(("model_name", "number", "day", "kind", "level"), key, strict=True))
        row = RealisedRow(**named, num_scored=0, num_covered=0, sum_absolute_error=0.0, sum_absolute_observed=0.0)
        session.add(row)
    row.num_scored += tally.num_scored
    row.num_covered += tally.num_covered
    return row


def _nominal(kind: str, level: float) -> float:
    return level if kind == "quantile" else level / 100

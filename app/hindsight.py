"""Use case: remember what was forecast for stored datasets, and compare it with what comes."""

import threading
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from app.stores.database import Database, now
from app.stores.remembered import Outcome, Remembered
from app.stores.tables import ModelRow, RealisedRow, RememberedRow, VersionRow
from app.stores.track_records import add_outcome
from model import ItemForecast, Panel, Series

_EVERY_SECONDS: Final = 1.0
"""How often forecasts are written at most, unless something asks for them: a write makes others wait."""

_log = structlog.get_logger()


@dataclass(frozen=True)
class Made:
    """A forecast that was made of a series of a dataset.

    Attributes:
        dataset_id: Which.
        series: As it was then.
        name: The model.
        number: The version.
        forecast: What was answered.
    """

    dataset_id: str
    series: Series
    name: str
    number: int
    forecast: ItemForecast


_Key = tuple[str, str, str, int, int]
"""Dataset, item, model, version, and the last observation that the version was shown."""


class Hindsight:
    """Forecasts of stored datasets until their observations come, and nothing of those that have come.

    Args:
        database: Where they are kept.
        max_values: How many numbers are kept, the oldest forecasts given up beyond that; 0 remembers nothing.
    """

    def __init__(self, database: Database, *, max_values: int) -> None:
        self._database = database
        self._max_values = max_values
        self._lock = threading.Lock()
        self._pending: dict[_Key, tuple[Remembered, datetime]] = {}
        self._written_at = 0.0

    def remember(self, made: Iterable[Made]) -> None:
        """Takes note of forecasts; `write` keeps them."""
        if not self._max_values:
            return
        for one in made:
            remembered = Remembered.from_forecast(one.forecast)
            last = int(one.series.timestamps[-1].astype("datetime64[us]").astype("int64"))
            key = (one.dataset_id, one.series.item_id, one.name, one.number, last)
            with self._lock:
                before = self._pending.get(key)
                self._pending[key] = (before[0].joined(remembered) if before else remembered, now())

    @property
    def is_due(self) -> bool:
        """Whether there is something to write, and the last time was not a moment ago."""
        return bool(self._pending) and time.monotonic() - self._written_at >= _EVERY_SECONDS

    def write(self) -> None:
        """Keeps what was taken note of."""
        with self._lock:
            if not self._pending:
                return
            pending, self._pending = self._pending, {}
            self._written_at = time.monotonic()
        with self._database.writing() as session:
            for key, (remembered, moment) in pending.items():
                _keep(session, key, remembered, moment)
            session.flush()
            _give_up_oldest(session, self._max_values)

    def compare(self, dataset_id: str, observed: Panel) -> int:
        """Compares what was forecast for a dataset with observations of it, each once however often it is sent.

        Returns:
            How many forecast values were compared for the first time.
        """
        self.write()
        series = {one.item_id: one for one in observed}
        query = sa.select(RememberedRow).where(RememberedRow.dataset_id == dataset_id)
        with self._database.reading() as session:
            if session.scalar(query.with_only_columns(RememberedRow.sequence).limit(1)) is None:
                return 0
        outcomes: dict[tuple[str, int], Outcome] = defaultdict(Outcome)
        with self._database.writing() as session:
            for row in session.scalars(query.with_for_update()):
                if row.item_id in series:
                    outcomes[row.model_name, row.number] += _score(session, row, series[row.item_id])
            for (name, number), outcome in sorted(outcomes.items(), key=lambda one: one[0]):
                if outcome.num_scored and _lock_version(session, name, number):
                    add_outcome(session, name, number, outcome)
        num_scored = sum(one.num_scored for one in outcomes.values())
        _log.info("forecasts were compared with what came", dataset=dataset_id, num_scored=num_scored)
        return num_scored

    def forget_dataset(self, dataset_id: str) -> None:
        """Forgets the forecasts of a dataset; what they were worth stays."""
        self.write()
        with self._database.writing() as session:
            session.execute(sa.delete(RememberedRow).where(RememberedRow.dataset_id == dataset_id))

    def forget_version(self, name: str, number: int) -> None:
        """Forgets the forecasts of a version, and what they were worth."""
        self.write()
        with self._database.writing() as session:
            for row in (RememberedRow, RealisedRow):
                session.execute(sa.delete(row).where(row.model_name == name, row.number == number))


def _keep(session: Session, key: _Key, remembered: Remembered, moment: datetime) -> None:
    names = ("dataset_id", "item_id", "model_name", "number", "last_observed")
    same = [getattr(RememberedRow, name) == value for name, value in zip(names, key, strict=True)]
    row = session.scalar(sa.select(RememberedRow).where(*same).with_for_update())
    if row is None:
        row = RememberedRow(**dict(zip(names, key, strict=True)), made_at=moment)
        session.add(row)
    else:
        remembered = Remembered.from_bytes(row.content).joined(remembered)
    row.content, row.num_values = remembered.to_bytes(), remembered.num_values


def _give_up_oldest(session: Session, max_values: int) -> None:
    newest_first = sa.func.sum(RememberedRow.num_values).over(order_by=RememberedRow.sequence.desc())
    sums = sa.select(RememberedRow.sequence, newest_first.label("num_values")).subquery()
    too_old = sa.select(sums.c.sequence).where(sums.c.num_values > max_values)
    session.execute(sa.delete(RememberedRow).where(RememberedRow.sequence.in_(too_old)))


def _score(session: Session, row: RememberedRow, series: Series) -> Outcome:
    remembered, outcome = Remembered.from_bytes(row.content).scored(series)
    if remembered.is_scored.all():
        session.delete(row)
    elif outcome.num_scored:
        row.content = remembered.to_bytes()
    return outcome


def _lock_version(session: Session, name: str, number: int) -> bool:
    """Whether the version is still there; nobody else adds to its model's sums until the transaction ends."""
    session.get(ModelRow, name, with_for_update=True)
    version = session.get(VersionRow, (name, number))
    return version is not None and version.deleted_at is None

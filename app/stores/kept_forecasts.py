"""Forecasts kept under their ids: as they were answered, for some time, so that they can be shown again."""

import threading
import zlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import pyarrow as pa
import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from app.errors import ForecastNotFound
from app.stores.database import Database, Page, now, read_cursor
from app.stores.packed_json import is_packed, pack, unpack
from app.stores.tables import KeptForecastRow

_PAUSE_SECONDS: Final = 1.0
"""Between two writes: each makes other writers wait, and so many forecasts are written at once."""

_MANY_VALUES: Final = 1_000_000
"""So many numbers are written without a pause: until then they lie in memory."""

_PRUNE_SECONDS: Final = 3600.0
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
"""How what zstd packed begins."""

_LARGEST_SHARE: Final = 20
_WEIGHED_SHARE: Final = 100
_log = structlog.get_logger()


@dataclass(frozen=True)
class KeptForecast:
    """A forecast that is kept, without its numbers.

    Attributes:
        id: `fc_…`.
        made_at: When it was answered.
        name: The model.
        number: The version that answered.
        first_item: The first series; None where that one was refused nameless.
        num_series: How many there are.
    """

    id: str
    made_at: datetime
    name: str
    number: int
    first_item: str | None
    num_series: int


@dataclass(frozen=True, eq=False)
class Keeping:
    """A forecast to be kept.

    Attributes:
        about: What it is.
        num_values: Numbers in it, as the limit counts them.
        content: Gives what is to be shown as JSON; called when there is time.
    """

    about: KeptForecast
    num_values: int
    content: Callable[[], object]


class KeptForecasts:
    """What was forecast, by id; written by a thread of its own, so that no answer waits for it.

    Args:
        database: Where they are kept.
        max_values: How many numbers are kept, the oldest forecasts given up beyond that; 0 keeps nothing.
        days: How long a forecast is kept at most.
    """

    def __init__(self, database: Database, *, max_values: int, days: int) -> None:
        self._database = database
        self._max_values = max_values
        self._age = timedelta(days=days)
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._pending: OrderedDict[str, Keeping] = OrderedDict()
        self._num_pending = 0
        self._num_unweighed = max_values
        self._wake = threading.Event()
        self._hurry = threading.Event()
        self._closing = threading.Event()
        self._writer: threading.Thread | None = None

    def has_room_for(self, num_values: int) -> bool:
        """Whether a forecast of so many numbers is kept; one that is larger would leave too little to others."""
        return num_values * _LARGEST_SHARE <= self._max_values

    def keep(self, one: Keeping) -> None:
        """Takes a forecast; it can be had at once, and is on disk about a second later."""
        if not self.has_room_for(one.num_values):
            return
        with self._lock:
            self._pending[one.about.id] = one
            self._num_pending += one.num_values
            while self._num_pending > self._max_values:
                self._num_pending -= self._pending.popitem(last=False)[1].num_values
            if self._writer is None and not self._closing.is_set():
                self._writer = threading.Thread(target=self._work, name="kept-forecasts", daemon=True)
                self._writer.start()
            if self._num_pending >= _MANY_VALUES:
                self._hurry.set()
        self._wake.set()

    def content(self, forecast_id: str) -> bytes:
        """What was answered, in JSON.

        Raises:
            ForecastNotFound: None is kept under this id.
        """
        with self._lock:
            pending = self._pending.get(forecast_id)
        if pending is not None:
            return unpack(pack(pending.content()))
        query = sa.select(KeptForecastRow.content).where(*self._young(), KeptForecastRow.id == forecast_id)
        with self._database.reading() as session:
            content = session.scalar(query)
        if content is None:
            raise ForecastNotFound(forecast_id)
        return _unpacked(content)

    def list(self, *, limit: int = 50, cursor: str | None = None) -> Page[KeptForecast]:
        """A part of the list, newest first.

        Raises:
            CursorInvalid: The cursor is none of ours.
        """
        before = read_cursor(cursor)
        self.flush()
        query = sa.select(KeptForecastRow).options(sa.orm.defer(KeptForecastRow.content)).where(*self._young())
        if before is not None:
            query = query.where(KeptForecastRow.sequence < before)
        with self._database.reading() as session:
            rows = session.scalars(query.order_by(KeptForecastRow.sequence.desc()).limit(limit + 1)).all()
            found = tuple(_of_row(row) for row in rows[:limit])
            return Page(found, str(rows[limit - 1].sequence) if len(rows) > limit else None)

    def delete(self, forecast_id: str) -> None:
        """Forgets a forecast.

        Raises:
            ForecastNotFound: None is kept under this id.
        """
        with self._writing:
            pending = self._take([forecast_id])
            with self._database.writing() as session:
                same = KeptForecastRow.id == forecast_id
                found = session.scalar(sa.select(KeptForecastRow.sequence).where(*self._young(), same))
                session.execute(sa.delete(KeptForecastRow).where(same))
        if not pending and found is None:
            raise ForecastNotFound(forecast_id)

    def flush(self) -> None:
        """Writes what waits to be written, and gives up what is too old or too much."""
        with self._writing:
            with self._lock:
                waiting = list(self._pending.values())
            rows = [_row(one) for one in waiting]
            with self._database.writing() as session:
                session.add_all(rows)
                session.flush()
                session.execute(sa.delete(KeptForecastRow).where(KeptForecastRow.made_at < now() - self._age))
                self._weigh(session, sum(one.num_values for one in waiting))
            self._take([one.about.id for one in waiting])

    def close(self) -> None:
        """Writes what waits, and ends."""
        self._closing.set()
        self._hurry.set()
        self._wake.set()
        with self._lock:
            writer = self._writer
        if writer is not None:
            writer.join()
        if self._pending:
            self.flush()

    def _weigh(self, session: Session, num_written: int) -> None:
        """Gives up the oldest beyond the limit, once enough was written to matter: it is a look at every row."""
        self._num_unweighed += num_written
        if self._num_unweighed * _WEIGHED_SHARE >= self._max_values:
            _give_up_oldest(session, self._max_values)
            self._num_unweighed = 0

    def _take(self, ids: Sequence[str]) -> Sequence[Keeping]:
        with self._lock:
            taken = [self._pending.pop(one) for one in ids if one in self._pending]
            self._num_pending -= sum(one.num_values for one in taken)
        return taken

    def _young(self) -> tuple[sa.ColumnElement[bool], ...]:
        # An idle service prunes seldom; what is too old is not shown until then.
        return (KeptForecastRow.made_at >= now() - self._age,)

    def _work(self) -> None:
        while not self._closing.is_set():
            self._wake.wait(_PRUNE_SECONDS)
            self._wake.clear()
            self._hurry.clear()
            try:
                self.flush()
            except sa.exc.SQLAlchemyError as error:
                _log.warning("forecasts could not be kept for now", reason=str(error).splitlines()[0])
                self._closing.wait(_PAUSE_SECONDS)
            self._hurry.wait(_PAUSE_SECONDS)


def _row(one: Keeping) -> KeptForecastRow:
    about = one.about
    return KeptForecastRow(
        id=about.id,
        made_at=about.made_at,
        model_name=about.name,
        number=about.number,
        first_item=about.first_item,
        num_series=about.num_series,
        num_values=one.num_values,
        content=pack(one.content()),
    )


def _unpacked(content: bytes) -> bytes:
    """What was kept; by zstd or zlib where an earlier release did it."""
    if is_packed(content):
        return unpack(content)
    if not content.startswith(_ZSTD):
        return zlib.decompress(content)
    unpacked: bytes = pa.CompressedInputStream(pa.BufferReader(content), "zstd").read()
    return unpacked


def _of_row(row: KeptForecastRow) -> KeptForecast:
    return KeptForecast(row.id, row.made_at, row.model_name, row.number, row.first_item, row.num_series)


def _give_up_oldest(session: Session, max_values: int) -> None:
    newest_first = sa.func.sum(KeptForecastRow.num_values).over(order_by=KeptForecastRow.sequence.desc())
    sums = sa.select(KeptForecastRow.sequence, newest_first.label("num_values")).subquery()
    too_old = sa.select(sums.c.sequence).where(sums.c.num_values > max_values)
    session.execute(sa.delete(KeptForecastRow).where(KeptForecastRow.sequence.in_(too_old)))

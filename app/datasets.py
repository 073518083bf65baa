"""The panels that jobs train on, kept by content digest."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.artifacts import ArtifactStore
from app.database import Database, DatasetRow, JobRow, Page, now, read_cursor
from app.errors import DatasetCorrupt, DatasetInUse, DatasetNotFound
from model import Panel, Series

_COLUMNS: Final = ("item_id", "freq", "time_zone", "timestamp", "value")


@dataclass(frozen=True)
class Dataset:
    """A stored panel.

    Attributes:
        id: `ds_…`, made from the digest.
        digest: `Panel.digest()` of its panel.
        num_series: Its series.
        num_observations: The observations of all of them.
        created_at: When it was first added.
    """

    id: str
    digest: str
    num_series: int
    num_observations: int
    created_at: datetime


class Datasets:
    """The stored panels."""

    def __init__(self, database: Database, artifacts: ArtifactStore) -> None:
        self._database = database
        self._artifacts = artifacts

    def add(self, panel: Panel) -> Dataset:
        """Stores a panel; one that is stored already, in whatever order, is the same dataset."""
        digest = panel.digest()
        self._artifacts.add(_key(digest), lambda path: _write(panel, path))
        with self._database.writing() as session:
            row = session.scalar(sa.select(DatasetRow).where(DatasetRow.digest == digest))
            if row is None:
                row = DatasetRow(
                    id=f"ds_{digest[:24]}",
                    digest=digest,
                    num_series=len(panel),
                    num_observations=panel.num_observations,
                    created_at=now(),
                )
                session.add(row)
                # Once more, in case the same panel was being deleted a moment ago.
                self._artifacts.add(_key(digest), lambda path: _write(panel, path))
            return _to_dataset(row)

    def get(self, dataset_id: str) -> Dataset:
        """The dataset of an id.

        Raises:
            DatasetNotFound
        """
        with self._database.reading() as session:
            return _to_dataset(_row(session, dataset_id))

    def list(self, *, limit: int = 50, cursor: str | None = None) -> Page[Dataset]:
        """The datasets, newest first.

        Raises:
            CursorInvalid
        """
        query = sa.select(DatasetRow).order_by(DatasetRow.sequence.desc()).limit(limit + 1)
        before = read_cursor(cursor)
        if before is not None:
            query = query.where(DatasetRow.sequence < before)
        with self._database.reading() as session:
            rows = session.scalars(query).all()
        more = str(rows[limit - 1].sequence) if len(rows) > limit else None
        return Page(tuple(_to_dataset(row) for row in rows[:limit]), more)

    def panel(self, dataset_id: str) -> Panel:
        """The panel of a dataset, of the digest it was stored with.

        Raises:
            DatasetNotFound, DatasetCorrupt
        """
        dataset = self.get(dataset_id)
        try:
            panel = _read(self._artifacts.path(_key(dataset.digest)))
        except FileNotFoundError:
            raise DatasetCorrupt(dataset_id, "it is missing") from None
        except (OSError, pa.ArrowException) as error:
            raise DatasetCorrupt(dataset_id, str(error).splitlines()[0].rstrip(".")) from error
        if panel.digest() != dataset.digest:
            raise DatasetCorrupt(dataset_id, "its content has changed")
        return panel

    def delete(self, dataset_id: str) -> None:
        """Removes a dataset.

        Raises:
            DatasetNotFound
            DatasetInUse: A queued or running job needs it.
        """
        needed = sa.select(JobRow.id).where(JobRow.dataset_id == dataset_id, JobRow.state.in_(("queued", "running")))
        with self._database.writing() as session:
            row = _row(session, dataset_id)
            job_id = session.scalar(needed.limit(1))
            if job_id is not None:
                raise DatasetInUse(dataset_id, job_id)
            session.delete(row)
            session.flush()
            self._artifacts.remove(_key(row.digest))


def _key(digest: str) -> str:
    return f"datasets/{digest}.parquet"


def _row(session: Session, dataset_id: str) -> DatasetRow:
    row = session.scalar(sa.select(DatasetRow).where(DatasetRow.id == dataset_id))
    if row is None:
        raise DatasetNotFound(dataset_id)
    return row


def _to_dataset(row: DatasetRow) -> Dataset:
    return Dataset(row.id, row.digest, row.num_series, row.num_observations, row.created_at)


def _write(panel: Panel, path: Path) -> None:
    lengths = [len(one) for one in panel]
    columns = [
        _repeated([one.item_id for one in panel], lengths),
        _repeated([one.freq for one in panel], lengths),
        _repeated([one.time_zone for one in panel], lengths),
        pa.array(np.concatenate([one.timestamps for one in panel])),
        pa.array(np.concatenate([one.values for one in panel])),
    ]
    pq.write_table(pa.Table.from_arrays(columns, names=list(_COLUMNS)), path, compression="zstd")


def _repeated(texts: Sequence[str | None], lengths: Sequence[int]) -> pa.Array:
    return pa.array(texts, pa.string()).dictionary_encode().take(pa.array(np.repeat(np.arange(len(texts)), lengths)))


def _read(path: Path) -> Panel:
    table = pq.read_table(path, columns=list(_COLUMNS))
    codes = table["item_id"].cast(pa.string()).combine_chunks().dictionary_encode().indices.to_numpy()
    timestamps, values = table["timestamp"].to_numpy(), table["value"].to_numpy()
    bounds = [0, *(np.flatnonzero(np.diff(codes)) + 1).tolist(), len(codes)]
    heads = table.select(_COLUMNS[:3]).take(pa.array(bounds[:-1])).to_pylist()
    return Panel(
        tuple(
            Series(head["item_id"], timestamps[first:last], values[first:last], head["freq"], head["time_zone"])
            for head, first, last in zip(heads, bounds, bounds[1:], strict=False)
        )
    )

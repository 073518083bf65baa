"""The panels that jobs train on: each a row of revisions under one id, their files kept by content digest."""

import threading
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.errors import DatasetChanged, DatasetCorrupt, DatasetInUse, DatasetNotFound, LimitExceeded
from app.stores.artifacts import ArtifactStore
from app.stores.database import Database, Page, now, read_cursor
from app.stores.panel_files import read_panel_file, write_panel
from app.stores.tables import DatasetRevisionRow, DatasetRow, JobRow
from model import Joined, Panel, join


@dataclass(frozen=True)
class Dataset:
    """A stored panel as it is now.

    Attributes:
        id: `ds_…`, made from the digest of what was uploaded.
        revision: How often its content has changed, counted from 1.
        digest: `Panel.digest()` of its panel.
        num_series: Its series.
        num_observations: The observations of all of them.
        created_at: When it was uploaded.
        updated_at: When it was last appended to.
    """

    id: str
    revision: int
    digest: str
    num_series: int
    num_observations: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class Revision:
    """What a dataset held after so many appends.

    Attributes:
        number: Counted from 1, which is what was uploaded.
        digest: Of its panel.
        num_series: Its series.
        num_observations: The observations of all of them.
        is_stored: Whether its file is still kept.
        created_at: When it came to be.
    """

    number: int
    digest: str
    num_series: int
    num_observations: int
    is_stored: bool
    created_at: datetime


@dataclass(frozen=True)
class Appended:
    """A dataset after an append, and what that came to."""

    dataset: Dataset
    num_added: int
    num_known: int


@dataclass(frozen=True)
class PanelLimits:
    """How large a dataset may become."""

    max_series: int
    max_observations: int

    def check(self, panel: Panel) -> None:
        """Refuses a panel that is larger.

        Raises:
            LimitExceeded
        """
        if len(panel) > self.max_series:
            raise LimitExceeded("series in the dataset", len(panel), self.max_series, "LONGSHOT_MAX_SERIES")
        found = panel.num_observations
        if found > self.max_observations:
            raise LimitExceeded("observations in the dataset", found, self.max_observations, "LONGSHOT_MAX_POINTS")


class Datasets:
    """The stored panels."""

    def __init__(self, database: Database, artifacts: ArtifactStore) -> None:
        self._database = database
        self._artifacts = artifacts
        self._appending = threading.Lock()

    def add(self, panel: Panel) -> Dataset:
        """Stores a panel; a dataset that holds the same, in whatever order, and was not appended to is the one."""
        digest = panel.digest()
        self._store(panel, digest)
        with self._database.writing() as session:
            _take_turn(session)
            same = sa.select(DatasetRow).where(DatasetRow.digest == digest, DatasetRow.revision == 1)
            row = session.scalar(same.order_by(DatasetRow.sequence).limit(1))
            if row is None:
                row = _new_row(session, panel, digest)
                session.add(row)
                session.flush()
                session.add(_revision_of(row))
                # Once more, in case the same panel was being deleted a moment ago.
                self._store(panel, digest)
            return _to_dataset(row)

    def append(
        self, dataset_id: str, added: Panel, *, limits: PanelLimits | None = None, expected: str | None = None
    ) -> Appended:
        """Joins observations to a dataset, as its next revision; whole or not at all, also beside other appends.

        Args:
            dataset_id: Which.
            added: Observations of its series, or of new ones; those it has already change nothing.
            limits: How large it may become.
            expected: The digest it must have; any, if left out.

        Raises:
            DatasetNotFound, DatasetCorrupt
            DatasetChanged: Its digest is not the one expected.
            ObservationConflict, TimeZonesMixed: It holds something that does not go with what is added.
            LimitExceeded: It would become too large.
        """
        # One at a time in this process, since each holds a whole panel; another process may still come in between.
        with self._appending:
            while True:
                before, panel = self._present(dataset_id)
                if expected not in (None, before.digest):
                    raise DatasetChanged(dataset_id, str(expected), before.digest)
                joined = join(panel, added)
                if limits is not None:
                    limits.check(joined.panel)
                after = self._move(before, joined) if joined.panel is not panel else before
                if after is not None:
                    return Appended(after, joined.num_added, joined.num_known)

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

    def revisions(self, dataset_id: str, *, limit: int = 50, cursor: str | None = None) -> Page[Revision]:
        """What a dataset has held, newest first.

        Raises:
            DatasetNotFound, CursorInvalid
        """
        number = DatasetRevisionRow.number
        query = sa.select(DatasetRevisionRow).where(DatasetRevisionRow.dataset_id == dataset_id)
        before = read_cursor(cursor)
        if before is not None:
            query = query.where(number < before)
        with self._database.reading() as session:
            _row(session, dataset_id)
            rows = session.scalars(query.order_by(number.desc()).limit(limit + 1)).all()
        more = str(rows[limit - 1].number) if len(rows) > limit else None
        return Page(tuple(_to_revision(row) for row in rows[:limit]), more)

    def panel(self, dataset_id: str, *, digest: str | None = None) -> Panel:
        """The panel of a dataset.

        Args:
            dataset_id: Which.
            digest: Of the revision that is meant; the present one, if left out.

        Raises:
            DatasetNotFound, DatasetCorrupt
        """
        return self._present(dataset_id)[1] if digest is None else self._read(dataset_id, digest)

    def delete(self, dataset_id: str) -> None:
        """Removes a dataset.

        Raises:
            DatasetNotFound
            DatasetInUse: A queued or running job needs it.
        """
        needed = _live_jobs(dataset_id)
        with self._database.writing() as session:
            row = _row(session, dataset_id, lock=True)
            job_id = session.scalar(sa.select(needed.c.id).limit(1))
            if job_id is not None:
                raise DatasetInUse(dataset_id, job_id)
            of_it = DatasetRevisionRow.dataset_id == dataset_id
            digests = set(session.scalars(sa.select(DatasetRevisionRow.digest).where(of_it)))
            session.execute(sa.delete(DatasetRevisionRow).where(of_it))
            session.delete(row)
        self._drop_unused(digests)

    def _present(self, dataset_id: str) -> tuple[Dataset, Panel]:
        """A dataset with its panel; read once more if it was appended to meanwhile, as its former file is then gone."""
        while True:
            dataset = self.get(dataset_id)
            try:
                return dataset, self._read(dataset_id, dataset.digest)
            except DatasetCorrupt:
                if self.get(dataset_id).digest == dataset.digest:
                    raise

    def _move(self, before: Dataset, joined: Joined) -> Dataset | None:
        """Makes a panel the next revision; None if another process was quicker."""
        digest = joined.panel.digest()
        # The file first: a crash in between leaves a file that nothing names, never a revision without a file.
        self._store(joined.panel, digest)
        with self._database.writing() as session:
            _take_turn(session)
            row = _row(session, before.id, lock=True)
            is_first = row.revision == before.revision
            if is_first:
                row.revision, row.digest, row.updated_at = before.revision + 1, digest, now()
                row.num_series, row.num_observations = len(joined.panel), joined.panel.num_observations
                session.add(_revision_of(row))
                self._store(joined.panel, digest)
            after = _to_dataset(row)
        # What is superseded goes once that is certain, and unless a job still needs it.
        self._drop_unused({digest, before.digest} if is_first else {digest}, dataset_id=before.id)
        return after if is_first else None

    def _drop_unused(self, digests: Iterable[str], *, dataset_id: str | None = None) -> None:
        """Removes the files that no revision needs any longer.

        Args:
            digests: Of the files in question.
            dataset_id: Whose superseded revisions are to be given up first, as far as no job needs them.
        """
        with self._database.writing() as session:
            _take_turn(session)
            unused = {*digests, *(_give_up(session, dataset_id) if dataset_id else ())}
            kept = sa.select(DatasetRevisionRow.digest).where(
                DatasetRevisionRow.digest.in_(unused), DatasetRevisionRow.is_stored
            )
            for digest in unused - set(session.scalars(kept)):
                self._artifacts.remove(_key(digest))

    def _store(self, panel: Panel, digest: str) -> None:
        self._artifacts.add(_key(digest), lambda path: write_panel(panel, path))

    def _read(self, dataset_id: str, digest: str) -> Panel:
        try:
            panel = read_panel_file(self._artifacts.path(_key(digest)))
        except FileNotFoundError:
            raise DatasetCorrupt(dataset_id, "it is missing") from None
        except (OSError, pa.ArrowException) as error:
            raise DatasetCorrupt(dataset_id, str(error).splitlines()[0].rstrip(".")) from error
        if panel.digest() != digest:
            raise DatasetCorrupt(dataset_id, "its content has changed")
        return panel


def _take_turn(session: Session) -> None:
    """Waits until no other process adds or removes files of datasets; on SQLite a writer is alone anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(sa.select(sa.func.pg_advisory_xact_lock(_TURN)))


_TURN = 5_417_903_113


def _give_up(session: Session, dataset_id: str) -> set[str]:
    """Marks the superseded revisions that no live job needs as no longer stored; their digests."""
    row = session.scalar(sa.select(DatasetRow).where(DatasetRow.id == dataset_id).with_for_update())
    if row is None:
        return set()
    needed = _live_jobs(dataset_id)
    superseded = session.scalars(
        sa.select(DatasetRevisionRow).where(
            DatasetRevisionRow.dataset_id == dataset_id,
            DatasetRevisionRow.is_stored,
            DatasetRevisionRow.number < row.revision,
            DatasetRevisionRow.digest.not_in(sa.select(needed.c.dataset_digest)),
        )
    ).all()
    for one in superseded:
        one.is_stored = False
    session.flush()
    return {one.digest for one in superseded}


def _live_jobs(dataset_id: str) -> sa.Subquery:
    digest = sa.func.coalesce(JobRow.dataset_digest, "").label("dataset_digest")
    live = sa.select(JobRow.id, digest).where(JobRow.dataset_id == dataset_id, JobRow.state.in_(("queued", "running")))
    return live.subquery()


def _new_row(session: Session, panel: Panel, digest: str) -> DatasetRow:
    usual = f"ds_{digest[:24]}"
    taken = session.scalar(sa.select(DatasetRow.id).where(DatasetRow.id == usual))
    moment = now()
    return DatasetRow(
        # The usual id belongs to a dataset that began like this and was appended to.
        id=f"ds_{uuid.uuid4().hex[:24]}" if taken else usual,
        revision=1,
        digest=digest,
        num_series=len(panel),
        num_observations=panel.num_observations,
        created_at=moment,
        updated_at=moment,
    )


def _revision_of(row: DatasetRow) -> DatasetRevisionRow:
    return DatasetRevisionRow(
        dataset_id=row.id,
        number=row.revision,
        digest=row.digest,
        num_series=row.num_series,
        num_observations=row.num_observations,
        is_stored=True,
        created_at=row.updated_at,
    )


def _key(digest: str) -> str:
    return f"datasets/{digest}.parquet"


def _row(session: Session, dataset_id: str, *, lock: bool = False) -> DatasetRow:
    query = sa.select(DatasetRow).where(DatasetRow.id == dataset_id)
    row = session.scalar(query.with_for_update() if lock else query)
    if row is None:
        raise DatasetNotFound(dataset_id)
    return row


def _to_dataset(row: DatasetRow) -> Dataset:
    return Dataset(
        row.id, row.revision, row.digest, row.num_series, row.num_observations, row.created_at, row.updated_at
    )


def _to_revision(row: DatasetRevisionRow) -> Revision:
    return Revision(row.number, row.digest, row.num_series, row.num_observations, row.is_stored, row.created_at)

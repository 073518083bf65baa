"""Names, versions, aliases and their history."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.artifacts import ArtifactStore
from app.database import Database, now
from app.errors import (
    AliasChanged,
    AliasNotFound,
    AliasWithoutPast,
    ModelNotFound,
    VersionInUse,
    VersionNotFound,
)
from app.references import ModelReference, PinnedVersion, References, check_name
from app.tables import AliasRow, ModelRow, VersionRow
from model import BacktestReport, Checkpoint, Manifest, TrainingConfig


@dataclass(frozen=True)
class Origin:
    """What an imported version is a copy of, as its bundle says.

    Attributes:
        name: The model it belonged to; None where the bundle does not say.
        number: Its number there.
        digest: Of its checkpoint, which is that of the copy.
    """

    name: str | None
    number: int | None
    digest: str


@dataclass(frozen=True, eq=False)
class Version:
    """A registered checkpoint; it never changes, only `aliases` tells what points at it now.

    Attributes:
        name: The model it belongs to.
        number: 1, 2, … in order of registration.
        digest: Of its checkpoint.
        created_at: When it was registered.
        job_id: The job that made it, if one did.
        dataset_id: The dataset it was trained on, if it is one.
        dataset_digest: Of the dataset's revision that it was trained on.
        config: Of its training.
        manifest: Where its checkpoint comes from.
        report: Its backtest beside the baselines; None where the series were too short to hold something back.
        origin: What it is a copy of; None where it was trained here.
        aliases: The aliases that point at it, sorted.
    """

    name: str
    number: int
    digest: str
    created_at: datetime
    job_id: str | None
    dataset_id: str | None
    dataset_digest: str | None
    config: TrainingConfig
    manifest: Manifest
    report: BacktestReport | None
    origin: Origin | None
    aliases: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.name}/{self.number}"


@dataclass(frozen=True)
class RegisteredModel:
    """A name with at least one version.

    Attributes:
        name: Its name.
        created_at: When its first version was registered.
        latest: The number of its newest version; None once all are deleted.
        aliases: Where each alias points, sorted by alias.
    """

    name: str
    created_at: datetime
    latest: int | None
    aliases: tuple["AliasState", ...]


@dataclass(frozen=True)
class AliasState:
    """Where an alias points since its last move, which is also one entry of its history.

    Attributes:
        name: The model.
        alias: The alias.
        number: The version it points at.
        revision: 1 for the first move, one more each; what `point_alias` can expect.
        actor: Who moved it.
        created_at: When.
    """

    name: str
    alias: str
    number: int
    revision: int
    actor: str
    created_at: datetime


class Registry:
    """Registered models, their versions and aliases."""

    def __init__(self, database: Database, artifacts: ArtifactStore) -> None:
        self._database = database
        self._artifacts = artifacts
        self._references = References(database)

    def register(
        self,
        name: str,
        checkpoint: Checkpoint,
        *,
        job_id: str | None = None,
        dataset_id: str | None = None,
        dataset_digest: str | None = None,
        report: BacktestReport | None = None,
        origin: Origin | None = None,
        save: Callable[[Path], None] | None = None,
    ) -> Version:
        """Stores a checkpoint as the next version of a name.

        A job registers once, however often it is repeated; a copy once, as long as a version of the name is the same.

        Args:
            name: The model that the version will belong to.
            checkpoint: The version's.
            job_id: The job that made it.
            dataset_id: The dataset that it was trained on.
            dataset_digest: Of the revision of it.
            report: How it did.
            origin: What it is a copy of.
            save: Writes the checkpoint's folder; `checkpoint.save`, if left out.

        Raises:
            NameInvalid
        """
        check_name(name)
        save = checkpoint.save if save is None else save
        # The files first: a crash in between leaves files that nothing names, never a version without files.
        self._artifacts.add(_key(checkpoint.manifest.digest), save)
        with self._database.writing() as session:
            _lock_model(session, name)
            row = _same(session, name, job_id, origin)
            if row is None:
                row = VersionRow(
                    model_name=name,
                    number=1 + (session.scalar(_last_number(name)) or 0),
                    digest=checkpoint.manifest.digest,
                    job_id=job_id,
                    dataset_id=dataset_id,
                    dataset_digest=dataset_digest,
                    config=checkpoint.config.to_json(),
                    manifest=asdict(checkpoint.manifest),
                    report=None if report is None else json.dumps(asdict(report)),
                    origin=None if origin is None else asdict(origin),
                    created_at=now(),
                )
                session.add(row)
                session.flush()
                # Once more: another version with the same files may have been deleted in between.
                self._artifacts.add(_key(checkpoint.manifest.digest), save)
            return _to_version(row, _pointers(session, row.model_name))

    def with_digest(self, name: str, digest: str) -> Version | None:
        """The first version of a name that is of a digest, if there is one."""
        with self._database.reading() as session:
            row = session.scalars(_with_digest(name, digest)).first()
            return None if row is None else _to_version(row, _pointers(session, name))

    def pin(self, reference: str) -> PinnedVersion:
        """What `name`, `name@alias` or `name/3` means now: little, and quickly.

        Raises:
            NameInvalid, ModelNotFound, AliasNotFound, VersionNotFound
        """
        # Only a refusal needs to know what there is instead.
        return self._references.find(reference) or self._pin_slowly(ModelReference.parse(reference))

    def resolve(self, reference: str) -> Version:
        """The version that `name`, `name@alias` or `name/3` means now, with all that is known of it.

        Raises:
            NameInvalid, ModelNotFound, AliasNotFound, VersionNotFound
        """
        pinned = self.pin(reference)
        return self.version(pinned.name, pinned.number)

    def models(self) -> tuple[RegisteredModel, ...]:
        """Every registered model, by name."""
        with self._database.reading() as session:
            return tuple(
                _to_model(session, row) for row in session.scalars(sa.select(ModelRow).order_by(ModelRow.name))
            )

    def model(self, name: str) -> RegisteredModel:
        """One registered model.

        Raises:
            ModelNotFound
        """
        with self._database.reading() as session:
            return _to_model(session, _model(session, name))

    def versions(self, name: str) -> tuple[Version, ...]:
        """The versions of a model, newest first.

        Raises:
            ModelNotFound
        """
        query = sa.select(VersionRow).where(VersionRow.model_name == name, VersionRow.deleted_at.is_(None))
        query = query.order_by(VersionRow.number.desc())
        with self._database.reading() as session:
            _model(session, name)
            pointers = _pointers(session, name)
            return tuple(_to_version(row, pointers) for row in session.scalars(query))

    def version(self, name: str, number: int) -> Version:
        """One version.

        Raises:
            ModelNotFound, VersionNotFound
        """
        with self._database.reading() as session:
            return _to_version(_version(session, name, number), _pointers(session, name))

    def point_alias(self, name: str, alias: str, number: int, *, actor: str, expected: int | None = None) -> AliasState:
        """Points an alias at a version and adds the move to its history; pointing where it points already is no move.

        Args:
            name: The model.
            alias: The alias; made if it is new.
            number: The version.
            actor: Who asks for it, kept in the history.
            expected: The revision that the caller saw, 0 for "not there yet"; None does not check.

        Raises:
            NameInvalid, ModelNotFound, VersionNotFound
            AliasChanged: The alias is at another revision than expected.
        """
        check_name(alias)
        with self._database.writing() as session:
            _model(session, name, lock=True)
            _version(session, name, number)
            last = next(iter(_moves(session, name, alias)), None)
            return _move(session, (name, alias), last, number, actor, expected)

    def roll_back(self, name: str, alias: str, *, actor: str, expected: int | None = None) -> AliasState:
        """Points an alias at the version it pointed at before: one more move of its history.

        Twice in a row returns to the start. A version that was deleted since then is passed over.

        Args:
            name: The model.
            alias: The alias.
            actor: Who asks for it, kept in the history.
            expected: The revision that the caller saw; None does not check.

        Raises:
            ModelNotFound, AliasNotFound
            AliasChanged: The alias is at another revision than expected.
            AliasWithoutPast: It never pointed at another version that is still there.
        """
        with self._database.writing() as session:
            _model(session, name, lock=True)
            moves = _moves(session, name, alias)
            if not moves:
                raise AliasNotFound(name, alias, sorted(_pointers(session, name)))
            existing = set(_numbers(session, name)) - {moves[0].number}
            before = next((one.number for one in moves if one.number in existing), None)
            if before is None:
                raise AliasWithoutPast(name, alias, moves[0].number)
            return _move(session, (name, alias), moves[0], before, actor, expected)

    def delete(self, name: str, number: int) -> None:
        """Deletes a version that no alias points at; its number is never given again, and the files go with it.

        Raises:
            ModelNotFound, VersionNotFound
            VersionInUse: An alias points at it.
        """
        with self._database.writing() as session:
            _model(session, name, lock=True)
            row = _version(session, name, number)
            pointing = sorted(alias for alias, move in _pointers(session, name).items() if move.number == number)
            if pointing:
                raise VersionInUse(name, number, pointing)
            row.deleted_at = now()
            digest = row.digest
        # Only now, so that a crash leaves files that nothing names, never a version without files.
        self._remove_unnamed(digest)

    def delete_model(self, name: str) -> tuple[int, ...]:
        """Deletes every version of a model, those that aliases point at too; its name and history stay taken.

        Returns:
            The numbers deleted.

        Raises:
            ModelNotFound
            VersionNotFound: None of its versions is left.
        """
        with self._database.writing() as session:
            _model(session, name, lock=True)
            rows = [_version(session, name, number) for number in _numbers(session, name)]
            if not rows:
                raise VersionNotFound(name, 1, ())
            for row in rows:
                row.deleted_at = now()
            digests = {row.digest for row in rows}
        for digest in digests:
            self._remove_unnamed(digest)
        return tuple(row.number for row in rows)

    def alias(self, name: str, alias: str) -> AliasState:
        """Where an alias points.

        Raises:
            ModelNotFound, AliasNotFound
        """
        return self.history(name, alias)[0]

    def history(self, name: str, alias: str) -> tuple[AliasState, ...]:
        """Every move of an alias, newest first.

        Raises:
            ModelNotFound, AliasNotFound
        """
        with self._database.reading() as session:
            _model(session, name)
            moves = _moves(session, name, alias)
            if not moves:
                raise AliasNotFound(name, alias, sorted(_pointers(session, name)))
            return tuple(_to_state(row) for row in moves)

    def _remove_unnamed(self, digest: str) -> None:
        with self._database.writing() as session:
            named = sa.select(VersionRow.number).where(VersionRow.digest == digest, VersionRow.deleted_at.is_(None))
            if session.scalar(named.limit(1)) is None:
                self._artifacts.remove(_key(digest))

    def _pin_slowly(self, wanted: ModelReference) -> PinnedVersion:
        number = self.alias(wanted.name, wanted.alias).number if wanted.alias else wanted.number or 0
        version = self.version(wanted.name, number)
        return PinnedVersion(version.name, wanted.alias, version.number, version.digest)

    def checkpoint_path(self, version: Version | PinnedVersion) -> Path:
        """The folder of a version's checkpoint."""
        return self._artifacts.path(_key(version.digest))


def _key(digest: str) -> str:
    return f"checkpoints/{digest}"


def _model(session: Session, name: str, *, lock: bool = False) -> ModelRow:
    row = session.get(ModelRow, name, with_for_update=lock or None)
    if row is None:
        raise ModelNotFound(name, session.scalars(sa.select(ModelRow.name).order_by(ModelRow.name)).all())
    return row


def _lock_model(session: Session, name: str) -> None:
    try:
        with session.begin_nested():
            if session.get(ModelRow, name) is None:
                session.add(ModelRow(name=name, created_at=now()))
    except IntegrityError:
        session.expire_all()
    _model(session, name, lock=True)


def _numbers(session: Session, name: str) -> Sequence[int]:
    query = sa.select(VersionRow.number).where(VersionRow.model_name == name, VersionRow.deleted_at.is_(None))
    return session.scalars(query).all()


def _last_number(name: str) -> sa.Select[int]:
    """The highest number a model ever gave, to a version that may be deleted now."""
    return sa.select(sa.func.max(VersionRow.number)).where(VersionRow.model_name == name)


def _same(session: Session, name: str, job_id: str | None, origin: Origin | None) -> VersionRow | None:
    """The version that a repetition has registered already."""
    if job_id is not None:
        return session.scalar(sa.select(VersionRow).where(VersionRow.job_id == job_id))
    return None if origin is None else session.scalars(_with_digest(name, origin.digest)).first()


def _with_digest(name: str, digest: str) -> sa.Select[VersionRow]:
    same = (VersionRow.model_name == name, VersionRow.digest == digest, VersionRow.deleted_at.is_(None))
    return sa.select(VersionRow).where(*same).order_by(VersionRow.number)


def _version(session: Session, name: str, number: int) -> VersionRow:
    _model(session, name)
    existing = sorted(_numbers(session, name), reverse=True)
    row = session.get(VersionRow, (name, number)) if number in existing else None
    if row is None:
        raise VersionNotFound(name, number, existing)
    return row


def _move(
    session: Session, key: tuple[str, str], last: AliasRow | None, number: int, actor: str, expected: int | None
) -> AliasState:
    name, alias = key
    revision = 0 if last is None else last.revision
    if expected not in (None, revision):
        raise AliasChanged(name, alias, expected, revision)
    if last is not None and last.number == number:
        return _to_state(last)
    move = AliasRow(model_name=name, alias=alias, revision=revision + 1, number=number, actor=actor, created_at=now())
    session.add(move)
    return _to_state(move)


def _moves(session: Session, name: str, alias: str) -> Sequence[AliasRow]:
    query = sa.select(AliasRow).where(AliasRow.model_name == name, AliasRow.alias == alias)
    return session.scalars(query.order_by(AliasRow.revision.desc())).all()


def _pointers(session: Session, name: str) -> dict[str, AliasRow]:
    """The last move of each alias, by alias; one whose version is deleted points nowhere."""
    version = (VersionRow.model_name == AliasRow.model_name) & (VersionRow.number == AliasRow.number)
    query = sa.select(AliasRow).join(VersionRow, version).where(VersionRow.deleted_at.is_(None))
    query = query.where(AliasRow.model_name == name).order_by(AliasRow.revision)
    return {row.alias: row for row in session.scalars(query)}


def _to_model(session: Session, row: ModelRow) -> RegisteredModel:
    pointers = _pointers(session, row.name)
    aliases = tuple(_to_state(pointers[alias]) for alias in sorted(pointers))
    return RegisteredModel(row.name, row.created_at, max(_numbers(session, row.name), default=None), aliases)


def _to_state(row: AliasRow) -> AliasState:
    return AliasState(row.model_name, row.alias, row.number, row.revision, row.actor, row.created_at)


def _to_version(row: VersionRow, pointers: dict[str, AliasRow]) -> Version:
    return Version(
        name=row.model_name,
        number=row.number,
        digest=row.digest,
        created_at=row.created_at,
        job_id=row.job_id,
        dataset_id=row.dataset_id,
        dataset_digest=row.dataset_digest,
        config=TrainingConfig.from_json(row.config),
        manifest=Manifest.from_json(row.manifest),
        report=None if row.report is None else BacktestReport.from_json(json.loads(row.report)),
        origin=None if row.origin is None else Origin(**row.origin),
        aliases=tuple(sorted(alias for alias, move in pointers.items() if move.number == row.number)),
    )
